# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Painted squares that move over a painted ground."""

from __future__ import annotations

import numpy as np


class Scene:
    """A textured square that moves over a textured ground; its place is known in every frame."""

    def __init__(self, width: int = 320, height: int = 240, side: int = 40, seed: int = 7) -> None:
        random = np.random.default_rng(seed)
        self.width, self.height, self.side = width, height, side
        coarse = random.integers(0, 255, (height // 4 + 1, width // 4 + 1, 3), dtype=np.uint8)
        self.ground = coarse.repeat(4, axis=0).repeat(4, axis=1)[:height, :width]
        self.patches = [
            random.integers(0, 255, (side // 4, side // 4, 3), dtype=np.uint8).repeat(4, axis=0).repeat(4, axis=1)
            for _ in range(4)
        ]

    def box(self, index: int, which: int = 0) -> tuple[float, float, float, float]:
        """Where square `which` is in frame `index`: (x, y, width, height) px."""
        phase = 0.05 * index + 1.5 * which
        x = (self.width - self.side) * (0.5 + 0.4 * np.sin(phase))
        y = (self.height - self.side) * (0.5 + 0.3 * np.cos(0.7 * phase + which))
        return float(round(x)), float(round(y)), float(self.side), float(self.side)

    def image(self, index: int, targets: int = 1) -> np.ndarray:
        """Frame `index` as (H, W, 3) uint8 BGR with the first `targets` squares in it."""
        image = self.ground.copy()
        for which in range(targets):
            x, y, width, height = (int(number) for number in self.box(index, which))
            image[y : y + height, x : x + width] = self.patches[which]
        return image
