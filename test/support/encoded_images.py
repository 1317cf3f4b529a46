# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Pictures written in every encoding of the table, by the definitions of the encodings and not by a library."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from stdtrack_ros.images import to_bgr8
from stdtrack_ros.intensity import IntensityRange

WIDTH, HEIGHT = 16, 12
BLUE_GREEN_RED = (200, 120, 40)


def flat() -> NDArray[np.uint8]:
    """(HEIGHT, WIDTH, 3) uint8 BGR of one colour."""
    return np.full((HEIGHT, WIDTH, 3), BLUE_GREEN_RED, dtype=np.uint8)


def encode(picture: NDArray[np.uint8], encoding: str, padding: int) -> tuple[bytes, int]:
    """Encode a BGR picture; return its bytes, each row followed by `padding` bytes of rubbish, and the step."""
    rows = _rows(picture.astype(np.float64), encoding)
    if "16" in encoding:
        rows = np.rint(rows * 257).astype("<u2").view(np.uint8)
    rows = np.rint(rows).astype(np.uint8)
    rubbish = np.full((len(rows), padding), 0xAB, dtype=np.uint8)
    padded = np.hstack([rows, rubbish])
    return padded.tobytes(), padded.shape[1]


def _rows(picture: NDArray[np.float64], encoding: str) -> NDArray[np.float64]:
    """Rows of numbers 0..255."""
    height, width = picture.shape[:2]
    blue, green, red = np.moveaxis(picture, 2, 0)
    opaque = np.full_like(blue, 255.0)
    if encoding.startswith("mono") or encoding.endswith("UC1"):
        return picture.mean(axis=2)
    if encoding.startswith("bayer"):
        return _bayer(picture, encoding[6:10])
    if encoding[:2] in ("yu", "uy", "nv"):
        return _yuv(picture, encoding)
    planes = {"r": red, "g": green, "b": blue, "a": opaque}
    letters = {"8UC3": "bgr", "16UC3": "bgr", "8UC4": "bgra", "16UC4": "bgra"}.get(
        encoding, encoding.rstrip("0123456789")
    )
    return np.stack([planes[letter] for letter in letters], axis=2).reshape(height, width * len(letters))


def _bayer(picture: NDArray[np.float64], pattern: str) -> NDArray[np.float64]:
    """Mosaic a picture: the pattern names the first two pixels of the first row, then those of the second."""
    mosaic = np.empty(picture.shape[:2])
    for letter, (row, column) in zip(pattern, ((0, 0), (0, 1), (1, 0), (1, 1)), strict=True):
        mosaic[row::2, column::2] = picture[row::2, column::2, "bgr".index(letter)]
    return mosaic


def _yuv(picture: NDArray[np.float64], encoding: str) -> NDArray[np.float64]:
    """ITU-R BT.601 with luma in 16..235."""
    blue, green, red = np.moveaxis(picture / 255.0, 2, 0)
    y = 16 + 65.481 * red + 128.553 * green + 24.966 * blue
    u = 128 - 37.797 * red - 74.203 * green + 112.0 * blue
    v = 128 + 112.0 * red - 93.786 * green - 18.214 * blue
    height, width = y.shape
    if encoding.startswith("nv"):
        chroma = (u, v) if encoding == "nv12" else (v, u)
        return np.vstack([y, np.stack([plane[::2, ::2] for plane in chroma], axis=2).reshape(height // 2, width)])
    pairs = np.empty((height, width // 2, 4))
    luma, first, second = ((0, 2), 1, 3) if encoding in ("yuyv", "yuv422_yuy2") else ((1, 3), 0, 2)
    pairs[..., luma[0]], pairs[..., luma[1]] = y[:, ::2], y[:, 1::2]
    pairs[..., first], pairs[..., second] = u[:, ::2], v[:, ::2]
    return pairs.reshape(height, 2 * width)


def full_scale(pixels: NDArray[np.generic]) -> NDArray[np.uint8]:
    """(H, W, 3) uint8 BGR of decoded pixels, 16 bits over their whole range: what `encode` was given."""
    return to_bgr8(pixels, IntensityRange(0.0, 65535.0) if pixels.dtype == np.uint16 else None)
