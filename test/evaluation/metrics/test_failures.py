# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Losses, recoveries, false confidence and calibration, worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from stdtrack_ros.evaluation.metrics.calibration import calibrate
from stdtrack_ros.evaluation.metrics.failures import TrackingFailure, false_confidence, find_failures
from stdtrack_ros.evaluation.metrics.scores import combine, latency, row_of
from stdtrack_ros.evaluation.protocols import Track
from stdtrack_ros.evaluation.results import SequenceFacts

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


def test_calibration_by_hand() -> None:
    qualities = np.array([0.95, 0.95, 0.95, 0.95, 0.05, 1.0, NAN, 0.5])
    ious = np.array([0.9, 0.5, 0.7, 0.1, 0.0, 0.6, 0.9, NAN])
    result = calibrate(qualities, ious)
    assert result.counts.tolist() == [1, 0, 0, 0, 0, 0, 0, 0, 0, 5]
    assert result.mean_quality[9] == pytest.approx(0.96)
    assert result.share_right[9] == pytest.approx(0.8)
    assert result.ece == pytest.approx((1 * 0.05 + 5 * 0.16) / 6)
    assert result.brier == pytest.approx((3 * 0.05**2 + 0.95**2 + 0.05**2 + 0) / 6)


def test_calibration_of_nothing_is_nan() -> None:
    result = calibrate(np.array([NAN]), np.array([1.0]))
    assert np.isnan([result.ece, result.brier]).all() and result.counts.sum() == 0


def test_latency_percentiles() -> None:
    row = latency(np.array([NAN, *(0.001 * k for k in range(1, 102))]))
    assert row["ms_p50"] == pytest.approx(51)
    assert row["ms_p95"] == pytest.approx(96)
    assert row["ms_p99"] == pytest.approx(100)
    assert row["ms_max"] == pytest.approx(101)
    assert row["fps"] == pytest.approx(1000 / 51)


def test_times_of_loss_and_recovery_follow_the_stamps() -> None:
    ground_truth = np.tile([0.0, 0, 10, 10], (12, 1))
    boxes = ground_truth.copy()
    boxes[3:9] += [50, 0, 0, 0]
    stamps = np.array([0, 1, 2, 4, 5, 6, 7, 8, 9, 20, 21, 22.0])
    track = Track(boxes, np.full(12, 0.9), np.full((12, 2), NAN), np.full(12, 0.01), 0)
    row = row_of({"ope": track}, SequenceFacts("a", ground_truth, stamps, (), ()))
    assert (row["failures"], row["never_recovered"]) == (1, 0)
    assert row["time_to_failure_s"] == 4
    assert row["time_to_recovery_s"] == 16
    assert row["false_confidence"] == 1.0


def test_frames_before_the_start_are_no_loss() -> None:
    ground_truth = np.tile([0.0, 0, 10, 10], (12, 1))
    ground_truth[:6, 2:] = 0.5  # known, and too small to start on
    boxes = ground_truth.copy()
    boxes[:6] = NAN
    track = Track(boxes, np.full(12, 0.9), np.full((12, 2), NAN), np.full(12, 0.01), 6)
    row = row_of({"ope": track}, SequenceFacts("a", ground_truth, np.arange(12.0), (), ()))
    assert row["failures"] == 0 and row["frames_missed"] == 0 and row["auc"] == pytest.approx(20 / 21)


def test_a_data_set_is_the_mean_of_its_sequences_and_the_sum_of_its_counts() -> None:
    rows = [
        {"auc": 0.4, "failures": 2.0, "false_confidence": 1.0, "frames_missed": 1.0},
        {"auc": 0.8, "failures": 1.0, "false_confidence": 0.0, "frames_missed": 3.0},
        {"auc": NAN, "failures": NAN, "false_confidence": NAN, "frames_missed": 0.0},
    ]
    combined = combine(rows)
    assert combined["auc"] == pytest.approx(0.6)
    assert combined["failures"] == 3
    assert combined["false_confidence"] == pytest.approx(0.25)  # one of four missed frames, not the mean of two rates
