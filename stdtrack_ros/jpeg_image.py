# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""JPEGs that are decoded only as finely as somebody looks at them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from stdtrack_ros.errors import InputError
from stdtrack_ros.geometry import Image
from stdtrack_ros.images import Bytes, decode_compressed

REDUCTIONS = (8, 4, 2, 1)
"""Sides of the squares of pixels that can be decoded to one pixel."""


class JpegImage:
    """A JPEG that can be turned into an array, as (H, W, 3) uint8 BGR, and decoded at a fraction of its size.

    Attributes:
        shape, ndim, dtype: as of the array.
    """

    ndim = 3
    dtype = np.dtype(np.uint8)

    def __init__(self, data: Bytes, format: str, size: tuple[int, int]) -> None:
        """Take the fields of a `sensor_msgs/CompressedImage` and its `images.jpeg_size`; the bytes are not copied."""
        self.shape = (size[1], size[0], 3)
        self._fields = (data, format)
        self._decoded: dict[int, Image] = {}

    def at_scale(self, scale: float) -> tuple[Image, int]:
        """Return the picture for a window that is resampled by `scale`, and how many px a side of its pixels is.

        It is the coarsest one that is at least as fine as the window: what `Crop.extract` would halve is not decoded.

        Raises:
            InputError: the bytes are damaged or cut off.
        """
        needed = next((each for each in REDUCTIONS if each * scale < 1.0), 1)
        known = next((each for each in REDUCTIONS if each <= needed and each in self._decoded), None)
        reduction = known or needed
        if known is None:
            self._decoded[reduction] = self._decode(reduction)
        return self._decoded[reduction], reduction

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        """Return the whole image."""
        whole, _ = self.at_scale(1.0)
        return np.array(whole, dtype=dtype) if copy or dtype not in (None, np.uint8) else whole

    def __getitem__(self, place: Any) -> NDArray[Any]:
        """Return a part of the whole image."""
        part: NDArray[Any] = np.asarray(self)[place]
        return part

    def _decode(self, reduction: int) -> Image:
        decoded = np.asarray(decode_compressed(*self._fields, reduction), dtype=np.uint8)
        height, width = (-(-side // reduction) for side in self.shape[:2])
        if decoded.shape != (height, width, 3):
            raise InputError(f"The JPEG is damaged: {decoded.shape[1]}x{decoded.shape[0]} px, not {width}x{height}.")
        return decoded
