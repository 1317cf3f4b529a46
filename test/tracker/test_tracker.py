# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The tracker on painted scenes with a real, small network's mechanics, and with the shipped weights on a real task."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import cycle

import numpy as np
import pytest
from moving_disc import moving_disc
from numpy.typing import NDArray

from stdtrack_ros.errors import InputError
from stdtrack_ros.geometry import Box, Image, iou
from stdtrack_ros.intensity import IntensityRange
from stdtrack_ros.settings import StatusSettings, TrackerSettings, make_settings
from stdtrack_ros.tracker import Status, Tracker, TrackResult, create_tracker, load_model
from stdtrack_ros.tracker.candidate import Candidate
from stdtrack_ros.tracker.frame_view import FrameView
from stdtrack_ros.tracker.models.model import Model, ModelInfo, Prediction
from stdtrack_ros.tracker.motion import PREDICTION_DEAD_BAND
from stdtrack_ros.tracker.tracker import decide

VALUES = {"model.threads": 1, "model.provider": "cpu"}
SETTINGS = make_settings(VALUES)


@pytest.fixture(scope="module")
def model() -> Model:
    return load_model(SETTINGS)


def run(tracker: Tracker, frames: list[NDArray[np.uint8]], box: NDArray[np.float64]) -> list[TrackResult]:
    tracker.initialize(frames[0], box, 0.0)
    return [tracker.track(frame, index / 30) for index, frame in enumerate(frames[1:], 1)]


def same(first: list[TrackResult], second: list[TrackResult]) -> bool:
    return all(
        np.array_equal(one.box, other.box) and one.quality == other.quality and one.token_quality == other.token_quality
        for one, other in zip(first, second, strict=True)
    )


def candidate(quality: float, rejected: bool = False) -> Candidate:
    box = np.array([10.0, 10.0, 20.0, 20.0])
    return Candidate(box, box, quality, 1.0, math.nan, Prediction(box, quality, quality), rejected)


NO_LOSS_DETECTION = StatusSettings(enabled=False)


@pytest.mark.parametrize(
    ("status", "quality", "coasting", "remember", "measure"),
    [
        (Status.TRACKING, 0.9, False, True, True),
        (Status.TRACKING, 0.4, False, True, True),  # uncertain_quality itself is good enough
        (Status.TRACKING, 0.39, False, False, True),
        (Status.TRACKING, 0.0, False, False, True),  # nothing else could tell where the target is
        (Status.UNCERTAIN, 0.9, True, False, True),
        (Status.UNCERTAIN, 0.2, True, False, True),  # lost_quality itself is worth something
        (Status.UNCERTAIN, 0.19, True, False, False),
        (Status.UNCERTAIN, 0.19, False, False, True),  # without a motion model there is nothing to coast on
        (Status.LOST, 0.9, True, False, False),
        (Status.LOST, 0.9, False, False, False),
    ],
)
def test_what_a_candidate_is_good_for(
    status: Status, quality: float, coasting: bool, remember: bool, measure: bool
) -> None:
    settings = StatusSettings(uncertain_quality=0.4, lost_quality=0.2)
    decision = decide(candidate(quality), status, coasting, settings)
    assert (decision.remember, decision.measure, decision.reacquired) == (remember, measure, False)
    assert decision.candidate.quality == quality


@pytest.mark.parametrize(
    ("similarity", "known", "measure"), [(0.71, True, True), (0.69, True, False), (1.0, False, False)]
)
def test_what_resembles_the_target_is_followed_however_low_its_quality(
    similarity: float, known: bool, measure: bool
) -> None:
    found = candidate(0.01)
    appearance = np.ones(4, np.float32) if known else None
    found = replace(found, memory_similarity=similarity, prediction=replace(found.prediction, embedding=appearance))
    settings = StatusSettings(follow_similarity=0.7)
    decision = decide(found, Status.UNCERTAIN, True, settings)
    assert decision.measure is measure and not decision.remember
    assert not decide(replace(found, rejected=True), Status.UNCERTAIN, True, settings).measure
    assert not decide(found, Status.LOST, True, settings).measure


