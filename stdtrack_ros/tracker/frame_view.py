# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""One image as a network sees it: window by window, in 8 bits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import numpy as np
from numpy.typing import NDArray

from stdtrack_ros.geometry import Box, Crop, Image, Pixels
from stdtrack_ros.images import as_pixels, to_bgr8
from stdtrack_ros.intensity import IntensityRange
from stdtrack_ros.raw_image import RawImage


@dataclass(frozen=True, slots=True, eq=False)
class FrameView:
    """An image from which a model cuts its windows; only what is cut is converted.

    Attributes:
        image: (H, W) grey or (H, W, 3) BGR, uint8 or uint16; or the latter in a camera's encoding.
        intensity: what of its numbers is shown in 8 bits; None: 8 bits as they are.
    """

    image: Pixels | RawImage
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
        if isinstance(self.image, RawImage):
            pixels = cast(Pixels, self.image)  # as far as `extract` looks
            return to_bgr8(crop.extract(pixels, self.image.mean_color()), self.intensity)
        return to_bgr8(crop.extract(self.image), self.intensity)

    def extract_around(self, box: Box, factor: float, size: int) -> Image:
        """Resample the window of side `factor * sqrt(width * height)` centred on a box."""
        return self.extract(Crop.around(box, factor, size))


def viewed(image: NDArray[np.generic] | RawImage) -> FrameView:
    """Return the view of an image that a caller gives.

    Raises:
        InputError: no image, see `images.as_pixels`.
    """
    return FrameView(image if isinstance(image, RawImage) else as_pixels(image))
