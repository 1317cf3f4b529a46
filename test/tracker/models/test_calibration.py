# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""From raw confidence to quality and back."""

from __future__ import annotations

import math

import pytest

from stdtrack_ros.tracker.models.calibration import Calibration


def test_the_map_by_hand() -> None:
    calibration = Calibration.of({"calibration": {"slope": 2.0, "intercept": -0.5, "frames": 9}})
    assert calibration.quality(1.0) == pytest.approx(1 / (1 + math.exp(-1.5)))
    assert calibration.of_score(0.5) == pytest.approx(1 / (1 + math.exp(0.5)))
    assert calibration.raw_logit(calibration.quality(0.7)) == pytest.approx(0.7)


@pytest.mark.parametrize("metadata", [{}, {"calibration": None}, {"calibration": {}}])
def test_without_a_calibration_a_score_stays_as_it_is(metadata: dict[str, object]) -> None:
    calibration = Calibration.of(metadata)
    assert [calibration.of_score(score) for score in (0.0, 0.123456789, 1.0)] == [0.0, 0.123456789, 1.0]
    assert calibration.quality(0.0) == 0.5


@pytest.mark.parametrize("score", [0.0, 1.0])
def test_scores_at_the_ends_stay_finite(score: float) -> None:
    calibration = Calibration(3.0, 1.0)
    assert 0.0 <= calibration.of_score(score) <= 1.0
    assert math.isfinite(calibration.raw_logit(score))
