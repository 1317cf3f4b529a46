# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The reliability diagram and its sums, on frames written down by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from stdtrack_ros.evaluation.metrics.calibration import area_under_roc, calibrate

NAN = float("nan")


def test_each_frame_counts_in_the_bin_of_its_quality() -> None:
    # Bin 9: qualities 0.9 and 1.0, one right. Bin 1: quality 0.1, wrong. An IoU of 0.5 is right.
    found = calibrate(np.array([0.9, 1.0, 0.1]), np.array([0.5, 0.49, 0.0]))
    assert found.counts.tolist() == [0, 1, 0, 0, 0, 0, 0, 0, 0, 2]
    assert found.mean_quality[[1, 9]] == pytest.approx([0.1, 0.95])
    assert found.fraction_right[[1, 9]] == pytest.approx([0.0, 0.5])
    assert np.isnan(found.mean_quality[0]) and np.isnan(found.fraction_right[0])
    assert found.ece == pytest.approx((0.1 * 1 + 0.45 * 2) / 3)
    assert found.brier == pytest.approx((0.1**2 + 1.0**2 + 0.1**2) / 3)


def test_frames_without_quality_or_ground_truth_are_left_out_and_qualities_are_clipped() -> None:
    found = calibrate(np.array([NAN, 0.5, 1.2, -0.1]), np.array([1.0, NAN, 1.0, 0.0]))
    assert found.counts.tolist() == [1, 0, 0, 0, 0, 0, 0, 0, 0, 1]
    assert (found.ece, found.brier) == (0.0, 0.0)


def test_without_frames_there_are_no_figures() -> None:
    found = calibrate(np.array([NAN]), np.array([0.7]))
    assert found.counts.sum() == 0 and math.isnan(found.ece) and math.isnan(found.brier)


@pytest.mark.parametrize(
    ("values", "right", "area"),
    [
        ([0.9, 0.1], [True, False], 1.0),
        ([0.1, 0.9], [True, False], 0.0),
        ([0.5, 0.5], [True, False], 0.5),
        ([0.8, 0.3, 0.5, 0.1], [True, True, False, False], 0.75),  # 3 of the 4 pairs are in order
    ],
)
def test_area_under_roc(values: list[float], right: list[bool], area: float) -> None:
    assert area_under_roc(values, right) == pytest.approx(area)


@pytest.mark.parametrize("right", [[True, True], [False, False]])
def test_one_kind_alone_has_no_order(right: list[bool]) -> None:
    assert math.isnan(area_under_roc([0.1, 0.9], right))
