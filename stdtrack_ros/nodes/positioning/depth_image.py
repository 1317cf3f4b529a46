# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Depth images (REP 118): from the message to metres."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from stdtrack_ros.errors import InputError

SCALES = {"16UC1": ("u2", 1e-3), "mono16": ("u2", 1e-3), "32FC1": ("f4", 1.0)}
"""Encoding to the type of a pixel and the metres in one unit of it."""


def metres(message: Any, rows: slice = slice(None), columns: slice = slice(None)) -> NDArray[np.float32]:
    """Return (H, W) float32 depth along the optical axis in m of a sensor_msgs/Image, or a part of it; NaN for holes.

    Raises:
        InputError: an encoding that is no depth, or fewer bytes than the fields say.
    """
    if message.encoding not in SCALES:
        raise InputError(
            f"The depth image has the encoding '{message.encoding}'; depth is 16UC1 (mm) or 32FC1 (m): remap `depth` "
            "to an aligned depth image."
        )
    kind, scale = SCALES[message.encoding]
    dtype = np.dtype(kind).newbyteorder(">" if message.is_bigendian else "<")
    flat = np.frombuffer(message.data, dtype=np.uint8)
    used = message.width * dtype.itemsize
    if message.width < 1 or message.height < 1 or message.step < used or flat.size < message.height * message.step:
        raise InputError(
            f"The {message.encoding} depth image of {message.width}x{message.height} px needs {message.height} rows of "
            f"{used} bytes or more; found a step of {message.step} and {flat.size} bytes."
        )
    lines = flat[: message.height * message.step].reshape(message.height, message.step)[rows, :used]
    depth = np.ascontiguousarray(lines).view(dtype)[:, columns].astype(np.float32) * np.float32(scale)
    depth[~(np.isfinite(depth) & (depth > 0))] = np.nan
    return depth
