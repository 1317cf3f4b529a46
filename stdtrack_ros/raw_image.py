# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Images in a camera's encoding, of which only those parts are converted that somebody looks at."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from stdtrack_ros.geometry import Image, mean_of, sample_grid
from stdtrack_ros.images import ENCODINGS, Bytes, Converter, PlainImage, as_pixels, decode_raw, rosbags_converter

LEAST_PX = 8
"""Images of a smaller side are converted as a whole."""

Place = tuple[slice, slice] | tuple[NDArray[np.intp], ...]


class RawImage:
    """An image that can be sliced, and turned into an array, as (H, W, 3) uint8 BGR can; the values are the same.

    Attributes:
        shape, ndim, dtype: as of the array.
    """

    ndim = 3
    dtype = np.dtype(np.uint8)

    def __init__(
        self, data: Bytes, encoding: str, width: int, height: int, step: int, convert: Converter = rosbags_converter
    ) -> None:
        """Take the fields of a `sensor_msgs/Image` for which `can_be_cut` is true; the bytes are not copied.

        Raises:
            InputError: there are fewer bytes than the fields say.
        """
        self.shape = (height, width, 3)
        self._fields = (data, encoding, width, height, step)
        self._encoding, self._convert_image = encoding, convert
        self._block = _block_side(encoding)
        kind, flat = ENCODINGS[encoding], np.frombuffer(data, dtype=np.uint8)
        self._whole: Image | None = None
        self._mean: tuple[float, ...] | None = None
        if step < width * kind.channels or flat.size < int(height * kind.rows) * step:
            self.whole()  # raises the sentence
        rows = flat[: int(height * kind.rows) * step].reshape(-1, step)[:, : width * kind.channels]
        self._pixels = rows[:height].reshape(height, width, kind.channels)
        self._colours = rows[height:].reshape(-1, width, 1) if kind.rows > 1 else None

    @staticmethod
    def can_be_cut(encoding: str, width: int, height: int) -> bool:
        """Return whether an image is worth it: 8 bits in another order than BGR, of even sides and not tiny."""
        kind = ENCODINGS.get(encoding)
        useful = kind is not None and kind.dtype == "u1" and (kind.target or kind.channels == 4)
        even = not (width % 2 or height % 2)
        return bool(useful and even and min(width, height) >= LEAST_PX)

    def whole(self) -> Image:
        """Return the whole image, converted once."""
        if self._whole is None:
            self._whole = np.asarray(decode_raw(*self._fields, convert=self._convert_image), dtype=np.uint8)
        return self._whole

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        """Return the whole image."""
        return np.array(self.whole(), dtype=dtype) if copy or dtype not in (None, np.uint8) else self.whole()

    def __getitem__(self, place: Any) -> NDArray[Any]:
        """Return a part: of a slice of rows and one of columns, no more than these and what they need is converted."""
        if self._whole is not None or not _is_part(place):
            part: NDArray[Any] = self.whole()[place]
            return part
        rows, columns = place
        (top, bottom, _), (left, right, _) = rows.indices(self.shape[0]), columns.indices(self.shape[1])
        margin = 2 if self._block == 4 else 0
        y0, x0 = (max(start - margin, 0) // 2 * 2 for start in (top, left))
        y1, x1 = (
            min(-(-(end + margin) // 2) * 2, most) for end, most in zip((bottom, right), self.shape[:2], strict=True)
        )
        converted = self._convert((slice(y0, y1), slice(x0, x1)), (slice(y0 // 2, y1 // 2), slice(x0, x1)))
        return converted[top - y0 : bottom - y0, left - x0 : right - x0]

    def mean_color(self) -> tuple[float, ...]:
        """Return what `geometry.mean_color` gives for the whole image, from the pixels that it looks at."""
        if self._mean is None:
            (rows, within_rows), (columns, within_columns) = (self._blocks_around(side) for side in self.shape[:2])
            grid = self._convert(np.ix_(rows, columns), np.ix_(rows[::2] // 2, columns))
            self._mean = mean_of(np.ascontiguousarray(grid[np.ix_(within_rows, within_columns)]))
        return self._mean

    def _blocks_around(self, side: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Return the rows (or columns) of a block around each sample, and the samples' places among these."""
        samples, block = sample_grid(side), self._block
        if block == 4:  # a Bayer pixel at an edge is converted as the one beside it
            samples = np.clip(samples, 1, side - 2)
        starts = samples if block == 1 else (samples - (block == 4)) // 2 * 2
        indices = np.minimum(starts[:, None] + np.arange(block), side - 1)
        return indices.ravel(), np.arange(len(samples)) * block + samples - starts

    def _convert(self, place: Place, half: Place) -> Image:
        """Convert pixels that are cut out, or gathered, so that blocks stay whole; `half` is for a plane of colours."""
        pixels = self._pixels[place]
        width = pixels.shape[1]
        if self._colours is not None:
            pixels = np.concatenate([pixels, self._colours[half]])
        flat = np.ascontiguousarray(pixels).reshape(-1)
        image = PlainImage(self._encoding, width, len(pixels), width * pixels.shape[2], False, flat)
        target = ENCODINGS[self._encoding].target
        return np.asarray(as_pixels(self._convert_image(image, target)), dtype=np.uint8)


def _block_side(encoding: str) -> int:
    """Return the side of the blocks of pixels that can be converted apart.

    A Bayer pixel needs its neighbours; in YUV two or four pixels share a colour.
    """
    if encoding.startswith("bayer"):
        return 4
    return 1 if encoding.startswith(("rgb", "bgr", "8UC")) else 2


def _is_part(place: Any) -> bool:
    plain = isinstance(place, tuple) and all(isinstance(one, slice) and one.step in (None, 1) for one in place)
    return plain and len(place) == 2
