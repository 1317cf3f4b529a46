# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A target that is turned, or in another light, when it comes back: how that is undone, and that it is found."""

from __future__ import annotations

import math
from collections.abc import Sequence

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from stdtrack_ros.geometry import Crop
from stdtrack_ros.settings import make_settings
from stdtrack_ros.tracker import Status, Tracker, TrackResult
from stdtrack_ros.tracker.changed_look import (
    TURN_DEG,
    UNCHANGED,
    Change,
    brightness_of,
    mean_brightness,
    possible_changes,
)
from stdtrack_ros.tracker.frame_view import FrameView
from stdtrack_ros.tracker.models.model import ModelInfo, Prediction

FPS = 15.0
SIZE = np.array([320, 240])
START, BACK = (100.0, 100.0), (240.0, 150.0)
"""Where the bar is at the start, and where it comes back."""
SIDE = 24.0


def draw_bar(center: tuple[float, float] | None, turn_deg: float = 0.0, gain: float = 1.0) -> NDArray[np.uint8]:
    """Draw an upright bar of 12x36 px, turned clockwise, on a dark ground."""
    image = np.full((SIZE[1], SIZE[0], 3), 20, np.uint8)
    if center is not None:
        corners = cv2.boxPoints((center, (12.0, 36.0), turn_deg))
        cv2.fillPoly(image, [np.round(corners).astype(np.int32)], (0, 120, 0))
    return cv2.convertScaleAbs(image, alpha=gain)


def box_of(center: tuple[float, float]) -> NDArray[np.float64]:
    return np.array([center[0] - SIDE / 2, center[1] - SIDE / 2, SIDE, SIDE])


class BarModel:
    """Finds the bar, however it lies, and knows it by its angle and its brightness."""

    info = ModelInfo("bar", "none", "CPU", "fp32", "", "0" * 64, 32, 2.0, 96, 4.0, 4.0)

    def __init__(self) -> None:
        self.runs = 0

    def start(self, frame: FrameView, box: NDArray[np.float64]) -> tuple[NDArray[np.float64], ...]:
        return (np.array([0.0, 120.0]),)

    def step(
        self, states: Sequence[object], searches: NDArray[np.uint8], influences: Sequence[float]
    ) -> list[Prediction]:
        self.runs += len(searches)
        return [self._look(search) for search in searches]

    def _look(self, search: NDArray[np.uint8]) -> Prediction:
        shown = search[:, :, 1].astype(int) - search[:, :, 0]
        rows, columns = np.nonzero(shown > 0.5 * max(shown.max(), 30))
        if len(rows) < 100:
            return Prediction(np.array([38.0, 38.0, 20.0, 20.0]), 0.0, 0.0, embedding=np.zeros(2, np.float32))
        points = np.stack((columns, rows))
        _, directions = np.linalg.eigh(np.cov(points))
        along = directions[:, 1] * np.sign(directions[1, 1])  # down
        angle = math.degrees(math.atan2(-along[0], along[1]))  # clockwise from the upright
        brightness = float(np.median(search[rows, columns, 1]))
        x, y = points.mean(axis=1)
        scale = len(rows) ** 0.5 * SIDE / (12 * 36) ** 0.5
        look = np.array([angle, brightness], np.float32)
        return Prediction(np.array([x - scale / 2, y - scale / 2, scale, scale]), 0.95, 0.9, embedding=look)

    def remember(
        self,
        state: tuple[NDArray[np.float64], ...],
        prediction: Prediction,
        frame: FrameView,
        box: NDArray[np.float64],
    ) -> tuple[NDArray[np.float64], ...]:
        assert prediction.embedding is not None
        return (*state, prediction.embedding.astype(np.float64))

    def similarity(self, state: tuple[NDArray[np.float64], ...], prediction: Prediction) -> float:
        assert prediction.embedding is not None
        if not prediction.embedding.any():
            return 0.0
        distances = [np.abs(known - prediction.embedding) / np.array([50.0, 80.0]) for known in state]
        return 1.0 - min(float(distance.sum()) for distance in distances)


def come_back(
    turn_deg: float, gain: float, step_px: float = 0.0, **settings: float | bool
) -> tuple[Tracker, list[TrackResult]]:
    """Track the bar until it is LOST, and for a second after it has come back, changed, on its way to the left."""
    plain = {"search.extent_weight": 0.0, "search.elsewhere_interval": 0.0}
    tracker = Tracker(BarModel(), make_settings({**plain, **settings}))
    tracker.initialize(draw_bar(START), box_of(START), 0.0)
    stamps = iter(np.arange(1, 200) / FPS)
    for _ in range(8):
        assert tracker.track(draw_bar(START), next(stamps)).status is Status.TRACKING
    away = [tracker.track(draw_bar(None), next(stamps)).status for _ in range(12)]
    assert away[-1] is Status.LOST
    places = [(BACK[0] - step_px * number, BACK[1]) for number in range(round(FPS))]
    return tracker, [tracker.track(draw_bar(place, turn_deg, gain), next(stamps)) for place in places]


