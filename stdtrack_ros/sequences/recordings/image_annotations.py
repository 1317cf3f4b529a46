# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Boxes as Foxglove draws them over an image: foxglove_msgs/ImageAnnotations, for bags and for the node."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from stdtrack_ros.tracker.drawing import STATUS_COLORS
from stdtrack_ros.tracker.result import Status

IMAGE_ANNOTATIONS = "foxglove_msgs/msg/ImageAnnotations"
DEFINITIONS = {
    "foxglove_msgs/msg/Color": "float64 r\nfloat64 g\nfloat64 b\nfloat64 a\n",
    "foxglove_msgs/msg/Point2": "float64 x\nfloat64 y\n",
    "foxglove_msgs/msg/CircleAnnotation": """builtin_interfaces/Time timestamp
Point2 position
float64 diameter
float64 thickness
Color fill_color
Color outline_color
""",
    "foxglove_msgs/msg/PointsAnnotation": """uint8 UNKNOWN=0
uint8 POINTS=1
uint8 LINE_LOOP=2
uint8 LINE_STRIP=3
uint8 LINE_LIST=4
builtin_interfaces/Time timestamp
uint8 type
Point2[] points
Color outline_color
Color[] outline_colors
Color fill_color
float64 thickness
""",
    "foxglove_msgs/msg/TextAnnotation": """builtin_interfaces/Time timestamp
Point2 position
string text
float64 font_size
Color text_color
Color background_color
""",
    IMAGE_ANNOTATIONS: "CircleAnnotation[] circles\nPointsAnnotation[] points\nTextAnnotation[] texts\n",
}
"""Definitions of the message, as releases of foxglove_msgs up to 3.0 have them, without their comments."""
LINE_LOOP = 2
THICKNESS_PX, FONT_PX = 3.0, 16.0
PLATE = (0.0, 0.0, 0.0, 0.7)
"""Colour behind the words: red, green, blue, alpha."""


def status_rgb(box: Any) -> tuple[float, float, float]:
    """Return the colour of a TrackedBox's status: red, green, blue in 0..1."""
    blue, green, red = (value / 255.0 for value in STATUS_COLORS[Status(box.status)])
    return red, green, blue


def label(box: Any) -> str:
    """Return what is written beside a TrackedBox."""
    quality = "" if math.isnan(box.quality) else f" {box.quality:.2f}"
    return f"{box.target_id} {Status(box.status).name}{quality}"


def image_annotations(class_of: Callable[[str], Any], boxes: Sequence[Any]) -> Any:
    """Make the ImageAnnotations of one frame: an outline and its words for each box that is known.

    Args:
        class_of: the class of a message of foxglove_msgs by its bare name; rclpy's and those of `rosbags` serve alike.
        boxes: TrackedBox messages.
    """
    color, point = class_of("Color"), class_of("Point2")
    outlines, texts = [], []
    for box in (one for one in boxes if not math.isnan(one.x)):
        red, green, blue = status_rgb(box)
        line = color(r=red, g=green, b=blue, a=1.0)
        left, top, right, low = map(float, (box.x, box.y, box.x + box.width, box.y + box.height))
        corners = [point(x=x, y=y) for x, y in ((left, top), (right, top), (right, low), (left, low))]
        outlines.append(
            class_of("PointsAnnotation")(
                timestamp=box.header.stamp,
                type=LINE_LOOP,
                points=corners,
                outline_color=line,
                outline_colors=[],
                fill_color=color(r=0.0, g=0.0, b=0.0, a=0.0),
                thickness=THICKNESS_PX,
            )
        )
        texts.append(
            class_of("TextAnnotation")(
                timestamp=box.header.stamp,
                position=corners[0],
                text=label(box),
                font_size=FONT_PX,
                text_color=line,
                background_color=color(**dict(zip("rgba", PLATE, strict=True))),
            )
        )
    return class_of("ImageAnnotations")(circles=[], points=outlines, texts=texts)
