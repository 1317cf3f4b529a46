# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Losses, recoveries and false confidence, worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from stdtrack_ros.evaluation.metrics.failures import TrackingFailure, false_confidence, find_failures

NAN = np.nan


@pytest.mark.parametrize(
    ("ious", "failures"),
    [
        ([], []),
        ([1, 0.8, 0.9], []),
        ([1, 0, 0, 0, 0, 0.2, 1], []),  # four in a row are none
        ([1, 0, 0, 0, 0, 0, 1], [TrackingFailure(1, 6)]),
        ([1, 0, 0.05, 0, 0.09, 0, 0.4, 0.5], [TrackingFailure(1, 7)]),  # 0.4 is not back yet
        ([1, 0, 0, 0, 0, 0, 0], [TrackingFailure(1, None)]),
        (
            [1, 0, 0, NAN, NAN, 0, 0, 0, NAN, 1],
            [TrackingFailure(1, 9)],
        ),  # without ground truth: neither counts nor interrupts
        ([1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0], [TrackingFailure(1, 6), TrackingFailure(7, None)]),
        ([NAN, NAN], []),
    ],
)
def test_losses(ious: list[float], failures: list[TrackingFailure]) -> None:
    assert find_failures(np.array(ious, dtype=float)) == failures


def test_false_confidence_counts_missed_and_absent_frames_apart() -> None:
    ious = np.array([1, 0, 0, 0, 0.2, NAN, NAN, 0])
    qualities = np.array([0.9, 0.5, 0.4, 0.9, 0.9, 0.9, 0.1, NAN])
    counts = false_confidence(ious, qualities)
    assert (counts.missed, counts.confident, counts.absent, counts.confident_absent) == (3, 2, 2, 1)
    assert counts.rate == pytest.approx(2 / 3)
    assert np.isnan(false_confidence(np.ones(3), np.ones(3)).rate)