@pytest.mark.parametrize(("turn_deg", "gain"), [(0.0, 1.0), (28.0, 1.0), (-32.0, 1.0), (0.0, 0.5), (0.0, 1.8)])
def test_a_target_that_comes_back_changed_is_found_within_a_second(turn_deg: float, gain: float) -> None:
    _, seen = come_back(turn_deg, gain)
    changed = (turn_deg, gain) != (0.0, 1.0)
    assert seen[-1].status is Status.TRACKING  # and followed: it is known as it is now
    middle = seen[-1].box[:2] + seen[-1].box[2:] / 2
    assert math.dist(middle, BACK) < 3
    without = come_back(turn_deg, gain, **{"redetection.changed_looks": False})[1][-1].status
    assert (without is Status.LOST) == changed


def test_where_it_is_found_is_where_the_picture_shows_it() -> None:
    _, seen = come_back(28.0, 1.0, step_px=10.0)
    number, found = next(one for one in enumerate(seen) if one[1].status is Status.TRACKING)
    place = found.box[:2] + found.box[2:] / 2
    np.testing.assert_allclose(place, (BACK[0] - 10 * number, BACK[1]), atol=2)  # 10 px beside the middle of its window


def test_what_has_changed_beyond_that_is_not_taken_for_the_target() -> None:
    _, seen = come_back(80.0, 1.0)
    assert {result.status for result in seen} == {Status.LOST}


def test_nothing_is_looked_at_as_if_it_had_changed_while_the_next_frame_is_due() -> None:
    tracker, _ = come_back(28.0, 1.0, **{"redetection.changed_looks": False})
    tracker.settings = make_settings({"search.elsewhere_interval": 0.0})
    assert isinstance(tracker.model, BarModel)
    before, frame = tracker.model.runs, FrameView(draw_bar(BACK, 28.0))
    for number in range(8):
        step = tracker.step(frame, 3.0 + number / FPS, remember_later=True)
        query = next(step)
        with pytest.raises(StopIteration) as end:
            step.send((tracker.model.step([query.state], query.crops, [0.0]), 1.0))
        assert end.value.value.status is Status.LOST
        tracker.finish(spare_s=0.0)
    assert tracker.model.runs == before + 8


def test_a_turn_is_undone_about_the_middle_of_the_window() -> None:
    picture = np.random.default_rng(3).integers(0, 256, (9, 9, 3)).astype(np.uint8)
    clockwise = np.ascontiguousarray(np.rot90(picture, -1))
    np.testing.assert_array_equal(Change(turn_deg=90).undo(clockwise), picture)
    np.testing.assert_array_equal(UNCHANGED.undo(picture), picture)


@pytest.mark.parametrize("turn_deg", [TURN_DEG, -TURN_DEG])
def test_a_box_of_the_window_without_the_change_is_put_back_where_the_image_shows_it(turn_deg: float) -> None:
    window = Crop(110.0, 90.0, 60.0, 120)
    image = np.zeros((240, 320, 3), np.uint8)
    image[100:104, 124:128] = 255
    rows, columns = np.nonzero(Change(turn_deg=turn_deg).undo(window.extract(image))[:, :, 0] > 127)
    found = np.array([columns.mean() + 0.5 - 8, rows.mean() + 0.5 - 6, 16.0, 12.0])
    box = Change(turn_deg=turn_deg).to_image(window, found)
    np.testing.assert_allclose(box, [126 - 4, 102 - 3, 8, 6], atol=0.6)
    np.testing.assert_array_equal(UNCHANGED.to_image(window, found), window.to_image(found))


def test_another_light_is_undone() -> None:
    picture = np.array([[[20, 40, 60], [100, 120, 140]]], np.uint8)
    np.testing.assert_array_equal(Change(gain=0.5).undo(picture), [[[40, 80, 120], [200, 240, 255]]])
    np.testing.assert_array_equal(Change(gain=2.0).undo(picture), [[[10, 20, 30], [50, 60, 70]]])


def test_it_may_have_turned_either_way_and_the_light_is_another_one_if_the_brightness_says_so() -> None:
    turns = [Change(turn_deg=TURN_DEG), Change(turn_deg=-TURN_DEG)]
    assert possible_changes(100.0, 90.0) == turns
    assert possible_changes(100.0, math.nan) == possible_changes(math.nan, 100.0) == possible_changes(0.0, 9.0) == turns
    assert possible_changes(120.0, 80.0) == [*turns, Change(gain=1.5)]
    assert possible_changes(40.0, 80.0) == [*turns, Change(gain=0.5)]
    assert possible_changes(250.0, 10.0) == [*turns, Change(gain=2.5)]


def test_brightness_is_that_of_the_box() -> None:
    pixels = np.full((10, 10, 3), 10, np.uint8)
    pixels[2:4, 5:9] = 90
    assert brightness_of(pixels, np.array([5.0, 2.0, 4.0, 2.0])) == 90
    assert brightness_of(pixels, np.array([5.0, 2.0, 4.0, 4.0])) == 50
    assert brightness_of(pixels, np.array([-3.0, -3.0, 5.0, 5.0])) == 10
    assert math.isnan(brightness_of(pixels, np.array([20.0, 2.0, 4.0, 2.0])))


def test_the_brightness_of_the_target_follows_the_trusted_frames() -> None:
    assert mean_brightness(math.nan, 80.0) == mean_brightness(80.0, math.nan) == 80.0
    assert mean_brightness(80.0, 90.0) == pytest.approx(82.0)
    assert math.isnan(mean_brightness(math.nan, math.nan))
