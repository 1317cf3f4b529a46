# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""One image as a network sees it: window by window, in 8 bits."""

from __future__ import annotations

from dataclasses import dataclass

from stdtrack_ros.geometry import Box, Crop, Image, Pixels
from stdtrack_ros.images import to_bgr8
from stdtrack_ros.intensity import IntensityRange


@dataclass(frozen=True, slots=True, eq=False)
class FrameView:
    """An image from which a model cuts its windows; only what is cut is converted.

    Attributes:
        image: (H, W) grey or (H, W, 3) BGR, uint8 or uint16.
        intensity: what of its numbers is shown in 8 bits; None: 8 bits as they are.
    """

    image: Pixels
    intensity: IntensityRange | None = None

    @property
    def width(self) -> int:
        """Width of the image in pixels."""
        return self.image.shape[1]

    @property
    def height(self) -> int:
        """Height of the image in pixels."""
        return self.image.shape[0]

    def extract(self, crop: Crop) -> Image:
        """Resample a window to (crop.size, crop.size, 3) uint8 BGR."""
        return to_bgr8(crop.extract(self.image), self.intensity)

    def extract_around(self, box: Box, factor: float, size: int) -> Image:
        """Resample the window of side `factor * sqrt(width * height)` centred on a box."""
        return self.extract(Crop.around(box, factor, size))
