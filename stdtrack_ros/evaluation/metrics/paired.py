# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Means over groups of clips, and their standard errors by bootstrap over source videos.

Clips of one video are not independent, so the bootstrap draws videos, with all their clips. Groups differ in size, so
the mean is taken within each group first, and over groups then.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

FloatArray = NDArray[np.float64]
DRAWS = 2000


@dataclass(frozen=True, slots=True)
class Estimated:
    """A mean and its standard error; NaN without values. The error is NaN if all values are of one video."""

    mean: float
    error: float

    def __str__(self) -> str:
        return f"{self.mean:.3f} ± {self.error:.3f}"


def estimate(
    values: ArrayLike, videos: Sequence[str], groups: Sequence[str] | None = None, draws: int = DRAWS
) -> Estimated:
    """Return the mean over groups of the mean within each group, with its standard error.

    Args:
        values: (N,) one value per clip, or a difference of two arms on the same clip; NaN is left out.
        videos: (N,) source video of each clip.
        groups: (N,) group of each clip; None: all clips are one group.
        draws: number of bootstrap draws; the same values give the same error.
    """
    array = np.asarray(values, dtype=np.float64)
    kept = np.isfinite(array)
    if not kept.any():
        return Estimated(float("nan"), float("nan"))
    array = array[kept]
    video = _numbered(videos, kept)
    group = _numbered(groups, kept) if groups is not None else np.zeros(len(array), dtype=np.int64)
    member = np.eye(int(group.max()) + 1)[group]
    mean = float(_grouped(np.ones((1, len(array))), array, member)[0])
    count = int(video.max()) + 1
    if count < 2:
        return Estimated(mean, float("nan"))
    drawn = np.random.default_rng(0).multinomial(count, np.full(count, 1 / count), size=draws)
    return Estimated(mean, float(_grouped(drawn[:, video].astype(np.float64), array, member).std(ddof=1)))


def _numbered(names: Sequence[str], kept: NDArray[np.bool_]) -> NDArray[np.int64]:
    return np.asarray(np.unique(np.asarray(names, dtype=object)[kept].astype(str), return_inverse=True)[1])


def _grouped(weights: FloatArray, values: FloatArray, member: FloatArray) -> FloatArray:
    """Return (B,) weighted means over groups; a group of which no clip was drawn is left out.

    Args:
        weights: (B, N). values: (N,). member: (N, G), 1 where a clip belongs to a group.
    """
    total, weight = (weights * values) @ member, weights @ member
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.nanmean(np.where(weight > 0, total / weight, np.nan), axis=1))
