# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""From score, size and offset maps to a box."""

from __future__ import annotations

from functools import cache

import numpy as np

from stdtrack_ros.geometry import Box, box_from_center
from stdtrack_ros.tracker.models.model import FloatArray


def decode(score: FloatArray, size: FloatArray, offset: FloatArray, crop_size: int, window_influence: float) -> Box:
    """Return the box of the best cell, (4,) x, y, width, height in pixels of the crop.

    Args:
        score: (H, W) in 0..1. size: (2, H, W) fractions of the crop's side. offset: (2, H, W) in cells, from the cell's
            centre. window_influence: weight of the Hann window in the choice of the cell; the values are not changed.
    """
    rows, columns = score.shape
    weighted = score * ((1.0 - window_influence) + window_influence * hann(rows, columns))
    row, column = divmod(int(weighted.argmax()), columns)
    center_x = (column + 0.5 + float(offset[0, row, column])) / columns * crop_size
    center_y = (row + 0.5 + float(offset[1, row, column])) / rows * crop_size
    width, height = (max(float(size[axis, row, column]) * crop_size, 1.0) for axis in (0, 1))
    return box_from_center(center_x, center_y, width, height)


@cache
def hann(rows: int, columns: int) -> FloatArray:
    """Return a (rows, columns) float32 Hann window that is nowhere 0, largest in the middle."""
    return np.outer(np.hanning(rows + 2)[1:-1], np.hanning(columns + 2)[1:-1]).astype(np.float32)
