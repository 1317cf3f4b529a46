# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The camera's angular velocity, from the gyroscope or the gimbal that turns with it."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from geometry_msgs.msg import TwistStamped, Vector3Stamped
from numpy.typing import NDArray
from rclpy.node import Node
from rclpy.qos import QoSProfile, ReliabilityPolicy
from rclpy.qos_overriding_options import QoSOverridingOptions
from sensor_msgs.msg import Imu

from stdtrack_ros.errors import InputError
from stdtrack_ros.nodes.camera.publishers import why_missing
from stdtrack_ros.nodes.camera.rotation import RateHistory
from stdtrack_ros.nodes.parameters import RatesSettings
from stdtrack_ros.nodes.positioning.transforms import Rotations
from stdtrack_ros.nodes.tracking.messages import seconds

MESSAGES: Mapping[str, tuple[type, Callable[[Any], Any]]] = {
    "imu": (Imu, lambda message: message.angular_velocity),
    "vector3": (Vector3Stamped, lambda message: message.vector),
    "twist": (TwistStamped, lambda message: message.twist.angular),
}
"""Value of the parameter, the type of the message, and where the angular velocity is in it."""

SHOWN_S = 1.0
"""How long a fault is reported, and the silence from which one is."""


class CameraRates:
    """Subscribes to `camera_rates` and says how far the camera has turned.

    Args:
        settings: the present ones.
        refuse: takes a sentence on a message that cannot be used.
    """

    def __init__(self, node: Node, settings: Callable[[], RatesSettings], refuse: Callable[[str], None]) -> None:
        self._node, self._settings, self._refuse = node, settings, refuse
        kind, self._read = MESSAGES[settings().message]
        package, name = kind.__module__.split(".")[0], kind.__name__
        self._type = f"{package}/msg/{name}"
        self.topic = node.resolve_topic_name("camera_rates")
        self._history = RateHistory()
        self._frame_id = ""
        self._arrived_s = -math.inf
        self._fault, self._fault_s = "", -math.inf
        self._rotations = Rotations(node)
        self._subscription = node.create_subscription(
            kind,
            "camera_rates",
            self._on_rate,
            QoSProfile(depth=200, reliability=ReliabilityPolicy.BEST_EFFORT),
            qos_overriding_options=QoSOverridingOptions.with_default_policies(),
        )

    def destroy(self) -> None:
        """Leave the topics."""
        self._node.destroy_subscription(self._subscription)
        self._rotations.destroy()

    def turned(self, frame_id: str, since_s: float, until_s: float, known_s: float) -> NDArray[np.float64]:
        """Return the (3,) rotation vector (rad) of a camera in its own frame; arguments as for `RateHistory.turned`.

        Raises:
            InputError: the rates do not cover that time, or nothing says how their frame lies to the camera's.
        """
        turned = self._history.turned(since_s, until_s, known_s, self._settings().max_age)
        if self._frame_id == frame_id:
            return turned
        return self._rotations.between(self._frame_id, frame_id) @ turned

    def served(self, fault: str = "") -> None:
        """Note that the rates served a box, or in a sentence why not."""
        self._fault, self._fault_s = fault, time.monotonic()

    def words(self) -> str:
        """Return whether the rates serve, in words that begin with yes or no."""
        now_s = time.monotonic()
        silent_s = now_s - self._arrived_s
        if math.isinf(silent_s):
            return f"no: {why_missing(self._node, self.topic, self._type, 'camera_rates')}"
        if silent_s > SHOWN_S:
            return f"no: none has come on {self.topic} for {silent_s:.0f} s."
        if self._fault and now_s - self._fault_s < SHOWN_S:
            return f"no: {self._fault}"
        return f"yes: {np.linalg.norm(self._history.newest):.3f} rad/s"

    def _on_rate(self, message: Any) -> None:
        try:
            rate = self._checked(message)
        except InputError as error:
            self._refuse(f"A message on {self.topic} cannot be used: {error}")
            return
        if message.header.frame_id != self._frame_id:
            self._frame_id, self._history = message.header.frame_id, RateHistory()
        self._history.add(seconds(message.header.stamp), rate, self._settings().max_age)
        self._arrived_s = time.monotonic()

    def _checked(self, message: Any) -> NDArray[np.float64]:
        vector = self._read(message)
        rate = np.array([vector.x, vector.y, vector.z], dtype=np.float64)
        if isinstance(message, Imu) and message.angular_velocity_covariance[0] == -1:
            raise InputError("by its covariance of -1, this Imu measures no angular velocity.")
        if not np.isfinite(rate).all():
            raise InputError(f"its angular velocity is {vector.x:g}, {vector.y:g}, {vector.z:g}.")
        if not message.header.frame_id:
            raise InputError("its header names no frame.")
        if not seconds(message.header.stamp):
            raise InputError("its header has no stamp.")
        return rate
