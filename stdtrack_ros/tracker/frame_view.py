# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""One image as a network sees it: window by window."""

from __future__ import annotations

from dataclasses import dataclass

from stdtrack_ros.geometry import Box, Crop, Image


@dataclass(frozen=True, slots=True)
class FrameView:
    """An image from which a model cuts its windows.

    Attributes:
        image: (H, W, 3) uint8 BGR.
    """

    image: Image

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
        return crop.extract(self.image)

    def extract_around(self, box: Box, factor: float, size: int) -> Image:
        """Resample the window of side `factor * sqrt(width * height)` centred on a box."""
        return self.extract(Crop.around(box, factor, size))
