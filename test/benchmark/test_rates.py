# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Accuracy against time: a tracker that is fast enough loses nothing, a slow one is judged by old boxes."""

from __future__ import annotations

import time

import numpy as np
import pytest
from painted_clips import clip, spec

from stdtrack_ros.benchmark.rates import accuracy_at_rates
from stdtrack_ros.benchmark.table import rates_table
from stdtrack_ros.evaluation.trackers.tracker_interface import Estimate

STEP_S = 0.02


class WorkingTracker:
    """Finds the red rectangle, and computes for STEP_S beside."""

    def initialize(self, image: np.ndarray, box: object, stamp_s: float) -> None:
        self.track(image, stamp_s)

    def track(self, image: np.ndarray, stamp_s: float) -> Estimate:
        end = time.process_time() + STEP_S
        while time.process_time() < end:
            pass
        rows, columns = np.nonzero((image == (0, 0, 255)).all(axis=2))
        x, y = columns.min(), rows.min()
        return Estimate((float(x), float(y), float(columns.max() - x + 1), float(rows.max() - y + 1)))


def test_missed_frames_follow_from_cost_rate_and_share() -> None:
    """At 30 frames/s (33 ms) a step of 20 ms is in time; with half of a core (40 ms) it is not."""
    rows = accuracy_at_rates([clip("a", length=40)], [spec(WorkingTracker)], [30.0, 120.0], [1.0, 0.5])
    found = {(row.rate, row.share): row for row in rows}
    assert found[0.0, 1.0].auc > 0.95 and found[0.0, 1.0].missed == 0
    assert found[0.0, 1.0].step_ms == pytest.approx(20, abs=8)
    assert found[30.0, 1.0].missed < 0.2  # none, but for a step that other work made longer
    assert found[30.0, 0.5].missed >= 0.15
    assert found[120.0, 1.0].missed >= 0.5
    assert found[0.0, 1.0].auc > found[30.0, 1.0].auc > found[120.0, 1.0].auc > found[120.0, 0.5].auc
    lines = rates_table(rows, 1).splitlines()
    assert lines[3] == "| frames/s | share of the core | WorkingTracker |"
    assert [line.split(" | ")[:2] for line in lines[5:10]] == [
        ["| any", "1"],
        ["| 30", "1"],
        ["| 120", "1"],
        ["| 30", "0.5"],
        ["| 120", "0.5"],
    ]


class TellingTracker(WorkingTracker):
    """The same, and tells how fast the rectangle moves when it comes at 30 frames/s: 60 px/s to the right."""

    def track(self, image: np.ndarray, stamp_s: float) -> Estimate:
        return Estimate(super().track(image, stamp_s).box, 1.0, (60.0, 0.0))


def test_a_velocity_makes_up_for_the_delay() -> None:
    """The newest output is one frame old when the next one comes: 2 px behind, unless it is carried on."""
    rows = accuracy_at_rates([clip("a", length=40)], [spec(TellingTracker), spec(WorkingTracker)], [30.0], [1.0])
    told, mute = rows[1::2]
    assert told.predicted_auc > 0.9 > told.auc
    assert np.isnan(mute.predicted_auc) and mute.auc == pytest.approx(told.auc, abs=0.05)
    assert f"{100 * told.predicted_auc:.1f}+ (" in rates_table(rows, 1)


class TidyingTracker(WorkingTracker):
    """The same, and computes as long again once its result is out, if it has the time."""

    def track_first(self, image: np.ndarray, stamp_s: float) -> Estimate:
        return self.track(image, stamp_s)

    def finish(self, spare_s: float) -> None:
        end = time.process_time() + (STEP_S if spare_s > 0 else 0.0)
        while time.process_time() < end:
            pass


def test_what_is_done_after_the_result_is_left_out_when_the_next_frame_is_due() -> None:
    """Step and rest take 40 ms: too long for 30 frames/s, at which the step alone is in time."""
    rows = accuracy_at_rates([clip("a", length=40)], [spec(TidyingTracker), spec(WorkingTracker)], [30.0], [1.0])
    tidy, plain = rows[1::2]
    assert tidy.missed < 0.2 and tidy.auc == pytest.approx(plain.auc, abs=0.05)
    assert tidy.step_ms == pytest.approx(20, abs=8)
