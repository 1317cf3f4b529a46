# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What of a sensor's numbers is shown in 8 bits: thermal, infrared, Bayer and depth images use few of their 16."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stdtrack_ros.geometry import Box

TAIL_PERCENT = 0.5
"""Pixels at either end that may be clipped: dead pixels, sun glints, the flame of a burner."""
MARGIN = 0.05
"""The range is widened by this fraction at either end: the scene may become a little warmer or colder."""
MIN_SPAN = 16.0
"""Least number of counts that are spread over 8 bits: fewer would show the sensor's noise alone."""
LOW_CONTRAST_SPAN = 72.0
"""An 8-bit image that uses fewer levels is spread, too."""
OUTSIDE_FRACTION = 0.25
"""A range outside of which more of the pixels lie does not fit any more: the camera has changed its gain."""
SAMPLES = 16384
"""Pixels, at most about, from which a range is measured, so that it costs the same at any size."""


@dataclass(frozen=True, slots=True)
class IntensityRange:
    """`low` is shown as 0 and `high` as 255, what lies between linearly; what lies beyond is clipped."""

    low: float
    high: float

    @classmethod
    def measure(cls, image: NDArray[Any], box: Box | None = None) -> IntensityRange:
        """Measure the range that an image uses, without its extreme pixels, and with all that a (4,) box shows.

        Args:
            image: (H, W) or (H, W, C) of any integer type; the channels share one range, so that hues stay.
        """
        low, high = np.percentile(_sample(image), (TAIL_PERCENT, 100 - TAIL_PERCENT))
        if box is not None:
            x0, y0 = np.maximum(np.floor(box[:2]), 0).astype(int)
            x1, y1 = np.ceil(box[:2] + box[2:]).astype(int)
            inside = image[y0 : max(y1, 0), x0 : max(x1, 0)]
            if inside.size:  # a small hot target is among the extreme pixels of the whole image
                ordered = np.sort(_sample(inside))
                cut = max(int(TAIL_PERCENT / 100 * len(ordered)), 1)  # of a small box, too, a pixel may be dead
                cut = min(cut, (len(ordered) - 1) // 2)
                low, high = min(low, float(ordered[cut])), max(high, float(ordered[-1 - cut]))
        margin = MARGIN * (high - low)
        missing = max(MIN_SPAN - (high - low + 2 * margin), 0.0) / 2
        return cls(float(low - margin - missing), float(high + margin + missing))

    @property
    def span(self) -> float:
        """Counts from black to white."""
        return self.high - self.low

    def fits(self, image: NDArray[Any]) -> bool:
        """Return whether most pixels of an image lie inside the range."""
        pixels = _sample(image)
        return bool(np.mean((pixels < self.low) | (pixels > self.high)) <= OUTSIDE_FRACTION)

    def blend(self, other: IntensityRange, weight: float) -> IntensityRange:
        """Move towards another range by a weight of 0..1."""
        return IntensityRange(
            (1 - weight) * self.low + weight * other.low, (1 - weight) * self.high + weight * other.high
        )

    def to_8_bits(self, image: NDArray[Any]) -> NDArray[np.uint8]:
        """Return the image as uint8 of the same shape."""
        scaled = (image.astype(np.float32) - self.low) * (255.0 / self.span)
        shown: NDArray[np.uint8] = np.clip(np.rint(scaled), 0, 255).astype(np.uint8)
        return shown


def held_range(image: NDArray[Any], box: Box) -> IntensityRange | None:
    """Measure the range to hold for a target that starts on a (4,) box: None if the image is best as it is.

    Sensors of more than 8 bits use a part of them alone; 8-bit images are changed only if they have little contrast.
    """
    measured = IntensityRange.measure(image, box)
    return measured if image.dtype != np.uint8 or measured.span < LOW_CONTRAST_SPAN else None


def _sample(image: NDArray[Any]) -> NDArray[Any]:
    step = max(int(np.sqrt(image.shape[0] * image.shape[1] / SAMPLES)), 1)
    return image[::step, ::step].reshape(-1)
