# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A painted disc that moves over a smooth ground: easy to follow, and its box is known."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def moving_disc(
    count: int = 12, width: int = 320, height: int = 240, seed: int = 0
) -> tuple[list[NDArray[np.uint8]], NDArray[np.float64]]:
    """Paint a patterned disc that moves over a smooth background: frames, and (N, 4) boxes."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[:height, :width]
    background = np.stack([120 + 60 * np.sin(columns / 40 + k) * np.cos(rows / 30) for k in range(3)], axis=2)
    background += rng.normal(0, 4, background.shape)
    frames, boxes = [], []
    for index in range(count):
        center_x, center_y, radius = 100 + 4 * index, 90 + 3 * index, 24
        inside = (columns - center_x) ** 2 + (rows - center_y) ** 2 <= radius**2
        stripes = ((columns - center_x) // 8 + (rows - center_y) // 8) % 2
        frame = background.copy()
        frame[inside] = np.stack([30 + 200 * stripes, 40 + 0 * stripes, 220 - 180 * stripes], axis=2)[inside]
        frames.append(frame.clip(0, 255).astype(np.uint8))
        boxes.append((center_x - radius, center_y - radius, 2 * radius, 2 * radius))
    return frames, np.array(boxes, dtype=np.float64)
