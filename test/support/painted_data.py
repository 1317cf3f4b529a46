# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Small data whose ground truth is known by construction: a red target on green noise, as video and as stills."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from stdtrack_ros.sequences.shards.stills import Still, StillObject

RED = (30, 30, 230)


def noise(rng: np.random.Generator, width: int, height: int) -> np.ndarray:
    """(H, W, 3) uint8: green and blue noise, never reddish."""
    image = rng.integers(60, 200, (height, width, 3), dtype=np.uint8)
    image[..., 2] = 20
    return image


@dataclass
class PaintedSequence:
    """A `Sequence` with a red box on noise; a row of NaN: no box in that frame."""

    name: str
    boxes: np.ndarray
    width: int = 320
    height: int = 240
    attributes: frozenset[str] = frozenset()
    notes: tuple[str, ...] = ()

    @property
    def stamps_s(self) -> np.ndarray:
        return np.arange(len(self.boxes)) / 30.0

    def __len__(self) -> int:
        return len(self.boxes)

    def frame(self, index: int) -> np.ndarray:
        image = noise(np.random.default_rng(index), self.width, self.height)
        if not np.isnan(self.boxes[index]).any():
            x, y, width, height = self.boxes[index].astype(int)
            image[y : y + height, x : x + width] = RED
        return image


def moving(frames: int = 40, step: float = 3.0, size: tuple[int, int] = (30, 20)) -> np.ndarray:
    """(N, 4) a box that goes to the right and comes back, at whole pixels."""
    there = np.abs((np.arange(frames) * step) % 400 - 200)
    return np.stack([20 + there, 90 + there / 4, np.full(frames, size[0]), np.full(frames, size[1])], axis=1).round()


@dataclass
class Painted:
    """An `EncodedImage` in memory."""

    name: str
    pixels: np.ndarray

    def read(self) -> np.ndarray:
        return cv2.imencode(".png", self.pixels)[1]


def painted_still(seed: int, category: str = "thing") -> Still:
    """Paint a red ellipse on noise, with its mask."""
    rng = np.random.default_rng(seed)
    image, mask = noise(rng, 200, 160), np.zeros((160, 200), np.uint8)
    center = (int(rng.integers(80, 120)), int(rng.integers(70, 90)))
    axes = (int(rng.integers(20, 45)), int(rng.integers(20, 45)))
    cv2.ellipse(mask, center, axes, 0, 0, 360, 1, -1)
    image[mask > 0] = RED
    box = np.array(cv2.boundingRect(mask), np.float64)
    return Still(f"painted/{seed}.png", Painted("i", image), Painted("m", mask), (StillObject(box, category, 1),))


def red_box(canvas: np.ndarray) -> np.ndarray:
    """(4,) tight box of what is red in a canvas; NaN where nothing is."""
    blue, green, red = (canvas[..., channel].astype(int) for channel in range(3))
    area = ((red - green > 50) & (red - blue > 50)).astype(np.uint8)
    return np.array(cv2.boundingRect(area), np.float64) if area.any() else np.full(4, np.nan)
