# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""True boxes of one target from the messages of a bag's topic."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from stdtrack_ros.errors import SequenceError
from stdtrack_ros.geometry import Box
from stdtrack_ros.sequences.datasets.ground_truth import GroundTruthRows, Notes, hull
from stdtrack_ros.sequences.recordings.bag_file import TRACKED_BOX_TYPE, BagFile
from stdtrack_ros.tracker.result import Status

Labelled = list[tuple[str, Box]]


def _tracked_box(message: Any) -> Labelled:
    seen = message.status in (Status.TRACKING, Status.UNCERTAIN)
    box = np.array([message.x, message.y, message.width, message.height], dtype=np.float64)
    return [(message.target_id, box if seen else np.full(4, np.nan))]


def _bounding_box(message: Any) -> Labelled:
    return [("", _upright(message))]


def _bounding_boxes(message: Any) -> Labelled:
    return [("", _upright(box)) for box in message.boxes]


def _detection(message: Any) -> Labelled:
    return [(getattr(message, "id", "") or getattr(message, "tracking_id", ""), _upright(message.bbox))]


def _detections(message: Any) -> Labelled:
    return [labelled for detection in message.detections for labelled in _detection(detection)]


BOX_TYPES: dict[str, Callable[[Any], Labelled]] = {
    TRACKED_BOX_TYPE: _tracked_box,
    "vision_msgs/msg/BoundingBox2D": _bounding_box,
    "vision_msgs/msg/BoundingBox2DArray": _bounding_boxes,
    "vision_msgs/msg/Detection2D": _detection,
    "vision_msgs/msg/Detection2DArray": _detections,
}
"""Types that ground-truth boxes can be read from."""


def _upright(box: Any) -> Box:
    """Return the upright hull (4,) of a vision_msgs/BoundingBox2D, which may be turned."""
    center = getattr(box.center, "position", box.center)  # Humble has center.position.x, Foxy and before center.x
    cos, sin = np.cos(box.center.theta), np.sin(box.center.theta)
    half = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * [box.size_x / 2, box.size_y / 2]
    return hull(half @ np.array([[cos, sin], [-sin, cos]]) + [center.x, center.y])


@dataclass(slots=True)
class _Target:
    """The boxes of the first target that a topic shows; others are counted."""

    topic: str
    name: str | None = None
    others: set[str] = field(default_factory=set)

    def pick(self, labelled: Labelled) -> Box | None:
        """Return the target's box among those of one message; None if it is not among them."""
        if self.name is None and labelled:
            self.name = labelled[0][0]
        mine = [box for name, box in labelled if name == self.name]
        self.others |= {name for name, _ in labelled if name != self.name}
        if len(mine) > 1:
            raise SequenceError(
                f"A message of {self.topic} holds {len(mine)} boxes of the id '{self.name}', and which one is the "
                "ground truth cannot be told; give each target an id of its own, or give a CSV file."
            )
        return mine[0] if mine else None


def read_ground_truth(bag: BagFile, topic: str) -> tuple[GroundTruthRows, bool, Notes]:
    """Return the boxes of a topic, whether they carry the images' stamps (or times of recording), and notes.

    Raises:
        SequenceError: the topic is missing, of another type, or does not say which of several boxes is the target's.
    """
    check_ground_truth_topic(bag, topic)
    boxes, header_ns, log_ns = [], [], []
    target = _Target(topic)
    for connection, recorded_ns, data in bag.messages(bag.connections(topic)):
        message = bag.decode(data, connection.msgtype)
        box = target.pick(BOX_TYPES[connection.msgtype](message))
        if box is None and not connection.msgtype.endswith("Array"):
            continue  # of another target; an array without the target says that it is absent
        stamp = getattr(getattr(message, "header", None), "stamp", None)
        boxes.append(np.full(4, np.nan) if box is None else box)
        header_ns.append(0 if stamp is None else stamp.sec * 10**9 + stamp.nanosec)
        log_ns.append(recorded_ns)
    stamped = any(header_ns)
    stamps_s = np.array(header_ns if stamped else log_ns, dtype=np.float64) * 1e-9
    notes = []
    if target.others:
        notes.append(f"{topic} shows several targets; '{target.name}' is taken, {sorted(target.others)} left out.")
    if boxes and not stamped:
        notes.append(f"The boxes of {topic} carry no stamp; they are matched by the times of recording.")
    return GroundTruthRows(np.array(boxes, dtype=np.float64).reshape(-1, 4), stamps_s), stamped, tuple(notes)


def check_ground_truth_topic(bag: BagFile, topic: str) -> None:
    """Raise `SequenceError` unless the bag has the topic with a type that boxes can be read from."""
    msgtype = bag.topics.get(topic)
    if msgtype is None:
        raise SequenceError(f"The bag {bag.path} has no topic {topic}; its topics are {bag.describe_topics()}.")
    if msgtype not in BOX_TYPES:
        raise SequenceError(
            f"The topic {topic} of {bag.path} is {msgtype}; ground-truth boxes can be read from {', '.join(BOX_TYPES)}."
        )


def box_topics(bag: BagFile) -> list[str]:
    """Return the bag's topics that hold boxes."""
    return sorted(topic for topic, msgtype in bag.topics.items() if msgtype in BOX_TYPES)
