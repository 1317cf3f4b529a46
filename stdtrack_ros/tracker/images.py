# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Whatever a camera or a file gives, as the one kind of image that the tracker works on."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from stdtrack_ros.errors import InputError
from stdtrack_ros.geometry import Image


def to_bgr8(image: NDArray[np.generic]) -> Image:
    """Any grey, BGR or BGRA array of 8 or 16 bits as (H, W, 3) uint8 BGR; 16 bits keep their high byte.

    Raises:
        InputError: another shape or type, or an image without pixels.
    """
    array = np.asarray(image)
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[:, :, 0]
    if array.ndim not in (2, 3) or array.size == 0 or (array.ndim == 3 and array.shape[2] not in (3, 4)):
        raise InputError(f"An image is (H, W), (H, W, 3) or (H, W, 4) with pixels in it, found shape {array.shape}.")
    if array.dtype == np.uint16:
        array = (array >> 8).astype(np.uint8)
    if array.dtype != np.uint8:
        raise InputError(f"An image has 8 or 16 bits a channel (uint8, uint16), found {array.dtype}.")
    if array.ndim == 2:
        return np.asarray(cv2.cvtColor(array, cv2.COLOR_GRAY2BGR), dtype=np.uint8)
    return np.ascontiguousarray(array[:, :, :3])
