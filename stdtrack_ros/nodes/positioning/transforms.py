# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""TF in and out. tf2_ros comes with an installed ROS 2; the wheels do not have it, and then there is no TF."""

from __future__ import annotations

from typing import Any

from geometry_msgs.msg import PoseStamped, TransformStamped
from rclpy.node import Node
from rclpy.time import Time

from stdtrack_ros.errors import InputError, SettingError
from stdtrack_ros.nodes.positioning.geometry import Matrix, Pose

try:
    import tf2_ros
except ImportError:
    tf2_ros = None

AVAILABLE = tf2_ros is not None


class NotYet(InputError):
    """Something that may still come: wait for it, then refuse."""


class Rotations:
    """How frames lie to each other."""

    def __init__(self, node: Node) -> None:
        self._buffer: Any = tf2_ros.Buffer(node=node) if AVAILABLE else None
        self._listener = tf2_ros.TransformListener(self._buffer, node) if AVAILABLE else None

    def destroy(self) -> None:
        """Leave TF's topics."""
        if self._listener is not None:
            self._listener.unregister()

    def between(self, source: str, target: str) -> Matrix:
        """Return the newest (3, 3) rotation that takes a vector of one frame to another.

        Raises:
            InputError: there is no TF, or it does not connect the frames.
        """
        if self._buffer is None:
            raise InputError(
                f"their frame '{source}' is not the image's, '{target}', and tf2_ros is not installed: install it, or "
                "send rates in the image's frame."
            )
        try:
            turn = self._buffer.lookup_transform(target, source, Time()).transform.rotation
        except tf2_ros.TransformException as error:
            raise InputError(f"TF has no transform from '{source}' to '{target}': {error}") from None
        return Pose.from_quaternion(turn.x, turn.y, turn.z, turn.w, (0.0, 0.0, 0.0)).rotation


class Transforms:
    """Where cameras are in a fixed frame, and where the target is."""

    def __init__(self, node: Node, fixed_frame: str) -> None:
        """Listen to TF if there is a fixed frame.

        Raises:
            SettingError: a fixed frame is named and tf2_ros is not installed.
        """
        if fixed_frame and not AVAILABLE:
            raise SettingError(
                f"fixed_frame is '{fixed_frame}' and tf2_ros is not installed: install the package tf2_ros of your "
                "ROS 2, or leave fixed_frame empty for positions in the camera's frame."
            )
        self._fixed_frame = fixed_frame
        self._buffer: Any = tf2_ros.Buffer(node=node) if fixed_frame else None
        self._listener = tf2_ros.TransformListener(self._buffer, node) if fixed_frame else None
        self._broadcaster = tf2_ros.TransformBroadcaster(node) if AVAILABLE else None

    def camera(self, frame_id: str, stamp: Time) -> Pose:
        """Return the pose of a camera's frame in the fixed frame at a time.

        Raises:
            NotYet: TF does not connect the frames at that time, so far.
            InputError: a transform that is none.
        """
        try:
            found = self._buffer.lookup_transform(self._fixed_frame, frame_id, stamp).transform
        except tf2_ros.TransformException as error:
            raise NotYet(f"TF has no transform from '{frame_id}' to '{self._fixed_frame}': {error}") from None
        turn, place = found.rotation, found.translation
        return Pose.from_quaternion(turn.x, turn.y, turn.z, turn.w, (place.x, place.y, place.z))

    def send(self, pose: PoseStamped, child_frame: str) -> None:
        """Publish the target's pose as a frame; without tf2_ros nothing happens."""
        if self._broadcaster is None:
            return
        message = TransformStamped(header=pose.header, child_frame_id=child_frame)
        place, turn = pose.pose.position, pose.pose.orientation
        message.transform.translation.x = place.x
        message.transform.translation.y = place.y
        message.transform.translation.z = place.z
        message.transform.rotation = turn
        self._broadcaster.sendTransform(message)
