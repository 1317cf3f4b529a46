# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Is a quality of 0.8 right eight times in ten? Right means an IoU of at least 0.5 with the ground truth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from stdtrack_ros.evaluation.metrics.accuracy import FloatArray
from stdtrack_ros.evaluation.protocols import IntArray

BINS = 10
RIGHT_IOU = 0.5


@dataclass(frozen=True, slots=True)
class Calibration:
    """A reliability diagram and what it sums up to.

    Attributes:
        mean_quality: (BINS,) mean quality in each bin of equal width; NaN if empty.
        fraction_right: (BINS,) fraction of right frames in each bin; NaN if empty.
        counts: (BINS,) frames in each bin.
        ece: expected calibration error, the mean distance of the two weighted by the counts; NaN without frames.
        brier: mean squared distance of the quality from 1 (right) or 0 (wrong); NaN without frames.
    """

    mean_quality: FloatArray
    fraction_right: FloatArray
    counts: IntArray
    ece: float
    brier: float


def calibrate(qualities: FloatArray, ious: FloatArray) -> Calibration:
    """Compute them from (N,) qualities and IoUs, clipped to 0..1; frames in which either is NaN are left out."""
    usable = ~np.isnan(qualities) & ~np.isnan(ious)
    quality = np.clip(qualities[usable], 0.0, 1.0)
    right = (ious[usable] >= RIGHT_IOU).astype(np.float64)
    bins = np.minimum((quality * BINS).astype(np.int64), BINS - 1)
    counts = np.bincount(bins, minlength=BINS).astype(np.int64)
    with np.errstate(invalid="ignore"):
        mean_quality = np.bincount(bins, quality, BINS) / counts
        fraction_right = np.bincount(bins, right, BINS) / counts
    if not len(quality):
        return Calibration(mean_quality, fraction_right, counts, float("nan"), float("nan"))
    filled = counts > 0
    gaps = np.abs(mean_quality - fraction_right)[filled] * counts[filled]
    return Calibration(
        mean_quality, fraction_right, counts, float(gaps.sum() / len(quality)), float(((quality - right) ** 2).mean())
    )


def area_under_roc(values: ArrayLike, right: ArrayLike) -> float:
    """Return how often a right one of (N,) values is higher than a wrong one, ties as half; NaN without both kinds."""
    numbers, chosen = np.asarray(values, dtype=np.float64), np.asarray(right, dtype=bool)
    wrong = np.sort(numbers[~chosen])
    if not len(wrong) or not chosen.any():
        return float("nan")
    below, upto = (np.searchsorted(wrong, numbers[chosen], side) for side in ("left", "right"))
    return float((below + upto).mean() / 2 / len(wrong))
