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
from stdtrack_ros.tracker.drawing import STATUS_COLORS
from stdtrack_ros.tracker.result import Status

try:
    from foxglove_msgs.msg import Color, ImageAnnotations, Point2, PointsAnnotation, TextAnnotation
except ImportError:  # an optional package, not among the wheels
    ImageAnnotations = None
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
        self._annotations = publisher(ImageAnnotations, "image_annotations") if ImageAnnotations else None
        self._rays = publisher(Marker, "bearing_marker") if Marker else None

    def send(self, boxes: Sequence[TrackedBox]) -> None:
        """Publish the boxes of one frame to whoever looks."""
        if self._annotations is not None and self._annotations.get_subscription_count():
            self._annotations.publish(image_annotations(boxes))
        if self._rays is not None and self._rays.get_subscription_count():
            for ray in filter(None, map(bearing_ray, boxes)):
                self._rays.publish(ray)


def rgb(box: TrackedBox) -> tuple[float, float, float]:
    """Return the colour of a box's status, (red, green, blue) in 0..1."""
    blue, green, red = (value / 255.0 for value in STATUS_COLORS[Status(box.status)])
    return red, green, blue


def label(box: TrackedBox) -> str:
    """Return what is written beside a box."""
    quality = "" if math.isnan(box.quality) else f" {box.quality:.2f}"
    return f"{box.target_id} {Status(box.status).name}{quality}"


def corners(box: TrackedBox) -> list[tuple[float, float]]:
    """Return the four corners in px, clockwise from the top left."""
    right, low = box.x + box.width, box.y + box.height
    return [(box.x, box.y), (right, box.y), (right, low), (box.x, low)]


def image_annotations(boxes: Sequence[TrackedBox]) -> Any:
    """Build the foxglove_msgs/ImageAnnotations of the boxes of one frame; boxes that are not known are left out."""
    message = ImageAnnotations()
    for box in (one for one in boxes if not math.isnan(one.x)):
        red, green, blue = rgb(box)
        color = Color(r=red, g=green, b=blue, a=1.0)
        points = [Point2(x=float(x), y=float(y)) for x, y in corners(box)]
        stamp = box.header.stamp
        message.points.append(
            PointsAnnotation(
                timestamp=stamp, type=PointsAnnotation.LINE_LOOP, points=points, outline_color=color, thickness=3.0
            )
        )
        message.texts.append(
            TextAnnotation(
                timestamp=stamp,
                position=points[0],
                text=label(box),
                font_size=16.0,
                text_color=color,
                background_color=Color(r=0.0, g=0.0, b=0.0, a=0.7),
            )
        )
    return message


def bearing_ray(box: TrackedBox) -> Any:
    """Build a visualization_msgs/Marker: an arrow along the bearing, in the camera's frame; None if it is not known."""
    direction = box.bearing
    if math.isnan(direction.x):
        return None
    marker = Marker(header=box.header, ns=box.target_id, type=Marker.ARROW, action=Marker.ADD)
    marker.points = [Point(), Point(x=RAY_M * direction.x, y=RAY_M * direction.y, z=RAY_M * direction.z)]
    marker.scale.x, marker.scale.y, marker.scale.z = SHAFT_M, HEAD_M, 2 * HEAD_M
    marker.color.r, marker.color.g, marker.color.b = rgb(box)
    marker.color.a = 1.0
    marker.pose.orientation.w = 1.0
    marker.lifetime = Duration(nanosec=int(RAY_S * 1e9))
    marker.text = label(box)
    return marker
