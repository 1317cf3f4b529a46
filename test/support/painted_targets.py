# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A folder of clips, each of another painted thing that moves over another painted background."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from sample_sequences import write_lines

WIDTH, HEIGHT, SIDE = 192, 144, 36
FRAMES = 26


def write_targets(folder: Path, count: int = 8) -> Path:
    """Write `count` clips `thing<letter>`, as folders of pictures with their boxes."""
    for number in range(count):
        rng = np.random.default_rng(number)
        scene = _cloth(rng, (HEIGHT, WIDTH), 24, (60, 130))
        thing = _cloth(rng, (SIDE, SIDE), 9, (0, 255))
        place = folder / f"thing{chr(97 + number)}"
        place.mkdir(parents=True)
        rows = []
        for index in range(FRAMES):
            x, y = 30 + 3 * index, 50 + round(10 * np.sin(index / 4))
            picture = scene.copy()
            picture[y : y + SIDE, x : x + SIDE] = thing
            assert cv2.imwrite(str(place / f"{index + 1:08d}.png"), picture)
            rows.append(f"{x},{y},{SIDE},{SIDE}")
        write_lines(place / "groundtruth.txt", rows)
    return folder


def _cloth(rng: np.random.Generator, shape: tuple[int, int], patch: int, levels: tuple[int, int]) -> np.ndarray:
    cells = rng.integers(*levels, (-(-shape[0] // patch), -(-shape[1] // patch), 3), dtype=np.uint8)
    return cv2.resize(cells, shape[::-1], interpolation=cv2.INTER_NEAREST)
