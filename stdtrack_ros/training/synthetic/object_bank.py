# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Objects cut out of stills."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence as ListOf
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from stdtrack_ros.geometry import Image
from stdtrack_ros.sequences.shards.stills import Still, StillObject
from stdtrack_ros.training.synthetic.scenes import Sprite
from stdtrack_ros.training.synthetic.trajectories import Trajectory

Rng = np.random.Generator

TARGET_PX = 64.0
"""Targets are about this large in the source image, as they are on a canvas: nothing is resampled twice by much."""
MIN_OBJECT_PX, MIN_FILL = 22.0, 0.12
"""Objects smaller than this (square root of the box's area), or whose mask fills less of the box, are left out."""


@dataclass(frozen=True)
class CutOut:
    """An object with its pixels, at most about `TARGET_PX` large: (h, w, 3), (h, w) uint8 and its (N, 2) outline."""

    pixels: Image
    alpha: NDArray[np.uint8]
    outline: NDArray[np.float64]

    @property
    def size_px(self) -> float:
        """sqrt(w * h) in its own pixels."""
        span = np.ptp(self.outline, axis=0)
        return float(np.sqrt(span[0] * span[1]))


class ObjectBank:
    """The stills, the objects among them that can be cut out, and the objects of each class."""

    def __init__(self, stills: ListOf[Still]) -> None:
        self.stills = list(stills)
        self.masked: list[tuple[int, int]] = []
        self.boxed: list[tuple[int, int]] = []
        self._of_class: dict[str, list[tuple[int, int]]] = defaultdict(list)
        weights: list[float] = []
        for still_index, still in enumerate(self.stills):
            for object_index, target in enumerate(still.objects):
                key = (still_index, object_index)
                if np.sqrt(target.box[2] * target.box[3]) < MIN_OBJECT_PX:
                    continue
                self.boxed.append(key)
                weights.append(_context_weight(still, target))
                if target.has_mask:
                    self.masked.append(key)
                    self._of_class[target.category].append(key)

        self._cumulative = np.cumsum(weights) / max(sum(weights), 1e-9)

    def any_in_context(self, rng: Rng) -> tuple[int, int]:
        """Draw any object, those that leave room for their surroundings in the picture more often."""
        return self.boxed[min(int(np.searchsorted(self._cumulative, rng.random())), len(self.boxed) - 1)]

    def any_masked(self, rng: Rng) -> tuple[int, int] | None:
        """Draw any object that has a mask; None if there is none."""
        return self.masked[int(rng.integers(len(self.masked)))] if self.masked else None

    def same_class(self, rng: Rng, key: tuple[int, int]) -> tuple[int, int]:
        """Draw another object of the same class, or the same object if there is none (or no class)."""
        category = self.object_of(key).category
        others = self._of_class.get(category, []) if category != "salient object" else []
        return others[int(rng.integers(len(others)))] if len(others) > 1 else key

    def object_of(self, key: tuple[int, int]) -> StillObject:
        """Return the object behind a key."""
        return self.stills[key[0]].objects[key[1]]

    def any_picture(self, rng: Rng) -> Image:
        """Return the pixels of any still."""
        return self.stills[int(rng.integers(len(self.stills)))].pixels()

    def cut_out(self, rng: Rng, key: tuple[int, int] | None) -> CutOut | None:
        """Cut out an object with a feathered edge; None if there is none, or its mask is too sparse to be a thing."""
        if key is None:
            return None
        still, target = self.stills[key[0]], self.object_of(key)
        pixels = still.pixels()
        height, width = pixels.shape[:2]
        mask = still.mask_of(target, width, height)
        x, y, w, h = cv2.boundingRect(mask)
        if w * h == 0 or cv2.countNonZero(mask) < MIN_FILL * w * h or np.sqrt(w * h) < MIN_OBJECT_PX:
            return None
        margin = 3
        rows, columns = slice(max(y - margin, 0), y + h + margin), slice(max(x - margin, 0), x + w + margin)
        return _cut(rng, pixels[rows, columns], mask[rows, columns])


def _context_weight(still: Still, target: StillObject) -> float:
    """Return 1 for objects up to a quarter of the picture's shorter side, falling with their size."""
    shorter = min(still.width, still.height)
    fraction = float(np.sqrt(target.box[2] * target.box[3])) / shorter if shorter else 0.5
    return min(1.0, 0.25 / fraction)


def _cut(rng: Rng, pixels: Image, mask: NDArray[np.uint8]) -> CutOut | None:
    _, _, w, h = cv2.boundingRect(mask)
    scale = min(TARGET_PX * rng.uniform(0.9, 1.4) / np.sqrt(w * h), 1.0)
    if scale < 1.0:
        size = max(round(mask.shape[1] * scale), 4), max(round(mask.shape[0] * scale), 4)
        pixels = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
        mask = cv2.resize(mask, size, interpolation=cv2.INTER_AREA)
    pixels = cv2.copyMakeBorder(pixels, 3, 3, 3, 3, cv2.BORDER_REPLICATE)
    mask = cv2.copyMakeBorder(mask, 3, 3, 3, 3, cv2.BORDER_CONSTANT, value=0)
    outline = outline_of(mask)
    if len(outline) < 3:
        return None
    return CutOut(pixels, cv2.GaussianBlur(mask, (0, 0), rng.uniform(0.5, 1.0)), outline)


def outline_of(mask: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Return the (N, 2) corners of the mask's border pixels, outer-corner coordinates, thinned to some hundred."""
    contours, _ = cv2.findContours((mask > 127).astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    if not contours:
        return np.zeros((0, 2))
    points = np.concatenate([contour[:, 0] for contour in contours]).astype(np.float64)
    extreme = [*points.argmin(axis=0), *points.argmax(axis=0)]
    points = np.concatenate([points[:: max(len(points) // 100, 1)], points[extreme]])
    return np.concatenate([points + corner for corner in ((0, 0), (1, 0), (0, 1), (1, 1))])


def in_the_light_of(rng: Rng, cut: CutOut, background: Image) -> CutOut:
    """Move the mean colour of a cut-out a part of the way to the background's."""
    means = np.array([cv2.mean(background), cv2.mean(cut.pixels, cut.alpha)])[:, :3]
    shift = rng.uniform(0.0, 0.4) * (means[0] - means[1])
    return CutOut(np.clip(cut.pixels + shift, 0, 255).astype(np.uint8), cut.alpha, cut.outline)


def sprite_of(rng: Rng, cut: CutOut, trajectory: Trajectory, bent: bool = False) -> Sprite:
    """Put a cut-out on a trajectory, seen at all times; `bent`: it sways like cloth or a body."""
    times = len(trajectory.centers)
    low, high = cut.outline.min(axis=0), cut.outline.max(axis=0)
    bends = np.zeros((times, 4))
    if bent:
        amplitude = rng.uniform(0.01, 0.06, 2) * cut.size_px
        phases = np.cumsum(rng.uniform(-0.6, 0.6, (times, 2)), axis=0) + rng.uniform(0, 2 * np.pi, 2)
        bends[:, 0::2], bends[:, 1::2] = amplitude, phases
    return Sprite(cut.pixels, cut.alpha, cut.outline, trajectory.poses((low + high) / 2), np.ones(times, bool), bends)
