# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Boxes, and the one map between an image and a network input.

A box is `(x, y, width, height)`, float64, in pixels; x points right, y down, and the origin is the outer corner of the
top-left pixel, so that a box over a whole 640x480 image is `(0, 0, 640, 480)`. Not known is NaN, never 0.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from stdtrack_ros.errors import InputError

Box = NDArray[np.float64]
"""(4,) or (N, 4) float64: x, y, width, height in pixels."""
Image = NDArray[np.uint8]
"""(H, W, 3) uint8, BGR."""
Pixels = NDArray[np.uint8] | NDArray[np.uint16]
"""(H, W) grey or (H, W, 3) BGR, uint8 or, from sensors of more bits, uint16."""

SAMPLED_PX = 64
"""Most rows, and columns, from which the mean colour of an image is taken."""
PixelsT = TypeVar("PixelsT", NDArray[np.uint8], NDArray[np.uint16], Pixels)

MIN_SIDE_PX = 1.0
"""Smallest width or height that a box may have to start a target."""


@dataclass(frozen=True, slots=True)
class Crop:
    """A square window of an image, resampled to a square network input.

    Attributes:
        center_x, center_y: centre of the window in image pixels.
        side_px: side of the window in image pixels.
        size: side of the network input in its own pixels.
    """

    center_x: float
    center_y: float
    side_px: float
    size: int

    @classmethod
    def around(cls, box: ArrayLike, factor: float, size: int) -> Crop:
        """Return the window of side `factor * sqrt(width * height)` centred on a box (template 2, search 4)."""
        x, y, width, height = np.asarray(box, dtype=np.float64)
        side = max(float(factor * np.sqrt(max(width, 0.0) * max(height, 0.0))), 1.0)
        return cls(float(x + width / 2), float(y + height / 2), side, size)

    @property
    def scale(self) -> float:
        """Network pixels an image pixel."""
        return self.size / self.side_px

    def in_reduced(self, reduction: int) -> Crop:
        """Return the same window of an image whose pixels stand for squares of `reduction` px of this one's."""
        return Crop(self.center_x / reduction, self.center_y / reduction, self.side_px / reduction, self.size)

    def to_crop(self, box: ArrayLike) -> Box:
        """Convert boxes (..., 4) in image pixels to boxes in network-input pixels."""
        moved = np.array(box, dtype=np.float64)
        moved[..., 0] -= self.center_x - self.side_px / 2
        moved[..., 1] -= self.center_y - self.side_px / 2
        return moved * self.scale

    def to_image(self, box: ArrayLike) -> Box:
        """Convert boxes (..., 4) in network-input pixels to boxes in image pixels; the inverse of `to_crop`."""
        moved = np.asarray(box, dtype=np.float64) / self.scale
        moved[..., 0] += self.center_x - self.side_px / 2
        moved[..., 1] += self.center_y - self.side_px / 2
        return moved

    def extract(self, image: PixelsT, outside: tuple[float, ...] | None = None) -> PixelsT:
        """Resample the window to (size, size) or (size, size, C).

        A window over twice as large as the input is halved first, so that fine detail does not alias.

        Args:
            image: what can be sliced by rows and columns.
            outside: colour of what lies outside the image; None: its mean.
        """
        left, top = self.center_x - self.side_px / 2, self.center_y - self.side_px / 2
        height, width = image.shape[:2]
        x0, y0 = max(int(np.floor(left)), 0), max(int(np.floor(top)), 0)
        x1 = min(int(np.ceil(left + self.side_px)), width)
        y1 = min(int(np.ceil(top + self.side_px)), height)
        border = mean_color(image) if outside is None else outside
        if x1 <= x0 or y1 <= y0:
            return np.full((self.size, self.size, *image.shape[2:]), np.squeeze(border), dtype=image.dtype)
        part = image[y0:y1, x0:x1]
        scale = self.scale
        while scale < 0.5 and min(part.shape[:2]) >= 2:  # bilinear sampling alone would skip pixels
            part = _halved(part)
            scale *= 2
        # Pixel centres lie at +0.5: the shift keeps outer corners on outer corners.
        shift_x = (x0 - left) * self.scale + 0.5 * scale - 0.5
        shift_y = (y0 - top) * self.scale + 0.5 * scale - 0.5
        matrix = np.array([[scale, 0.0, shift_x], [0.0, scale, shift_y]])
        resampled: PixelsT = cv2.warpAffine(
            part,
            matrix,
            (self.size, self.size),
            flags=cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_CONSTANT,
            borderValue=border,
        )
        return resampled


def _halved(image: PixelsT) -> PixelsT:
    """Average blocks of 2x2 pixels; an odd last row or column falls away."""
    height, width = image.shape[0] // 2, image.shape[1] // 2
    halved: PixelsT = cv2.resize(image[: 2 * height, : 2 * width], (width, height), interpolation=cv2.INTER_AREA)
    return halved