@pytest.mark.parametrize("coasting", [False, True])
def test_a_distractor_is_neither_remembered_nor_measured(coasting: bool) -> None:
    for settings in (StatusSettings(), NO_LOSS_DETECTION):
        for status in (Status.TRACKING, Status.UNCERTAIN, Status.LOST):
            decision = decide(candidate(0.0, rejected=True), status, coasting, settings)
            assert not decision.remember and not decision.measure


def test_what_is_rejected_in_few_frames_of_a_slow_camera_is_measured_but_never_remembered() -> None:
    for status, measured in ((Status.TRACKING, True), (Status.UNCERTAIN, True), (Status.LOST, False)):
        decision = decide(candidate(0.0, rejected=True), status, False, StatusSettings(), few=True)
        assert decision.measure is measured and not decision.remember


def test_without_loss_detection_every_candidate_is_remembered_and_measured() -> None:
    decision = decide(candidate(0.01), Status.TRACKING, False, NO_LOSS_DETECTION)
    assert decision.remember and decision.measure


def test_it_follows_a_moving_target(model: Model) -> None:
    frames, boxes = moving_disc()
    results = run(Tracker(model, SETTINGS), frames, boxes[0])
    overlaps = [float(iou(result.box, box)) for result, box in zip(results, boxes[1:], strict=True)]
    assert min(overlaps) > 0.5
    assert all(result.status is Status.TRACKING for result in results)
    assert [result.frame_number for result in results] == list(range(1, len(frames)))


def test_two_replays_give_the_same_bits_and_nothing_survives_a_new_start(model: Model) -> None:
    frames, boxes = moving_disc()
    tracker = Tracker(model, SETTINGS)
    first = run(tracker, frames, boxes[0])
    run(tracker, moving_disc(seed=5)[0], np.array([10.0, 10, 60, 40]))
    assert same(first, run(tracker, frames, boxes[0]))
    tracker.reset()
    assert not tracker.initialized
    assert same(first, run(tracker, frames, boxes[0]))


@pytest.mark.parametrize("size", [(64, 48), (1280, 720), (33, 200)])
@pytest.mark.parametrize("box", [(2, 2, 8, 8), (0, 0, 1e9, 1e9), (-5, -5, 20, 20), (20, 30, 3000, 10)])
def test_any_image_and_any_box_give_a_finite_box_in_the_image(
    model: Model, size: tuple[int, int], box: tuple[float, float, float, float]
) -> None:
    width, height = size
    frame = np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)
    start = np.minimum(box, (width, height, width, height))
    tracker = Tracker(model, SETTINGS)
    tracker.initialize(frame, start)
    for _ in range(3):
        x, y, w, h = tracker.track(frame).box
        assert np.isfinite([x, y, w, h]).all()
        assert w > 0 and h > 0 and x < width and y < height and x + w > 0 and y + h > 0
        assert x >= 0 and y >= 0 and x + w <= width + 1e-6 and y + h <= height + 1e-6


@pytest.mark.parametrize("kind", ["grey", "grey1", "bgra", "uint16"])
def test_grey_four_channel_and_16_bit_images_are_tracked_as_well(model: Model, kind: str) -> None:
    frames, boxes = moving_disc(6)
    change = {
        "grey": lambda frame: frame.mean(axis=2).astype(np.uint8),
        "grey1": lambda frame: frame.mean(axis=2, keepdims=True).astype(np.uint8),
        "bgra": lambda frame: np.dstack([frame, np.full(frame.shape[:2], 255, np.uint8)]),
        "uint16": lambda frame: frame.astype(np.uint16) << 8,
    }[kind]
    results = run(Tracker(model, SETTINGS), [change(frame) for frame in frames], boxes[0])
    assert float(iou(results[-1].box, boxes[-1])) > 0.4
    if kind == "bgra":
        assert same(results, run(Tracker(model, SETTINGS), frames, boxes[0]))


def test_the_image_size_may_change_in_mid_stream(model: Model) -> None:
    frames, boxes = moving_disc(4)
    tracker = Tracker(model, SETTINGS)
    tracker.initialize(frames[0], boxes[0])
    tracker.track(frames[1])
    result = tracker.track(frames[2][:120, :160])
    assert result.box[0] + result.box[2] <= 160 and result.box[1] + result.box[3] <= 120


