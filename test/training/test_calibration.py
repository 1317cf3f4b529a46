# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The fit of the calibration."""

from __future__ import annotations

import numpy as np
import pytest

from stdtrack_ros.training.calibration import fit_calibration


def test_calibration_recovers_a_known_sigmoid() -> None:
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 2, 40_000)
    right = rng.random(40_000) < 1 / (1 + np.exp(-(1.5 * logits - 0.7)))
    slope, intercept = fit_calibration(logits, right, np.ones(40_000))
    assert slope == pytest.approx(1.5, abs=0.06)
    assert intercept == pytest.approx(-0.7, abs=0.05)
