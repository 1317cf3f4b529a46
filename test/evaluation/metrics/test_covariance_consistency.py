# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Coverage of the published covariance: distances by hand, and fractions of errors that are known to be normal."""

from __future__ import annotations

import numpy as np
import pytest

from stdtrack_ros.evaluation.metrics.covariance_consistency import distances, ellipse_radius, report_coverage
from stdtrack_ros.evaluation.redetection import StatusRun


def run(errors: np.ndarray, deviations: np.ndarray, status: int) -> StatusRun:
    """Boxes of 40x20 px whose centre and size are off by (N, 4) errors."""
    count = len(errors)
    places = np.tile([50.0, 60.0, 40.0, 20.0], (count, 1))
    boxes = places + np.hstack((errors[:, :2] - errors[:, 2:] / 2, errors[:, 2:]))
    covariances = np.tile(np.diag(deviations**2), (count, 1, 1))
    return StatusRun(boxes, places, np.full(count, status), np.ones(count), np.arange(count) / 30, covariances, places)


def test_the_radius_of_an_ellipse() -> None:
    assert ellipse_radius(0.5) == pytest.approx(1.17741)  # the median of a Rayleigh distribution
    assert ellipse_radius(0.9) == pytest.approx(2.145966)


def test_distances_by_hand() -> None:
    one = run(np.array([[3.0, 4.0, 0.0, 0.0], [0.0, 0.0, 6.0, 0.0], [np.nan] * 4]), np.array([1.0, 2.0, 3.0, 5.0]), 1)
    found = distances(one.boxes, one.covariances, one.places)
    np.testing.assert_allclose(found[:2], [[np.sqrt(9 + 4), 0.0], [0.0, 2.0]], atol=1e-9)
    assert np.isnan(found[2]).all()


def test_normal_errors_are_covered_as_they_should_be_and_larger_ones_less() -> None:
    rng, deviations = np.random.default_rng(3), np.array([2.0, 1.0, 3.0, 3.0])
    true = run(rng.normal(size=(20000, 4)) * deviations, deviations, 1)
    proud = run(2 * rng.normal(size=(20000, 4)) * deviations, deviations, 3)
    report = report_coverage([true, proud])
    assert (report["TRACKING"].frames, report["UNCERTAIN"].frames, report["LOST"].frames) == (20000, 0, 20000)
    assert np.isnan(report["UNCERTAIN"].center_50)
    fractions = [getattr(report["TRACKING"], name) for name in ("center_50", "center_90", "size_50", "size_90")]
    np.testing.assert_allclose(fractions, [0.5, 0.9, 0.5, 0.9], atol=0.015)
    assert report["LOST"].center_90 == pytest.approx(1 - 0.1**0.25, abs=0.015)  # half the radius: 44 %
