# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Several targets in one stream: each gets what it gets alone, at any image size."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import pytest
from moving_scene import Scene
from template_matching import TemplateMatching

from stdtrack_ros.errors import InputError
from stdtrack_ros.geometry import Box, Image, iou
from stdtrack_ros.settings import StatusSettings, TrackerSettings
from stdtrack_ros.tracker import MultiTargetTracker, Status, Tracker
from stdtrack_ros.tracker.frame_view import FrameView
from stdtrack_ros.tracker.models.model import Prediction

SCENE = Scene(320, 240, 24)


class Counting(TemplateMatching):
    """Writes down how many windows each run had."""

    def __init__(self) -> None:
        super().__init__()
        self.runs: list[int] = []

    def step(self, states: Sequence[Image], searches: Image, window_influences: Sequence[float]) -> list[Prediction]:
        self.runs.append(len(searches))
        return super().step(states, searches, window_influences)


def started(count: int = 2) -> MultiTargetTracker:
    tracker = MultiTargetTracker(Counting(), TrackerSettings())
    for which in range(count):
        tracker.initialize(f"target-{which}", SCENE.image(0, count), SCENE.box(0, which), 0.0)
    return tracker


def test_targets_get_together_what_each_gets_alone_in_one_run_of_the_network() -> None:
    tracker = started(3)
    alone = [Tracker(TemplateMatching(), TrackerSettings()) for _ in range(3)]
    for which, one in enumerate(alone):
        one.initialize(SCENE.image(0, 3), SCENE.box(0, which), 0.0)
    for index in range(1, 5):
        image = SCENE.image(index, 3)
        found = tracker.track(image, index / 30)
        assert list(found.results) == ["target-0", "target-1", "target-2"] and not found.forgotten
        for which, one in enumerate(alone):
            expected = one.track(image, index / 30)
            np.testing.assert_array_equal(found.results[f"target-{which}"].box, expected.box)
            np.testing.assert_array_equal(found.results[f"target-{which}"].covariance, expected.covariance)
    assert tracker.model.runs == [1] * 6 + [3] * 4  # each start in two windows, then the frames


def test_only_the_named_targets_move_on() -> None:
    tracker = started()
    assert list(tracker.track(SCENE.image(1, 2), 0.1, ["target-1"]).results) == ["target-1"]
    both = tracker.track(SCENE.image(2, 2), 0.2).results
    assert [both[name].frame_number for name in ("target-0", "target-1")] == [1, 2]
    assert not tracker.track(SCENE.image(2, 2), 0.2, []).results


def test_an_image_of_half_the_size_gives_the_same_box_in_its_own_pixels() -> None:
    tracker = started(1)
    result = tracker.track(cv2.resize(SCENE.image(1), (160, 120), interpolation=cv2.INTER_AREA), 1 / 30)
    box = result.results["target-0"].box
    assert float(iou(box, np.array(SCENE.box(1)) / 2)) > 0.7
    assert float(iou(tracker.track(SCENE.image(2), 2 / 30).results["target-0"].box, SCENE.box(2))) > 0.7


def test_an_image_of_another_shape_ends_the_targets_of_the_old_one_alone() -> None:
    tracker = started(1)
    tall = np.ascontiguousarray(np.rot90(SCENE.image(1, 2)))
    tracker.initialize("tall", tall, (20, 20, 30, 30), 0.0)
    found = tracker.track(tall, 0.1)
    assert list(found.results) == ["tall"]
    assert "from 320x240 to 240x320 px, which is another shape" in found.forgotten["target-0"]
    assert "target-0" not in tracker and len(tracker) == 1


def test_a_start_that_fails_keeps_the_old_target_of_that_name() -> None:
    tracker = started(1)
    with pytest.raises(InputError, match="too small"):
        tracker.initialize("target-0", SCENE.image(1), (0, 0, 0, 0))
    assert tracker.track(SCENE.image(1), 0.1).results["target-0"].frame_number == 1


def test_new_settings_reach_every_target_and_targets_are_forgotten_by_name() -> None:
    tracker = started()
    tracker.settings = TrackerSettings(status=StatusSettings(uncertain_quality=1.0, uncertain_frames=1))
    flat = np.full_like(SCENE.image(0), 90)
    assert {result.status for result in tracker.track(flat, 0.1).results.values()} == {Status.UNCERTAIN}
    tracker.forget("target-0")
    assert "target-0" not in tracker and "target-1" in tracker
    tracker.forget()
    assert len(tracker) == 0


class CountingModel(TemplateMatching):
    """Counts the frames that it was to remember."""

    remembered = 0

    def remember(self, state: Image, prediction: Prediction, frame: FrameView, box: Box) -> Image:
        self.remembered += 1
        return super().remember(state, prediction, frame, box)


def test_a_frame_is_remembered_after_its_result_and_before_the_next_one() -> None:
    model = CountingModel()
    targets = MultiTargetTracker(model, TrackerSettings())
    targets.initialize("one", SCENE.image(0, 1), SCENE.box(0, 0), 0.0)
    counts = []
    for number in (1, 2, 3):
        targets.track(SCENE.image(number, 1), number / 30)
        counts.append(model.remembered)
        if number == 2:
            targets.finish()
            targets.finish()
            counts.append(model.remembered)
    assert counts == [0, 1, 2, 2]
    targets.forget()
    targets.finish()
    assert model.remembered == 2
    alone = Tracker(model, TrackerSettings())
    alone.initialize(SCENE.image(0, 1), SCENE.box(0, 0), 0.0)
    alone.track(SCENE.image(1, 1), 1 / 30)
    assert model.remembered == 3, "a tracker of its own leaves nothing for later"
