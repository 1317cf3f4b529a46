# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A box around a point: what a tap on a picture means, from the image itself and the network's own judgement."""

from __future__ import annotations

import numpy as np

from stdtrack_ros.errors import InputError
from stdtrack_ros.geometry import Box, Image, box_from_center
from stdtrack_ros.tracker.models.model import Model


def propose_box(model: Model, image: Image, x: float, y: float) -> Box:
    height, width = image.shape[:2]
    if not (np.isfinite([x, y]).all() and 0 <= x <= width and 0 <= y <= height):
        raise InputError(f"The point x={x:g} y={y:g} lies outside the image of {width}x{height} px.")
    side = 0.1 * max(height, width)
    return box_from_center(x, y, side, side)
