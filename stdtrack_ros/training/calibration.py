# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""From the confidence head's logit to a probability: that the IoU with the ground truth is at least 0.5."""

from __future__ import annotations

from collections.abc import Sequence as ListOf
from dataclasses import asdict, dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from stdtrack_ros.errors import SequenceError
from stdtrack_ros.geometry import iou
from stdtrack_ros.sequences.sequence import Sequence
from stdtrack_ros.settings import TrackerSettings
from stdtrack_ros.tracker.models.calibration import Calibration
from stdtrack_ros.tracker.models.model import Model
from stdtrack_ros.tracker.tracker import Tracker

RIGHT_IOU = 0.5
_PENALTY = 1e-3  # keeps the slope finite where the logits separate right from wrong frames perfectly


class CalibratedModel(Model, Protocol):
    """A model whose quality is its calibration of a raw confidence."""

    calibration: Calibration


@dataclass(frozen=True, slots=True)
class FittedCalibration:
    """Platt's sigmoid(slope * logit + intercept), and what it was fitted on."""

    slope: float
    intercept: float
    sequences: int
    frames: int

    def facts(self) -> dict[str, Any]:
        """Return the calibration as model files carry it."""
        return asdict(self)


def fit_calibration(logits: NDArray[np.float64], right: NDArray[np.bool_], weights: NDArray[np.float64]) -> Any:
    """Fit slope and intercept of the logistic regression of (N,) outcomes on (N,) logits, by Newton's method: (2,)."""
    inputs = np.stack((logits, np.ones_like(logits)), axis=1)
    found = np.array([1.0, 0.0])
    weights = weights / weights.sum()
    for _ in range(50):
        probability = 1.0 / (1.0 + np.exp(-np.clip(inputs @ found, -30, 30)))
        gradient = inputs.T @ (weights * (probability - right)) + _PENALTY * (found - (1.0, 0.0))
        curvature = (inputs * (weights * probability * (1 - probability))[:, None]).T @ inputs + _PENALTY * np.eye(2)
        found = found - np.linalg.solve(curvature, gradient)
    return found


def calibrate(model: CalibratedModel, settings: TrackerSettings, sequences: ListOf[Sequence]) -> FittedCalibration:
    """Fit on a one-pass run, each sequence counting the same, with loss detection off.

    A calibration that the model has already is taken off its qualities first. Frames without the target are wrong
    ones: their quality has to be low.

    Raises:
        SequenceError: all frames are right, or all wrong, so that there is nothing to fit.
    """
    settings = settings.model_copy(update={"status": settings.status.model_copy(update={"enabled": False})})
    logits, right, weights = [], [], []
    for sequence in sequences:
        outcomes = run_outcomes(Tracker(model, settings), sequence)
        logits.append([model.calibration.raw_logit(quality) for quality in outcomes[:, 0]])
        right.append(outcomes[:, 1] >= RIGHT_IOU)
        weights.append(np.full(len(outcomes), 1.0 / max(len(outcomes), 1)))
    all_right = np.concatenate(right)
    if all_right.all() or not all_right.any():
        raise SequenceError("The sequences hold only right, or only wrong, frames; calibration needs both.")
    slope, intercept = fit_calibration(np.concatenate(logits), all_right, np.concatenate(weights))
    return FittedCalibration(float(slope), float(intercept), len(sequences), len(all_right))


def run_outcomes(tracker: Tracker, sequence: Sequence) -> NDArray[np.float64]:
    """Run one pass over a sequence: (N, 2) quality and IoU of each frame but the first; IoU 0 without a target."""
    tracker.initialize(sequence.frame(0), sequence.boxes[0], float(sequence.stamps_s[0]))
    rows = []
    for index in range(1, len(sequence)):
        result = tracker.track(sequence.frame(index), float(sequence.stamps_s[index]))
        rows.append((result.quality, np.nan_to_num(float(iou(result.box, sequence.boxes[index])))))
    return np.array(rows, dtype=np.float64).reshape(-1, 2)
