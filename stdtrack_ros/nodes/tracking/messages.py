# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Results to messages: TrackedBox, and vision_msgs/Detection2DArray if that package is installed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from builtin_interfaces.msg import Duration, Time
from geometry_msgs.msg import Vector3
from numpy.typing import ArrayLike, NDArray
from rclpy.serialization import serialize_message
from std_msgs.msg import Header

from stdtrack_ros.msg import TrackedBox
from stdtrack_ros.tracker.motion import carried_on
from stdtrack_ros.tracker.result import Status, TrackResult

try:
    from vision_msgs.msg import Detection2D, ObjectHypothesisWithPose
    from vision_msgs.msg import Detection2DArray as Detection2DArray  # for the publisher of the topic
except ImportError:  # an optional package, not among the wheels
    Detection2DArray = None

NAN = float("nan")
LONGEST_S = 2**31 - 1


@dataclass(frozen=True, slots=True)
class FrameInfo:
    """What is said of a frame apart from where the target is.

    Attributes:
        header: std_msgs/Header of the image.
        width, height: of the image in px.
        latency_s: from the arrival of the image to now.
        dropped_frames: frames that arrived and were not processed since the initialisation.
    """

    header: Header
    width: int
    height: int
    latency_s: float
    dropped_frames: int


def tracked_box(
    info: FrameInfo, target_id: str, result: TrackResult, direction: NDArray[np.float64] | None = None
) -> TrackedBox:
    """Build the message of one target in one frame; `direction` is its (3,) bearing, None if it is not known."""
    message = no_target(info)
    message.target_id = target_id
    message.status = int(result.status)
    message.x, message.y, message.width, message.height = (float(number) for number in result.box)
    message.quality = float(result.quality)
    message.token_quality = float(result.token_quality)
    message.covariance = np.asarray(result.covariance, dtype=np.float32).reshape(16)
    message.velocity_x, message.velocity_y = (float(number) for number in result.velocity)
    message.time_since_seen = duration(result.time_since_seen_s)
    message.frame_number = int(result.frame_number)
    if direction is not None:
        message.bearing = Vector3(x=float(direction[0]), y=float(direction[1]), z=float(direction[2]))
    return message


def serialized_box(result: TrackResult, width: int, height: int) -> bytes:
    """Serialize a result in an image of that size as DDS gets it: the TrackedBox's CDR bytes (to measure the cost)."""
    info = FrameInfo(Header(frame_id="camera"), width, height, 0.0, 0)
    data: bytes = serialize_message(tracked_box(info, "target-1", result))
    return data


def no_target(info: FrameInfo) -> TrackedBox:
    """Build the message of a frame without a target: STATUS_NONE, and NaN for all that is not known."""
    message = TrackedBox(
        header=info.header,
        status=int(Status.NONE),
        latency=duration(info.latency_s),
        dropped_frames=max(info.dropped_frames, 0),
        image_width=info.width,
        image_height=info.height,
        bearing=Vector3(x=NAN, y=NAN, z=NAN),
        covariance=np.full(16, NAN, dtype=np.float32),
    )
    for name in ("x", "y", "width", "height", "quality", "token_quality", "velocity_x", "velocity_y"):
        setattr(message, name, NAN)
    return message


def predicted(
    message: TrackedBox, horizon_s: float, velocity: ArrayLike | None = None, shift: ArrayLike = (0.0, 0.0)
) -> TrackedBox:
    """Return the message with the box as expected `horizon_s` after its publication; its stamp is that time.

    A target without a known velocity stays where it is. The bearing is NaN; whoever has the calibration sets it.

    Args:
        velocity: (2,) px/s in place of the message's.
        shift: (2,) px by which the whole image moves in that time.
    """
    ahead_s = seconds(message.latency) + horizon_s
    later = TrackedBox(**{name: getattr(message, name) for name in message.get_fields_and_field_types()})
    stamp = message.header.stamp
    nanoseconds = stamp.sec * 10**9 + stamp.nanosec + round(ahead_s * 1e9)
    later.header = Header(stamp=Time(sec=nanoseconds // 10**9, nanosec=nanoseconds % 10**9))
    later.header.frame_id = message.header.frame_id
    box = (message.x, message.y, message.width, message.height)
    own = (message.velocity_x, message.velocity_y) if velocity is None else velocity
    moved = carried_on(box, own, ahead_s)[:2] + np.asarray(shift, dtype=np.float64)
    later.x, later.y = float(moved[0]), float(moved[1])
    later.bearing = Vector3(x=NAN, y=NAN, z=NAN)
    return later


def stale(message: TrackedBox, silent_s: float) -> TrackedBox:
    """Repeat the last message of a target, `silent_s` after it: LOST, its quality not known, its age in `latency`."""
    again = TrackedBox(**{name: getattr(message, name) for name in message.get_fields_and_field_types()})
    again.status = int(Status.LOST)
    again.quality = again.token_quality = NAN
    again.velocity_x = again.velocity_y = NAN
    again.covariance = np.full(16, NAN, dtype=np.float32)
    again.bearing = Vector3(x=NAN, y=NAN, z=NAN)
    again.time_since_seen = duration(seconds(message.time_since_seen) + silent_s)
    again.latency = duration(seconds(message.latency) + silent_s)
    return again


def duration(time_s: float) -> Duration:
    """Convert seconds to a message; what is negative, endless or not known becomes 0 or the longest that fits."""
    if math.isnan(time_s) or time_s <= 0:
        return Duration()
    whole = min(time_s, float(LONGEST_S))
    return Duration(sec=int(whole), nanosec=int((whole - int(whole)) * 1e9))


def seconds(stamp: Any) -> float:
    """Return the seconds of a builtin_interfaces Time or Duration."""
    return float(stamp.sec) + float(stamp.nanosec) * 1e-9


def detections(boxes: Sequence[TrackedBox]) -> Any:
    """Build the vision_msgs/Detection2DArray of the targets that are seen in one frame (TRACKING or UNCERTAIN)."""
    array = Detection2DArray(header=boxes[0].header)
    seen = (TrackedBox.STATUS_TRACKING, TrackedBox.STATUS_UNCERTAIN)
    array.detections = [_detection(box) for box in boxes if box.status in seen]
    return array


def _detection(box: TrackedBox) -> Any:
    detection = Detection2D(header=box.header, id=box.target_id)
    center = detection.bbox.center
    place = getattr(center, "position", center)  # Humble has center.position.x, Foxy and before center.x
    place.x, place.y = box.x + box.width / 2.0, box.y + box.height / 2.0
    detection.bbox.size_x, detection.bbox.size_y = float(box.width), float(box.height)
    scored = ObjectHypothesisWithPose()
    hypothesis = getattr(scored, "hypothesis", scored)
    hypothesis.class_id = box.target_id
    hypothesis.score = 0.0 if math.isnan(box.quality) else float(box.quality)
    detection.results = [scored]
    return detection