BAD_BOXES = [
    ((np.nan, 0, 10, 10), "not finite"),
    ((0, 0, np.inf, 10), "not finite"),
    ((0, 0, 0, 10), "too small"),
    ((0, 0, 10, -3), "too small"),
    ((400, 0, 10, 10), "outside the image of 320x240"),
    ((0, -50, 10, 10), "outside the image"),
    ((-9000, -9000, 20000, 20000), "as large as"),
    ((1, 2, 3), "4 numbers"),
]


@pytest.mark.parametrize(("box", "sentence"), BAD_BOXES)
def test_a_box_that_cannot_start_a_target_is_refused_and_the_old_target_kept(
    model: Model, box: tuple[float, ...], sentence: str
) -> None:
    frames, boxes = moving_disc(4)
    expected = run(Tracker(model, SETTINGS), frames, boxes[0])
    tracker = Tracker(model, SETTINGS)
    tracker.initialize(frames[0], boxes[0], 0.0)
    found = [tracker.track(frames[1], 1 / 30)]
    with pytest.raises(InputError, match=sentence):
        tracker.initialize(frames[1], box)
    found += [tracker.track(frame, index / 30) for index, frame in enumerate(frames[2:], 2)]
    assert same(found, expected)


@pytest.mark.parametrize(
    "image", [np.zeros((0, 5, 3), np.uint8), np.zeros((5, 5, 2), np.uint8), np.zeros((5, 5, 3)), np.zeros(7, np.uint8)]
)
def test_an_image_that_is_none_is_refused_and_the_state_kept(model: Model, image: NDArray[np.generic]) -> None:
    frames, boxes = moving_disc(3)
    tracker = Tracker(model, SETTINGS)
    with pytest.raises(InputError, match="no target"):
        tracker.track(frames[0])
    tracker.initialize(frames[0], boxes[0])
    with pytest.raises(InputError, match="An image"):
        tracker.track(image)
    assert tracker.track(frames[1]).frame_number == 1


def test_the_state_does_not_grow(model: Model) -> None:
    import pickle

    frames, boxes = moving_disc(30)
    tracker = Tracker(model, SETTINGS)
    tracker.initialize(frames[0], boxes[0])
    sizes = []
    for frame in frames[1:]:
        tracker.track(frame)
        sizes.append(len(pickle.dumps(tracker._state)))
    assert max(sizes[10:]) - min(sizes[10:]) < 256


@pytest.mark.parametrize("first", [100.0, float("nan"), float("inf")])
def test_stamps_that_jump_or_stand_still_do_no_harm(model: Model, first: float) -> None:
    frames, boxes = moving_disc(8)
    tracker = Tracker(model, SETTINGS)
    tracker.initialize(frames[0], boxes[0], first)
    for frame, stamp in zip(frames[1:], (100.03, 100.03, 5.0, 5.03, 1e9, float("nan"), 1e9), strict=True):
        result = tracker.track(frame, stamp)
        assert np.isfinite(result.box).all() and np.isfinite(result.covariance).all()
        assert result.time_since_seen_s >= 0


def test_a_target_that_vanishes_is_said_to_be_lost_and_found_again(model: Model) -> None:
    """The disc is away for a second, then back where it was: LOST in time, never TRACKING meanwhile, found again."""
    frames, boxes = moving_disc(40)
    empty = moving_disc(1, seed=9)[0][0]
    empty[60:160, 60:180] = empty[60:160, 180:300]
    tracker = Tracker(model, SETTINGS)
    tracker.initialize(frames[0], boxes[0], 0.0)
    clock = 0
    for frame in frames[1:8]:
        clock += 1
        tracker.track(frame, clock / 30)
    away = []
    for _ in range(30):
        clock += 1
        away.append(tracker.track(empty, clock / 30))
    assert Status.LOST in {result.status for result in away}
    assert all(result.status is not Status.TRACKING for result in away[5:])
    assert away[-1].time_since_seen_s == pytest.approx((len(away)) / 30, abs=0.15)
    back = []
    for _ in range(60):
        clock += 1
        back.append(tracker.track(frames[8], clock / 30))
    assert back[-1].status is Status.TRACKING
    assert float(iou(back[-1].box, boxes[8])) > 0.5


