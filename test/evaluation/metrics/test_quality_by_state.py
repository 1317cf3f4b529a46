# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The reliability of quality by status and age, on a run that is written down by hand."""

from __future__ import annotations

import numpy as np
import pytest

from stdtrack_ros.evaluation.metrics.quality_by_state import report_calibration
from stdtrack_ros.evaluation.redetection import StatusRun


def test_frames_are_told_apart_by_status_and_age() -> None:
    """Ten frames per second for 4 s: right with quality 0.9 while TRACKING for 2 s, then LOST, absent, quality 0.2."""
    count = 41
    boxes = np.tile([10.0, 10, 20, 20], (count, 1))
    ground_truth = boxes.copy()
    ground_truth[21:] = np.nan
    statuses, qualities = np.where(np.arange(count) > 20, 3, 1), np.where(np.arange(count) > 20, 0.2, 0.9)
    run = StatusRun(
        boxes, ground_truth, statuses, qualities, np.arange(count) / 10, np.full((count, 4, 4), np.nan), ground_truth
    )
    found = report_calibration([run])
    assert (found["all"].frames, found["TRACKING"].frames, found["LOST"].frames) == (40, 20, 20)
    assert found["TRACKING"].fraction_right == 1.0
    assert found["TRACKING"].ece == pytest.approx(0.1)
    assert found["LOST"].fraction_right == 0.0
    assert found["LOST"].brier == pytest.approx(0.04)
    assert found["all"].roc_area == 1.0
    assert found["UNCERTAIN"].frames == 0
    assert [found[name].frames for name in ("from 0 to 1 s", "from 1 to 3 s", "after 3 s")] == [10, 20, 10]
    assert found["from 1 to 3 s"].mean_quality == pytest.approx((10 * 0.9 + 10 * 0.2) / 20)
