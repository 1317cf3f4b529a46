# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""One pass, restarts and many starts on clips whose outcome is known beforehand."""

from __future__ import annotations

import numpy as np
import pytest
from painted_clips import PaintedClip, RedTracker, StillTracker

from stdtrack_ros.errors import SequenceError
from stdtrack_ros.evaluation.metrics.scores import row_of
from stdtrack_ros.evaluation.protocols import run_multi_start, run_one_pass, run_with_restarts, start_of
from stdtrack_ros.evaluation.results import facts_of


def test_one_pass_starts_on_the_first_true_box_and_keeps_what_was_said() -> None:
    clip = PaintedClip("late", 10, hidden=range(3))
    track = run_one_pass(RedTracker(), clip)
    assert track.start == 3
    assert np.isnan(track.boxes[:3]).all()
    np.testing.assert_array_equal(track.boxes[3:], clip.boxes[3:])
    assert np.isnan(track.qualities[:4]).all() and (track.qualities[4:] == 0.9).all()
    assert (track.velocities[4:] == [20, 0]).all()
    assert (track.step_s[4:] > 0).all()


def test_a_plain_pair_is_an_answer_too() -> None:
    track = run_one_pass(StillTracker(), PaintedClip("a", 5))
    assert (track.boxes == [10, 40, 20, 16]).all()
    assert (track.qualities[1:] == 0.8).all() and np.isnan(track.velocities).all()


def test_without_ground_truth_and_without_a_start_box_nothing_starts() -> None:
    blind = PaintedClip("blind", 6, hidden=range(6))
    with pytest.raises(SequenceError, match="no ground-truth box in any of its 6 frames"):
        start_of(blind)
    assert start_of(blind, (1, 2, 3, 4))[0] == 0


def test_restarts_come_five_frames_after_each_miss() -> None:
    # The target moves 2 px per frame and is 20 px wide: a still box misses it 10 frames after each start.
    clip = PaintedClip("a", 40)
    run = run_with_restarts(StillTracker(), clip)
    assert run.starts.tolist() == [0, 15, 30]
    assert run.failures.tolist() == [10, 25]
    assert np.isnan(run.boxes[11:15]).all() and np.isnan(run.boxes[26:30]).all()
    row = row_of({"restart": run}, facts_of(clip, "a"))
    assert row["restart_failures"] == 2
    assert np.isnan(row["restart_accuracy"])  # each stretch lies within its burn-in of 10 frames


def test_a_restart_waits_for_a_true_box() -> None:
    clip = PaintedClip("hidden", 40, hidden=range(13, 19))
    run = run_with_restarts(StillTracker(), clip)
    assert run.starts.tolist() == [0, 19, 34]
    assert run.failures.tolist() == [10, 29]


def test_boxes_smaller_than_a_pixel_start_nothing() -> None:
    clip = PaintedClip("specks", 60)
    clip.boxes[:3, 2:] = 0.4
    clip.boxes[53, 2:] = 0.4
    assert start_of(clip)[0] == 3
    assert run_multi_start(RedTracker(), clip).anchors.tolist() == [3, 54]


def test_restart_accuracy_leaves_the_burn_in_out() -> None:
    clip = PaintedClip("a", 30)
    run = run_with_restarts(RedTracker(), clip)
    assert run.starts.tolist() == [0] and run.failures.tolist() == []
    assert row_of({"restart": run}, facts_of(clip, "a")) == {"restart_failures": 0.0, "restart_accuracy": 1.0}


def test_starts_every_fifty_frames_run_towards_the_farther_end() -> None:
    clip = PaintedClip("long", 121)
    run = run_multi_start(RedTracker(), clip)
    assert run.anchors.tolist() == [0, 50, 100]
    assert run.directions.tolist() == [1, 1, -1]
    np.testing.assert_array_equal(run.boxes[2, :101], clip.boxes[:101])
    assert np.isnan(run.boxes[2, 101:]).all() and np.isnan(run.boxes[1, :50]).all()
    row = row_of({"multistart": run}, facts_of(clip, "long"))
    assert row == {"multistart_accuracy": 1.0, "multistart_robustness": 1.0}


def test_multi_start_figures_of_a_still_box() -> None:
    clip = PaintedClip("a", 40)
    run = run_multi_start(StillTracker(), clip)
    row = row_of({"multistart": run}, facts_of(clip, "a"))
    # k frames after the start the overlap is 20 - 2k of 20 + 2k: at least 0.1 up to k = 8, then under it for ever.
    ious = [(20 - 2 * k) / (20 + 2 * k) for k in range(9)]
    assert row["multistart_robustness"] == pytest.approx(9 / 40)
    assert row["multistart_accuracy"] == pytest.approx(sum(ious) / 9)


def test_time_runs_forward_for_a_tracker_that_goes_backward() -> None:
    class Clock(StillTracker):
        def initialize(self, image: np.ndarray, box: np.ndarray, stamp_s: float) -> None:
            super().initialize(image, box, stamp_s)
            self.stamps = [stamp_s]

        def track(self, image: np.ndarray, stamp_s: float) -> tuple[np.ndarray, float]:
            self.stamps.append(stamp_s)
            return super().track(image, stamp_s)

    clock = Clock()
    run_multi_start(clock, PaintedClip("long", 101))
    assert len(clock.stamps) == 101
    np.testing.assert_allclose(np.diff(clock.stamps), 0.1)