def mean_color(image: Pixels) -> tuple[float, ...]:
    """Return the mean of each channel, from at most 64x64 of the pixels, so that it costs the same at any size."""
    size = min(image.shape[1], SAMPLED_PX), min(image.shape[0], SAMPLED_PX)
    return mean_of(cv2.resize(image, size, interpolation=cv2.INTER_NEAREST))


def sample_grid(side: int) -> NDArray[np.intp]:
    """Return the rows (or columns) that `mean_color` looks at in an image of that many."""
    count = min(side, SAMPLED_PX)
    samples: NDArray[np.intp] = np.floor(np.arange(count) * (1.0 / (count / side))).astype(np.intp)
    return np.minimum(samples, side - 1)


def mean_of(pixels: Pixels) -> tuple[float, ...]:
    """Return the mean of each channel of (H, W) or (H, W, C), rounded."""
    means = cv2.mean(pixels)
    return tuple(round(mean) for mean in means[: 1 if pixels.ndim == 2 else pixels.shape[2]])


def check_box(box: ArrayLike, image_width: int, image_height: int) -> Box:
    """Return the box as (4,) float64, or raise `InputError` if no target can be started with it.

    A box may reach beyond the image as long as a part of it lies inside.
    """
    checked = np.asarray(box, dtype=np.float64)
    if checked.shape != (4,):
        raise InputError(f"A box has 4 numbers (x, y, width, height), found an array of shape {checked.shape}.")
    text = f"x={checked[0]:g} y={checked[1]:g} width={checked[2]:g} height={checked[3]:g}"
    if not np.all(np.isfinite(checked)):
        raise InputError(f"The box {text} holds a number that is not finite; give four finite numbers.")
    if checked[2] < MIN_SIDE_PX or checked[3] < MIN_SIDE_PX:
        raise InputError(f"The box {text} is too small; width and height must be at least {MIN_SIDE_PX:g} px.")
    x, y, width, height = checked
    if x >= image_width or y >= image_height or x + width <= 0 or y + height <= 0:
        raise InputError(f"The box {text} lies outside the image of {image_width}x{image_height} px.")
    if width > 4 * image_width or height > 4 * image_height:
        raise InputError(f"The box {text} is over four times as large as the image of {image_width}x{image_height} px.")
    return checked


def parse_box(text: str) -> Box:
    """Parse a (4,) box from `x,y,width,height` in pixels, as it is given on command lines.

    Raises:
        InputError: not four numbers.
    """
    try:
        box = np.array([float(part) for part in text.split(",")], dtype=np.float64)
    except ValueError:
        box = np.empty(0)
    if box.shape != (4,):
        raise InputError(f"The box '{text}' cannot be read; give x,y,width,height in pixels, for example 120,80,64,48.")
    return box


def clip_box(box: ArrayLike, image_width: int, image_height: int, margin_px: float = 10.0) -> Box:
    """Clip a box to the image; it keeps at least `margin_px` (or its own size, if smaller) inside the image."""
    x, y, width, height = np.asarray(box, dtype=np.float64)
    keep_x, keep_y = min(margin_px, width, image_width), min(margin_px, height, image_height)
    x0 = np.clip(x, 0.0, image_width - keep_x)
    y0 = np.clip(y, 0.0, image_height - keep_y)
    x1 = np.clip(x + width, x0 + keep_x, image_width)
    y1 = np.clip(y + height, y0 + keep_y, image_height)
    return np.array([x0, y0, x1 - x0, y1 - y0])


def box_from_center(center_x: float, center_y: float, width: float, height: float) -> Box:
    """Build a (4,) box from its centre and size."""
    return np.array([center_x - width / 2, center_y - height / 2, width, height], dtype=np.float64)


def box_center(box: ArrayLike) -> NDArray[np.float64]:
    """Return the (..., 2) centres of (..., 4) boxes."""
    array = np.asarray(box, dtype=np.float64)
    return array[..., :2] + array[..., 2:] / 2


def iou(first: ArrayLike, second: ArrayLike) -> NDArray[np.float64]:
    """Return the intersection over union of (..., 4) boxes, shape (...); NaN where either box holds a NaN."""
    a, b = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    low = np.maximum(a[..., :2], b[..., :2])
    high = np.minimum(a[..., :2] + a[..., 2:], b[..., :2] + b[..., 2:])
    overlap = np.prod(np.maximum(high - low, 0.0), axis=-1)
    union = np.prod(a[..., 2:], axis=-1) + np.prod(b[..., 2:], axis=-1) - overlap
    with np.errstate(invalid="ignore", divide="ignore"):
        value = np.where(union > 0, overlap / union, 0.0)
    missing = np.isnan(a).any(axis=-1) | np.isnan(b).any(axis=-1)
    return np.where(missing, np.nan, value)