def test_create_tracker_uses_the_shipped_model() -> None:
    tracker = create_tracker(TrackerSettings())
    assert tracker.model.info.name.startswith("stdtrack/")


@pytest.mark.parametrize("stamp", [lambda index: 100.0, lambda index: 100.0 + index // 30, lambda index: float("nan")])
def test_a_clock_that_stands_still_does_not_keep_a_target_from_being_lost(model: Model, stamp: object) -> None:
    frames, boxes = moving_disc(8)
    tracker = Tracker(model, SETTINGS)
    tracker.initialize(frames[0], boxes[0], stamp(0))
    flat = np.full_like(frames[0], 90)
    shown = frames[1:] + [flat] * 30
    found = [tracker.track(frame, stamp(index)).status for index, frame in enumerate(shown, 1)]
    assert 8 <= found.index(Status.LOST) - 6 <= 13


@pytest.mark.parametrize("show", ["grey", "black with noise"])
def test_a_box_that_shows_nothing_is_refused(model: Model, show: str) -> None:
    noise = np.random.default_rng(0).integers(0, 4, (240, 320, 3), dtype=np.uint8)
    image = noise if show == "black with noise" else np.full((240, 320, 3), 115, np.uint8)
    with pytest.raises(InputError, match="show nothing to follow"):
        Tracker(model, SETTINGS).initialize(image, (100, 80, 40, 40))


def thermal(frame: NDArray[np.uint8], span: int) -> NDArray[np.uint16]:
    """Convert the frame to what a 14-bit thermal camera gives, in `span` counts."""
    return (7000 + frame.mean(axis=2) * span / 255).astype(np.uint16)


@pytest.mark.parametrize("span", [64, 250, 2500, 9000])
def test_a_thermal_image_that_uses_few_of_its_16_bits_is_tracked_as_its_grey_original(model: Model, span: int) -> None:
    frames, boxes = moving_disc(8)
    results = run(Tracker(model, SETTINGS), [thermal(frame, span) for frame in frames], boxes[0])
    grey = run(Tracker(model, SETTINGS), [frame.mean(axis=2).astype(np.uint8) for frame in frames], boxes[0])
    shown = results[-1].intensity
    assert shown is not None and 6500 < shown.low < 7000 + span / 2 < shown.high < 7000 + 1.2 * span + 20
    for one, other in zip(results, grey, strict=True):
        assert float(iou(one.box, other.box)) > 0.75 and one.status is Status.TRACKING


class OneBox:
    """Finds the same box in every window, in pixels of the window of 100 px."""

    info = ModelInfo("one box", "none", "CPU", "fp32", "", "0" * 64, 32, 2.0, 100, 5.0, 5.0)

    def __init__(self, box: tuple[float, ...]) -> None:
        self.box = np.array(box)

    def start(self, frame: FrameView, box: Box) -> None:
        return None

    def step(self, states: Sequence[None], searches: Image, influences: Sequence[float]) -> list[Prediction]:
        return [Prediction(self.box, 1.0, 1.0) for _ in states]

    def remember(self, state: None, prediction: Prediction, frame: FrameView, box: Box) -> None:
        return None

    def similarity(self, state: None, prediction: Prediction) -> float:
        return 1.0


@pytest.mark.parametrize(
    ("constant", "interval_s", "side"),
    [(0.0, 0.1, 40.0), (0.1, 0.1 * np.log(2), 30.0), (0.1, 0.1 * np.log(4), 35.0), (0.05, 0.1 * np.log(2), 35.0)],
)
def test_the_size_moves_a_part_of_the_way_and_the_centre_all_of_it(
    constant: float, interval_s: float, side: float
) -> None:
    # The window is 5 x 20 px wide, so one of its pixels is one of the image; it lies from x 60 and y 40 on.
    settings = make_settings({"search.size_time_constant": constant, "search.extent_weight": 0.0})
    tracker = Tracker(OneBox((40.0, 35.0, 40.0, 40.0)), settings)
    tracker.initialize(np.random.default_rng(0).integers(0, 256, (240, 320, 3), np.uint8), (100, 80, 20, 20), 7.0)
    found = tracker.track(np.zeros((240, 320, 3), np.uint8), 7.0 + interval_s).box
    np.testing.assert_allclose(found, [120 - side / 2, 95 - side / 2, side, side])


class UnsureDraughtsman(OneBox):
    """Draws squares of these sides in turn in the middle of windows, the last one from then on, and is never sure."""

    def __init__(self, *sides: float) -> None:
        self.sides = list(sides)

    def step(self, states: Sequence[None], searches: Image, influences: Sequence[float]) -> list[Prediction]:
        side = self.sides.pop(0) if len(self.sides) > 1 else self.sides[0]
        return [Prediction(np.array([50 - side / 2, 50 - side / 2, side, side]), 0.3, 0.3) for _ in states]


@pytest.mark.parametrize(("window", "side"), [("small", 20 * 20 / 25), ("large", 20 * 20 / 16)])
def test_each_window_draws_as_it_drew_the_box_of_the_start(window: str, side: float) -> None:
    # In the frame of the start 25 px in the small window and 16 px in the large one, where the box has 20 px.
    settings = {"search.window": window, "search.extent_weight": 1.0, "search.size_time_constant": 0.0}
    tracker = Tracker(UnsureDraughtsman(25.0, 16.0, 20.0), make_settings(settings))
    image = np.random.default_rng(0).integers(0, 256, (240, 320, 3), np.uint8)
    tracker.initialize(image, (100, 80, 20, 20), 0.0)
    np.testing.assert_allclose(tracker.track(image, 1 / 30).box, [110 - side / 2, 90 - side / 2, side, side])


def test_a_network_that_fails_on_the_frame_of_the_start_is_asked_again() -> None:
    class Failing(UnsureDraughtsman):
        def step(self, states: Sequence[None], searches: Image, influences: Sequence[float]) -> list[Prediction]:
            self.asked += 1
            if self.asked == 2:  # on the large window
                raise RuntimeError("the device is gone")
            return super().step(states, searches, influences)

        asked = 0

    settings = {"search.window": "large", "search.extent_weight": 1.0, "search.size_time_constant": 0.0}
    tracker = Tracker(Failing(25.0, 16.0, 20.0), make_settings(settings))
    image = np.random.default_rng(0).integers(0, 256, (240, 320, 3), np.uint8)
    tracker.initialize(image, (100, 80, 20, 20), 0.0)
    with pytest.raises(RuntimeError, match="gone"):
        tracker.track(image, 1 / 30)
    np.testing.assert_allclose(tracker.track(image, 2 / 30).box, [97.5, 77.5, 25.0, 25.0])


@pytest.mark.parametrize("moving", [True, False])
def test_the_window_moves_on_with_the_target(moving: bool) -> None:
    # Windows are 5 x 20 px wide, so that the box lies 8 px to the right of their centres.
    tracker = Tracker(OneBox((48.0, 40.0, 20.0, 20.0)), make_settings({"motion.enabled": moving}))
    image = np.random.default_rng(0).integers(0, 256, (240, 320, 3), np.uint8)
    tracker.initialize(image, (100, 80, 20, 20), 0.0)
    first = tracker.track(image, 0.1)
    np.testing.assert_allclose(first.box, [108, 80, 20, 20])
    ahead = float(first.velocity[0]) * 0.1 - PREDICTION_DEAD_BAND * 20 if moving else 0.0
    assert not moving or 1.0 < ahead < 8.0
    np.testing.assert_allclose(tracker.track(image, 0.2).box, [116 + ahead, 80, 20, 20])


def test_the_window_stays_with_what_turns_back_again_and_again() -> None:
    places = cycle([(48.0, 40.0, 20.0, 20.0), (32.0, 40.0, 20.0, 20.0)])  # 8 px to the right of a window's centre, left
    target = OneBox(next(places))
    tracker = Tracker(target, make_settings({}))
    image = np.random.default_rng(0).integers(0, 256, (240, 320, 3), np.uint8)
    tracker.initialize(image, (100, 80, 20, 20), 0.0)
    found = []
    for index in range(1, 13):
        result = tracker.track(image, index / 30)
        found.append(result.box[0])
        target.box = np.array(next(places))
    assert abs(result.velocity[0]) / 30 > PREDICTION_DEAD_BAND * 20  # it would be ahead
    np.testing.assert_allclose(np.diff(found[-7:]), [8.0, -8.0] * 3)


def test_the_window_is_ahead_by_one_target_size_at_most() -> None:
    tracker = Tracker(OneBox((48.0, 40.0, 20.0, 20.0)), make_settings({}))
    image = np.random.default_rng(0).integers(0, 256, (240, 320, 3), np.uint8)
    tracker.initialize(image, (100, 80, 20, 20), 0.0)
    first = tracker.track(image, 0.1)
    assert float(first.velocity[0]) > 40.0
    np.testing.assert_allclose(tracker.track(image, 1.1).box, [108 + 20 + 8, 80, 20, 20])


def test_a_range_that_is_set_holds_from_the_next_frame_on(model: Model) -> None:
    frames, boxes = moving_disc(4)
    tracker = Tracker(model, SETTINGS)
    tracker.initialize(thermal(frames[0], 2500), boxes[0])
    tracker.settings = make_settings({**VALUES, "intensity.low": 6000, "intensity.high": 10_000})
    assert tracker.track(thermal(frames[1], 2500)).intensity == IntensityRange(6000.0, 10_000.0)
    tracker.initialize(thermal(frames[0], 2500), boxes[0])
    assert tracker.track(thermal(frames[1], 2500)).intensity == IntensityRange(6000.0, 10_000.0)


def test_a_camera_that_changes_to_16_bits_or_its_gain_is_measured_anew(model: Model) -> None:
    frames, boxes = moving_disc(6)
    tracker = Tracker(model, SETTINGS)
    tracker.initialize(frames[0], boxes[0], 0.0)
    assert tracker.track(frames[1], 1 / 30).intensity is None
    first = tracker.track(thermal(frames[2], 2500), 2 / 30).intensity
    assert first is not None and 7000 < first.low < first.high < 9500
    later = tracker.track(thermal(frames[3], 2500) + 20_000, 3 / 30)
    assert later.intensity is not None and later.intensity.low > 26_000
    assert float(iou(later.box, boxes[3])) > 0.5 and later.status is Status.TRACKING


def test_a_start_cut_by_the_edge_is_uncertain_until_frames_show_the_target_whole(model: Model) -> None:
    """The disc moves 4 px a frame away from an edge through its middle: five whole boxes come in frame 5 at best."""
    frames, boxes = moving_disc(30)
    cut = [np.ascontiguousarray(frame[:, 100:]) for frame in frames]
    shown = boxes - [100, 0, 0, 0]
    half = np.array([0.0, boxes[0][1], 24.0, 48.0])
    tracker = Tracker(model, SETTINGS)
    results = run(tracker, cut, half)
    assert {result.status for result in results[:4]} == {Status.UNCERTAIN}
    assert results[3].time_since_seen_s == pytest.approx(4 / 30)
    assert results[-1].status is Status.TRACKING and iou(results[-1].box, shown[-1]) > 0.5
    assert tracker.start_doubt == ""
    tracker.initialize(cut[0], half, 0.0)
    assert "cut by the edge" in tracker.start_doubt
    tracker.initialize(cut[-1], shown[-1], 0.0)
    assert tracker.start_doubt == ""


def test_a_cut_start_is_followed_as_any_other(model: Model) -> None:
    frames, _ = moving_disc(20)
    cut = [np.ascontiguousarray(frame[:, 100:]) for frame in frames]
    half = np.array([0.0, 66.0, 24.0, 48.0])
    without = Tracker(model, make_settings({**VALUES, "status.enabled": False}))
    plain = run(without, cut, half)
    assert without.start_doubt == "" and {result.status for result in plain} == {Status.TRACKING}
    assert same(run(Tracker(model, SETTINGS), cut, half), plain)
