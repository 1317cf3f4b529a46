# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Results as viewers draw them by themselves: boxes over the image in Foxglove, a ray in RViz; made on demand."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from builtin_interfaces.msg import Duration
from geometry_msgs.msg import Point
from rclpy.publisher import Publisher

from stdtrack_ros.msg import TrackedBox
from stdtrack_ros.sequences.recordings.image_annotations import image_annotations, label, status_rgb

try:
    import foxglove_msgs.msg as foxglove
except ImportError:  # an optional package, not among the wheels
    foxglove = None
try:
    from visualization_msgs.msg import Marker
except ImportError:
    Marker = None

RAY_M, SHAFT_M, HEAD_M = 5.0, 0.04, 0.12
"""Length of the ray, and diameters of its shaft and head."""
RAY_S = 0.5
"""A viewer takes the ray away if none has come for so long."""


class Overlays:
    """Publishers of what is drawn over an image or into space."""

    def __init__(self, publisher: Callable[[type, str], Publisher]) -> None:
        self._annotations = publisher(foxglove.ImageAnnotations, "image_annotations") if foxglove else None
        self._rays = publisher(Marker, "bearing_marker") if Marker else None

    def send(self, boxes: Sequence[TrackedBox]) -> None:
        """Publish the boxes of one frame, if anybody subscribes."""
        if self._annotations is not None and self._annotations.get_subscription_count():
            self._annotations.publish(image_annotations(lambda name: getattr(foxglove, name), boxes))
        if self._rays is not None and self._rays.get_subscription_count():
            for ray in filter(None, map(bearing_ray, boxes)):
                self._rays.publish(ray)


def bearing_ray(box: TrackedBox) -> Any:
    """Build a visualization_msgs/Marker: an arrow along the bearing, in the camera's frame; None if it is not known."""
    direction = box.bearing
    if math.isnan(direction.x):
        return None
    marker = Marker(header=box.header, ns=box.target_id, type=Marker.ARROW, action=Marker.ADD)
    marker.points = [Point(), Point(x=RAY_M * direction.x, y=RAY_M * direction.y, z=RAY_M * direction.z)]
    marker.scale.x, marker.scale.y, marker.scale.z = SHAFT_M, HEAD_M, 2 * HEAD_M
    marker.color.r, marker.color.g, marker.color.b = status_rgb(box)
    marker.color.a = 1.0
    marker.pose.orientation.w = 1.0
    marker.lifetime = Duration(nanosec=int(RAY_S * 1e9))
    marker.text = label(box)
    return marker
