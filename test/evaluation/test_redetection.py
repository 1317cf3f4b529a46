# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The figures of loss and recovery on runs that are written down by hand."""

from __future__ import annotations

import numpy as np
import pytest

from stdtrack_ros.evaluation.redetection import StatusRun, report_losses

BOX = np.array([10.0, 10, 20, 20])
AWAY = np.array([200.0, 10, 20, 20])
T, U, L = 1, 2, 3


def run(statuses: list[int], present: list[bool], on: list[bool]) -> StatusRun:
    count = len(statuses)
    boxes = np.array([BOX if one else AWAY for one in on])
    boxes[0] = np.nan
    ground_truth = np.array([BOX if one else np.full(4, np.nan) for one in present])
    covariances = np.tile(np.eye(4), (count, 1, 1))
    return StatusRun(
        boxes, ground_truth, np.array(statuses), np.full(count, 0.5), np.arange(count) * 0.1, covariances, ground_truth
    )


def test_a_loss_that_is_said_and_ended_well() -> None:
    """Away in frames 3 to 8; UNCERTAIN at once, LOST from frame 5, 0.2 s after; back in frame 9, TRACKING in 11."""
    present = [True] * 3 + [False] * 6 + [True] * 4
    statuses = [T, T, T, U, U, L, L, L, L, L, L, T, T]
    on = [True] * 3 + [False] * 8 + [True] * 2
    report = report_losses([run(statuses, present, on)])
    assert (report.absences, report.detected, report.recovered, report.false_reacquisitions) == (1, 1, 1, 0)
    assert (report.flagged, report.in_time) == (1, 1)
    assert report.detect_s == pytest.approx(0.2)
    assert report.recover_s == pytest.approx(0.2)
    assert (report.recovered_in_time, report.reacquisitions) == (1, 1)
    assert report.in_view_lost == pytest.approx(2 / 7)  # frames 9 and 10, of the seven in which it is there
    assert report.precision == 1.0  # LOST in 5..10: away until 8, then the box is off the target until 10
    assert report.recall == 1.0  # due from 0.4 s after frame 3: frames 7..10
    assert report.absent_recall == 1.0  # frames 7 and 8
    assert report.false_lost == 0.0


def test_a_tracker_that_never_says_lost() -> None:
    present = [True] * 3 + [False] * 6 + [True] * 3
    report = report_losses([run([T] * 12, present, [True] * 12)])
    assert np.isnan(report.precision)
    assert (report.recall, report.flagged, report.in_time, report.detected) == (0.0, 0, 0, 0)
    assert np.isnan(report.detect_s)
    assert report.recover_s == 0.0


def test_what_is_said_too_late() -> None:
    """Away in frames 3 to 9: UNCERTAIN in the fourth of them, LOST after 0.5 s."""
    present = [True] * 3 + [False] * 7
    report = report_losses([run([T] * 6 + [U] * 2 + [L] * 2, present, [True] * 10)])
    assert (report.absences, report.flagged, report.in_time, report.detected) == (1, 0, 0, 1)
    assert report.detect_s == pytest.approx(0.5)
    assert report.absent_recall == pytest.approx(2 / 3)  # due in frames 7, 8 and 9, LOST in the last two


def test_crying_wolf_and_finding_the_wrong_thing() -> None:
    statuses = [T, L, L, T, T]
    report = report_losses([run(statuses, [True] * 5, [True, True, True, False, False])])
    assert report.precision == 0.0
    assert report.false_lost == 1.0  # both LOST frames are on target, and no other frame with a box is
    assert (report.reacquisitions, report.false_reacquisitions) == (1, 1)
