# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The picture for people: the camera's image, smaller, with the boxes of this frame."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from stdtrack_ros.geometry import Image
from stdtrack_ros.msg import TrackedBox
from stdtrack_ros.tracker.drawing import draw_target
from stdtrack_ros.tracker.result import Status


def annotated(image: Image, boxes: Sequence[TrackedBox], scale: float) -> Image:
    """Return a copy of an (H, W, 3) image at `scale` of its size, with the boxes drawn into it."""
    size = max(round(image.shape[1] * scale), 1), max(round(image.shape[0] * scale), 1)
    # Drawn after the resize, so that lines and words stay sharp; a copy even at full size.
    picture: Image = cv2.resize(image, size, interpolation=cv2.INTER_AREA) if scale < 1.0 else image.copy()
    for box in boxes:
        corners = scale * np.array([box.x, box.y, box.width, box.height])
        velocity = scale * np.array([box.velocity_x, box.velocity_y])
        draw_target(picture, corners, Status(box.status), box.quality, velocity, box.target_id)
    return picture
