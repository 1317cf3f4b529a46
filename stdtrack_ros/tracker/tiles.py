# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A frame cut into windows of one size, of which each target lies well inside some."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from stdtrack_ros.geometry import Crop

STEP = 0.5
"""Distance between two tiles, in units of their side."""
MAX_TILES = 64
"""A frame is never cut into more tiles than this; small targets in large frames are searched in larger tiles."""


def tiles(home: NDArray[np.float64], image_width: int, image_height: int, side: float, size: int) -> list[Crop]:
    """Cover the frame with windows, those near a place first.

    Args:
        home: (2,) the place, px.
        side: of a window, px; larger ones are taken if those were too many.
        size: of a window, px of the network's input.
    """
    while _count(image_width, side) * _count(image_height, side) > MAX_TILES:
        side *= 1.25
    columns, rows = _count(image_width, side), _count(image_height, side)
    centers = [
        ((column + 0.5) * image_width / columns, (row + 0.5) * image_height / rows)
        for row in range(rows)
        for column in range(columns)
    ]
    centers.sort(key=lambda center: float(np.hypot(center[0] - home[0], center[1] - home[1])))
    return [Crop(x, y, side, size) for x, y in centers]


def _count(length_px: int, side_px: float) -> int:
    return max(int(np.ceil(length_px / (side_px * STEP))) - 1, 1)
