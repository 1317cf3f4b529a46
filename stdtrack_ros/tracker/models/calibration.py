# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""From a network's raw confidence to a probability: Platt scaling, as the model file carries it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

NOT_CALIBRATED = (
    "The model is not calibrated: its quality is the network's raw confidence, not a probability, and limits on "
    "quality mean something else than they say. `stdtrack export --calibrate-on` calibrates it."
)


@dataclass(frozen=True, slots=True)
class Calibration:
    """The fitted map sigmoid(slope * logit + intercept); the default leaves a confidence as it is."""

    slope: float = 1.0
    intercept: float = 0.0

    @classmethod
    def of(cls, metadata: Mapping[str, Any]) -> Calibration:
        """Return the calibration in a model's metadata; the default if there is none."""
        found = metadata.get("calibration") or {}
        return cls(float(found.get("slope", 1.0)), float(found.get("intercept", 0.0)))

    def quality(self, logit: float) -> float:
        """Return the quality, in 0..1, of a raw logit."""
        return float(1.0 / (1.0 + np.exp(-np.clip(self.slope * logit + self.intercept, -30.0, 30.0))))

    def of_score(self, score: float) -> float:
        """Return the quality, in 0..1, of a raw score in 0..1; without a calibration it is the score itself."""
        if self == Calibration():
            return score
        inside = min(max(score, 1e-6), 1.0 - 1e-6)
        return self.quality(float(np.log(inside / (1.0 - inside))))

    def raw_logit(self, quality: float) -> float:
        """Return the raw logit that has this quality."""
        inside = min(max(quality, 1e-6), 1.0 - 1e-6)
        return (float(np.log(inside / (1.0 - inside))) - self.intercept) / self.slope
