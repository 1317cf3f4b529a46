# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Messages that a follower can act on."""

from __future__ import annotations

from geometry_msgs.msg import Vector3
from stdtrack_ros.msg import TrackedBox


def box(**changes: object) -> TrackedBox:
    """Return a good box, straight ahead and as high as it should be."""
    fields: dict[str, object] = {
        "target_id": "target-1",
        "status": TrackedBox.STATUS_TRACKING,
        "x": 300.0,
        "y": 168.0,
        "width": 40.0,
        "height": 144.0,
        "quality": 0.9,
        "bearing": Vector3(z=1.0),
        "image_width": 640,
        "image_height": 480,
    }
    return TrackedBox(**(fields | changes))
