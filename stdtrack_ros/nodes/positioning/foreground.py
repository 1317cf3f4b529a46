# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The depth of a target among the depths inside its box: holes, background beside it and things in front of it.

Depths are counted in a histogram of their logarithm, each pixel weighted by how near it lies to the box's centre. Its
peaks are surfaces. A new target is the nearest surface with a fair share of the box; after that it is the surface
that continues its last depth, and another one takes over only if it stays for a while.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stdtrack_ros.errors import InputError

BIN = 0.02
"""Width of a bin of the histogram, as a fraction of the depth."""
VALLEY = 0.5
"""A surface ends where the histogram falls under this fraction of its peak."""


@dataclass(frozen=True, slots=True)
class Surface:
    """One peak of the depths in a box.

    Attributes:
        depth_m: weighted median of its depths.
        spread_m: standard deviation of its depths, estimated robustly (scaled median absolute deviation).
        fraction: its part of the measured depths in the box, weighted, 0..1.
    """

    depth_m: float
    spread_m: float
    fraction: float


def surfaces(depth: ArrayLike, nearest_m: float, farthest_m: float) -> list[Surface]:
    """Return the surfaces in the (H, W) depths (m) of a box, nearest first; NaN and depths out of range are holes."""
    depth = np.asarray(depth, dtype=np.float64)
    valid = (depth >= nearest_m) & (depth <= farthest_m)  # NaN compares as false
    if not valid.any():
        return []
    depths, weights = depth[valid], _window(*depth.shape)[valid]
    indices = np.floor(np.log(depths / nearest_m) / BIN).astype(int)
    histogram = np.bincount(indices, weights, minlength=indices.max() + 1).astype(np.float64)
    smooth = histogram
    if histogram.size > 2:
        smooth = np.convolve(histogram, [0.25, 0.5, 0.25], mode="same").astype(np.float64)
    found, left = [], smooth.copy()
    while left.max() > 0.02 * smooth.sum():
        low, high = _extent(left, int(left.argmax()))
        left[low : high + 1] = 0.0
        member = (indices >= low) & (indices <= high)
        if member.any():
            found.append(_surface(depths[member], weights[member], float(weights.sum())))
    return sorted(found, key=lambda surface: surface.depth_m)


def _window(height: int, width: int) -> NDArray[np.float64]:
    """Return (height, width) weights: 1 in the middle, 0.14 in the middle of an edge."""
    y = np.linspace(-1, 1, height) if height > 1 else np.zeros(1)
    x = np.linspace(-1, 1, width) if width > 1 else np.zeros(1)
    weights: NDArray[np.float64] = np.exp(-2.0 * (y[:, None] ** 2 + x[None] ** 2))
    return weights


def _extent(histogram: NDArray[np.float64], peak: int) -> tuple[int, int]:
    """Return the first and last bin around a peak that reach VALLEY of it."""
    low = high = peak
    least = VALLEY * histogram[peak]
    while low > 0 and least <= histogram[low - 1]:
        low -= 1
    while high + 1 < histogram.size and least <= histogram[high + 1]:
        high += 1
    # The flanks belong to the surface as well: two bins on each side, less where another peak begins.
    return max(low - 2, 0), min(high + 2, histogram.size - 1)


def _surface(depths: NDArray[np.float64], weights: NDArray[np.float64], whole: float) -> Surface:
    middle = weighted_median(depths, weights)
    spread = 1.4826 * weighted_median(np.abs(depths - middle), weights)
    return Surface(middle, spread, float(weights.sum()) / whole)


def weighted_median(values: NDArray[np.float64], weights: NDArray[np.float64]) -> float:
    """Return the value at which half of the weight is reached."""
    order = np.argsort(values)
    summed = np.cumsum(weights[order])
    return float(values[order][np.searchsorted(summed, summed[-1] / 2)])


class ForegroundDepth:
    """The depth of one target from frame to frame, with hysteresis.

    Args:
        nearest_m, farthest_m: range of the sensor.
        least_fraction: part of a box's measured depths that a surface must have.
        step: largest change of depth between two frames, as a fraction of the depth, that is the same surface.
        switch_after_s: time for which another surface must be seen alone before it counts as the target.
    """

    def __init__(
        self, nearest_m: float, farthest_m: float, least_fraction: float, step: float, switch_after_s: float
    ) -> None:
        self.nearest_m, self.farthest_m = nearest_m, farthest_m
        self.least_fraction, self.step, self.switch_after_s = least_fraction, step, switch_after_s
        self._last: Surface | None = None
        self._absent_since_s: float | None = None

    def measure(self, depth: ArrayLike, stamp_s: float) -> Surface:
        """Measure the target's surface in the (H, W) depths of its box.

        Raises:
            InputError: no surface there can be the target's, and why.
        """
        candidates = [
            surface
            for surface in surfaces(depth, self.nearest_m, self.farthest_m)
            if surface.fraction >= self.least_fraction
        ]
        if not candidates:
            raise InputError(
                f"The depth image has no surface from {self.nearest_m:g} to {self.farthest_m:g} m in the box."
            )
        if self._last is None:
            return self._take(candidates[0])
        last = self._last.depth_m
        chosen = min(candidates, key=lambda surface: abs(math.log(surface.depth_m / last)))
        if abs(math.log(chosen.depth_m / last)) <= self.step:
            return self._take(chosen)
        if self._absent_since_s is None or stamp_s < self._absent_since_s:
            self._absent_since_s = stamp_s
        if stamp_s - self._absent_since_s >= self.switch_after_s:
            return self._take(candidates[0])
        side = "in front of" if chosen.depth_m < last else "behind"
        raise InputError(
            f"The depth in the box is {chosen.depth_m:.2f} m and the target's was {last:.2f} m: it is taken for "
            f"something {side} the target."
        )

    def forget(self) -> None:
        """Start anew with the next measurement."""
        self._last = self._absent_since_s = None

    def _take(self, surface: Surface) -> Surface:
        self._last, self._absent_since_s = surface, None
        return surface
