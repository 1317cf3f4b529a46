# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""TrackedBox and CompressedImage messages for bags, made without ROS."""

from __future__ import annotations

import math
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from stdtrack_ros.geometry import Image, Pixels
from stdtrack_ros.sequences.recordings.bag_file import TRACKED_BOX_TYPE
from stdtrack_ros.sequences.recordings.bags import COMPRESSED
from stdtrack_ros.sequences.recordings.image_annotations import image_annotations
from stdtrack_ros.tracker.result import Status, TrackResult
from stdtrack_ros.video_packets import stamp_and_frame_id

_NAN = float("nan")
_UNKNOWN = TrackResult(
    box=np.full(4, _NAN),
    status=Status.NONE,
    quality=_NAN,
    token_quality=_NAN,
    covariance=np.full((4, 4), _NAN),
    velocity=np.full(2, _NAN),
    time_since_seen_s=0.0,
    frame_number=0,
    timings_ms={},
)


class BoxMessages:
    """Makes messages of the types of a `rosbags` store that knows TrackedBox (`bag_file.typestore`)."""

    def __init__(self, types: Any) -> None:
        self._types = types.types

    def header(self, message: Any) -> Any:
        """Return a header like that of an image message, or of what stands in its place in a CompressedVideo."""
        stamp, frame_id = stamp_and_frame_id(message)
        copied = self._types["builtin_interfaces/msg/Time"](sec=stamp.sec, nanosec=stamp.nanosec)
        return self._types["std_msgs/msg/Header"](stamp=copied, frame_id=frame_id)

    def no_target(self, header: Any, image: Pixels) -> Any:
        """Build the TrackedBox of an image before any target: STATUS_NONE, and NaN for all that is not known."""
        return self.tracked_box(header, image, "", _UNKNOWN)

    def tracked_box(self, header: Any, image: Pixels, target_id: str, result: TrackResult) -> Any:
        """Build the TrackedBox of a result in an image; its latency is the tracker's time, its bearing is not known."""
        x, y, width, height = (float(number) for number in result.box)
        return self._types[TRACKED_BOX_TYPE](
            header=header,
            target_id=target_id,
            status=int(result.status),
            x=x,
            y=y,
            width=width,
            height=height,
            quality=float(result.quality),
            token_quality=float(result.token_quality),
            covariance=_float32(result.covariance),
            velocity_x=float(result.velocity[0]),
            velocity_y=float(result.velocity[1]),
            bearing=self._types["geometry_msgs/msg/Vector3"](x=_NAN, y=_NAN, z=_NAN),
            time_since_seen=self._duration(result.time_since_seen_s),
            latency=self._duration(1e-3 * sum(result.timings_ms.values())),
            frame_number=result.frame_number,
            dropped_frames=0,
            image_width=image.shape[1],
            image_height=image.shape[0],
        )

    def annotations(self, box: Any) -> Any:
        """Make the foxglove_msgs/ImageAnnotations of a TrackedBox; empty ones if it knows no place."""
        return image_annotations(lambda name: self._types[f"foxglove_msgs/msg/{name}"], [box])

    def jpeg(self, header: Any, picture: Image, quality: int) -> Any:
        """Build the CompressedImage of a picture."""
        data = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])[1].reshape(-1)
        return self._types[COMPRESSED](header=header, format="bgr8; jpeg compressed bgr8", data=data)

    def _duration(self, time_s: float) -> Any:
        whole = math.floor(time_s)
        nanosec = int((time_s - whole) * 1e9)
        return self._types["builtin_interfaces/msg/Duration"](sec=whole, nanosec=nanosec)


def _float32(numbers: NDArray[np.float64]) -> NDArray[np.float32]:
    return np.asarray(numbers, dtype=np.float32).reshape(-1)


def given_result(box: NDArray[np.float64]) -> TrackResult:
    """Return the result of the frame a target is started on: the box as it was given, its quality not known."""
    return TrackResult(
        box=box,
        status=Status.TRACKING,
        quality=_NAN,
        token_quality=_NAN,
        covariance=_UNKNOWN.covariance,
        velocity=_UNKNOWN.velocity,
        time_since_seen_s=0.0,
        frame_number=0,
        timings_ms={},
    )
