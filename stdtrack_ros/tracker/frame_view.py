# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""One image as a network sees it: window by window, in 8 bits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, TypeAlias, cast

import numpy as np
from numpy.typing import NDArray

from stdtrack_ros.geometry import Box, Crop, Image, Pixels, mean_color
from stdtrack_ros.images import as_pixels, to_bgr8
from stdtrack_ros.intensity import IntensityRange
from stdtrack_ros.jpeg_image import JpegImage
from stdtrack_ros.raw_image import RawImage

CameraImage: TypeAlias = Pixels | RawImage | JpegImage
"""(H, W) grey or (H, W, 3) BGR, uint8 or uint16; or the latter as a camera sent it."""


@dataclass(frozen=True, slots=True, eq=False)
class FrameView:
    """An image from which a model cuts its windows; only what is cut is converted, no finer than it is needed.

    Attributes:
        image: see `CameraImage`.
        intensity: what of its numbers is shown in 8 bits; None: 8 bits as they are.
    """

    image: CameraImage
    intensity: IntensityRange | None = None

    @property
    def width(self) -> int:
        """Width of the image in pixels."""
        return self.image.shape[1]

    @property
    def height(self) -> int:
        """Height of the image in pixels."""
        return self.image.shape[0]

    def prepare(self, scale: float) -> None:
        """Decode what windows that are resampled by up to `scale` need, so that no later call can fail for the bytes.

        Raises:
            InputError: the image is damaged or cut off.
        """
        if isinstance(self.image, JpegImage):
            self.image.at_scale(scale)

    def extract(self, crop: Crop) -> Image:
        """Resample a window to (crop.size, crop.size, 3) uint8 BGR."""
        image = self.image
        if isinstance(image, JpegImage):
            image, reduction = image.at_scale(crop.scale)
            crop = crop.in_reduced(reduction)
        border = image.mean_color() if isinstance(image, RawImage) else mean_color(image)
        if self.intensity is None:
            return to_bgr8(crop.extract(cast(Pixels, image), border))
        window = crop.extract(cast(Pixels, _Floats(image)), border)
        return to_bgr8(self.intensity.to_8_bits(window))

    def extract_around(self, box: Box, factor: float, size: int) -> Image:
        """Resample the window of side `factor * sqrt(width * height)` centred on a box."""
        return self.extract(Crop.around(box, factor, size))


@dataclass(frozen=True, slots=True)
class _Floats:
    """Parts of an image as float32: where few counts are spread, rounding to them in resampling would show."""

    image: Pixels | RawImage
    dtype: ClassVar[type[np.float32]] = np.float32

    @property
    def shape(self) -> tuple[int, ...]:
        return self.image.shape

    def __getitem__(self, part: tuple[slice, slice]) -> NDArray[np.float32]:
        return self.image[part].astype(np.float32)


def viewed(image: NDArray[np.generic] | RawImage | JpegImage) -> FrameView:
    """Return the view of an image that a caller gives.

    Raises:
        InputError: no image, see `images.as_pixels`.
    """
    return FrameView(image if isinstance(image, RawImage | JpegImage) else as_pixels(image))
