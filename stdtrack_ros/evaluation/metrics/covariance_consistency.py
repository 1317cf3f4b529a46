# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Is the published covariance true? How often the target lies in the ellipses that it draws."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stdtrack_ros.evaluation.redetection import StatusRun
from stdtrack_ros.geometry import box_center
from stdtrack_ros.tracker.result import Status


@dataclass(frozen=True, slots=True)
class Coverage:
    """Frames of one status in which it is known where the target is; fractions are NaN if there are none.

    Attributes:
        frames: how many. center_50, center_90: fraction whose true centre lies in the ellipse that holds it with
            probability 0.5 and 0.9 if errors are normal. size_50, size_90: the same of width and height.
    """

    frames: int
    center_50: float
    center_90: float
    size_50: float
    size_90: float


def ellipse_radius(probability: float) -> float:
    """Return the Mahalanobis radius that holds two normal variables with a probability: sqrt(-2 ln(1 - p))."""
    return math.sqrt(-2.0 * math.log(1.0 - probability))


def distances(
    boxes: NDArray[np.float64], covariances: NDArray[np.float64], places: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the (N, 2) Mahalanobis distances of centre and of size between boxes and ground truth; NaN if not known.

    Args:
        boxes: (N, 4) px.
        covariances: (N, 4, 4) of (centre x, centre y, width, height), px².
    """
    found = np.full((len(boxes), 2), np.nan)
    error = np.hstack((box_center(boxes) - box_center(places), boxes[:, 2:] - places[:, 2:]))
    known = np.isfinite(error).all(axis=1) & np.isfinite(covariances).all(axis=(1, 2))
    for part, axes in enumerate((slice(0, 2), slice(2, 4))):
        some = error[known][:, axes, None]
        squared = some.transpose(0, 2, 1) @ np.linalg.inv(covariances[known][:, axes, axes]) @ some
        found[known, part] = np.sqrt(squared[:, 0, 0])
    return found


def report_coverage(runs: Iterable[StatusRun]) -> dict[str, Coverage]:
    """Return the coverage over many runs for each of TRACKING, UNCERTAIN and LOST."""
    kept = list(runs)
    found = np.concatenate([distances(run.boxes, run.covariances, run.places) for run in kept])
    statuses = np.concatenate([run.statuses for run in kept])
    return {
        status.name: _coverage(found[(statuses == int(status)) & ~np.isnan(found[:, 0])])
        for status in (Status.TRACKING, Status.UNCERTAIN, Status.LOST)
    }


def _coverage(found: NDArray[np.float64]) -> Coverage:
    if not len(found):
        return Coverage(0, *[float("nan")] * 4)
    fractions = [
        float((found[:, part] <= ellipse_radius(probability)).mean()) for part in (0, 1) for probability in (0.5, 0.9)
    ]
    return Coverage(len(found), *fractions)
