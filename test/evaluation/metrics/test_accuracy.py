# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Accuracy figures against values worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from stdtrack_ros.evaluation.metrics.accuracy import (
    center_errors,
    known,
    mean,
    norm_precision_curve,
    normalized_errors,
    overlaps,
    precision_curve,
    score,
    success_curve,
)

NAN_BOX = [np.nan] * 4

GROUND_TRUTH = np.array([[0.0, 0, 10, 10], [0, 0, 10, 10], [0, 0, 10, 20], [100, 100, 50, 50], NAN_BOX, [0, 0, 10, 10]])
BOXES = np.array(
    [
        [0.0, 0, 10, 10],  # IoU 1, error 0
        [5, 0, 10, 10],  # 50 of 150: IoU 1/3, error 5, normalised 0.5
        [0, 2, 10, 20],  # 180 of 220: IoU 9/11, error 2, normalised 0.1
        [200, 100, 50, 50],  # IoU 0, error 100, normalised 2
        [0, 0, 10, 10],  # no ground truth: left out
        NAN_BOX,  # no box: IoU 0, error infinite
    ]
)


def test_overlap_and_errors_of_each_kind_of_frame() -> None:
    np.testing.assert_allclose(overlaps(BOXES, GROUND_TRUTH), [1, 1 / 3, 9 / 11, 0, np.nan, 0])
    np.testing.assert_allclose(center_errors(BOXES, GROUND_TRUTH), [0, 5, 2, 100, np.nan, np.inf])
    np.testing.assert_allclose(normalized_errors(BOXES, GROUND_TRUTH), [0, 0.5, 0.1, 2, np.nan, np.inf])


def test_success_counts_frames_above_each_threshold() -> None:
    curve = success_curve(overlaps(BOXES, GROUND_TRUTH))
    # Thresholds 0, 0.05 ... 1. Of five known frames: IoU 1, 9/11, 1/3, 0, 0.
    expected = [3 / 5] * 7 + [2 / 5] * 10 + [1 / 5] * 3 + [0]
    np.testing.assert_allclose(curve, expected)


def test_precision_counts_frames_up_to_and_with_each_threshold() -> None:
    curve = precision_curve(center_errors(BOXES, GROUND_TRUTH))
    assert curve[[0, 1, 2, 4, 5, 20, 50]] == pytest.approx([1 / 5, 1 / 5, 2 / 5, 2 / 5, 3 / 5, 3 / 5, 3 / 5])


def test_normalized_precision_at_each_threshold() -> None:
    curve = norm_precision_curve(normalized_errors(BOXES, GROUND_TRUTH))
    assert curve[[0, 9, 11, 20, 49, 50]] == pytest.approx([1 / 5, 1 / 5, 2 / 5, 2 / 5, 2 / 5, 3 / 5])


def test_all_scores_of_one_run() -> None:
    scores = score(BOXES, GROUND_TRUTH)
    assert scores.auc == pytest.approx((7 * 0.6 + 10 * 0.4 + 3 * 0.2) / 21)
    assert scores.precision == pytest.approx(0.6)
    assert scores.norm_precision_02 == pytest.approx(0.4)
    # AO and SR leave the first frame out: IoU 1/3, 9/11, 0, 0.
    assert scores.ao == pytest.approx((1 / 3 + 9 / 11) / 4)
    assert scores.sr50 == pytest.approx(1 / 4)
    assert scores.sr75 == pytest.approx(1 / 4)


def test_a_perfect_run_scores_one_but_for_the_threshold_at_one() -> None:
    ground_truth = np.tile([10.0, 20, 30, 40], (8, 1))
    scores = score(ground_truth, ground_truth)
    assert scores.auc == pytest.approx(20 / 21)  # no IoU lies above 1
    assert (scores.precision, scores.norm_precision, scores.ao, scores.sr50, scores.sr75) == (1, 1, 1, 1, 1)


def test_without_any_ground_truth_every_figure_is_nan() -> None:
    scores = score(BOXES, np.full((6, 4), np.nan))
    assert np.isnan([scores.auc, scores.precision, scores.norm_precision, scores.ao, scores.sr50]).all()


def test_a_ground_truth_without_area_is_not_known() -> None:
    assert known([[0, 0, 0, 0], [5, 5, 0, 3], NAN_BOX, [1, 1, 1, 1], [1, np.nan, 1, 1]]).tolist() == [
        False,
        False,
        False,
        True,
        False,
    ]


def test_mean_leaves_nan_out() -> None:
    assert mean([1.0, np.nan, 3.0]) == 2.0
    assert np.isnan(mean([np.nan]))
    assert np.isnan(mean([]))


boxes_of_any_size = arrays(np.float64, (7, 4), elements=st.floats(1.0, 200.0))


@given(boxes_of_any_size, boxes_of_any_size)
def test_scores_are_shares_and_curves_are_monotone(boxes: np.ndarray, ground_truth: np.ndarray) -> None:
    scores = score(boxes, ground_truth)
    assert all(0.0 <= value <= 1.0 + 1e-9 for value in (scores.auc, scores.precision, scores.ao, scores.sr75))
    assert scores.sr75 <= scores.sr50
    assert (np.diff(success_curve(overlaps(boxes, ground_truth))) <= 0).all()
    assert (np.diff(precision_curve(center_errors(boxes, ground_truth))) >= 0).all()


@given(boxes_of_any_size, boxes_of_any_size)
def test_the_area_under_the_success_curve_is_the_mean_overlap_up_to_its_steps(
    boxes: np.ndarray, ground_truth: np.ndarray
) -> None:
    # Each frame's IoU is counted in steps of 1/21: the area is never farther off than one step.
    assert abs(score(boxes, ground_truth).auc - overlaps(boxes, ground_truth).mean()) <= 1 / 20
