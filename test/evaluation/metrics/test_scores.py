# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Rows of figures from raw results, worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from stdtrack_ros.evaluation.metrics.scores import combine, latency, row_of
from stdtrack_ros.evaluation.protocols import Track
from stdtrack_ros.evaluation.results import SequenceFacts

NAN = np.nan


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
