# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Frames to measure on, painted in memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from stdtrack_ros.geometry import Box, Image


@dataclass(frozen=True, slots=True)
class Footage:
    """Frames to measure on.

    Attributes:
        frames: (H, W, 3) uint8 BGR each.
        box: (4,) of the target in the first frame.
        source: where they are from, in words.
    """

    frames: Sequence[Image]
    box: Box
    source: str


def painted_footage(width: int, height: int, frames: int, side: int | None = None, seed: int = 0) -> Footage:
    """Make frames with a square patch of texture that sways over another texture.

    Args:
        side: of the patch in px; None: an eighth of the image; 0: no patch.
    """
    random = np.random.default_rng(seed)
    background = _texture(random, width, height, 12)
    side = max(min(width, height) // 8, 16) if side is None else side
    patch = _texture(random, side, side, 4) if side else background[:0, :0]
    pictures: list[Image] = []
    first: NDArray[np.int64] = np.zeros(2, dtype=np.int64)
    for number in range(frames + 1):
        phase = 2 * np.pi * number / 120
        corner = np.array([width - side, height - side]) * (0.5 + 0.2 * np.array([np.sin(phase), np.cos(phase)]))
        x, y = corner.astype(int)
        first = corner.astype(np.int64) if number == 0 else first
        picture = background.copy()
        picture[y : y + side, x : x + side] = patch
        pictures.append(picture)
    return Footage(pictures, np.array([*first, side, side], dtype=np.float64), f"painted, {width}x{height} px")


def _texture(random: np.random.Generator, width: int, height: int, grain: int) -> Image:
    coarse = random.integers(0, 256, (max(height // grain, 2), max(width // grain, 2), 3), dtype=np.uint8)
    return np.asarray(cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC), dtype=np.uint8)
