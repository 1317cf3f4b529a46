# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""An example of a controller: turns a TrackedBox into a velocity, and stops whenever the box cannot be trusted."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from geometry_msgs.msg import Twist, TwistStamped
from rclpy.clock import Clock, ClockType
from rclpy.node import Node

from stdtrack_ros.msg import TrackedBox
from stdtrack_ros.nodes.following.control_law import STOP, FollowSettings, Velocity, stop_reason, velocity
from stdtrack_ros.nodes.parameters import SettingsNode
from stdtrack_ros.nodes.process import run_node

REPORT_S = 1.0


class FollowController(SettingsNode[FollowSettings], Node):
    """Reads tracked_box, writes cmd_vel at a fixed rate; actuation is off until a parameter says otherwise."""

    def __init__(self, **node_options: Any) -> None:
        super().__init__("follow_controller", **node_options)
        self.declare_settings(FollowSettings)
        self._box: TrackedBox | None = None
        self._driving = self.settings.actuation
        self._arrived_s = 0.0
        self._said = ""
        self._reported_s = 0.0
        kind = TwistStamped if self.settings.stamped else Twist
        self._velocities = self.create_publisher(kind, "cmd_vel", 10)
        self._reports = self.create_publisher(DiagnosticArray, "/diagnostics", 10)
        self.create_subscription(TrackedBox, "tracked_box", self._on_box, 10)
        # On the steady clock: a simulator that stands still must not leave the last velocity standing.
        steady = Clock(clock_type=ClockType.STEADY_TIME)
        self.create_timer(1.0 / self.settings.rate, self._on_timer, clock=steady)

    def stop(self) -> None:
        """Leave the robot at rest."""
        if self.settings.actuation:
            self._send(STOP)

    def settings_changed(self) -> None:
        """A robot that is told to let go is left at rest; a box of another target than the new one says nothing."""
        if self._driving and not self.settings.actuation:
            self._send(STOP)
        self._driving = self.settings.actuation
        if self._box is not None and self._box.target_id != self.settings.target_id:
            self._box = None

    def _on_box(self, box: TrackedBox) -> None:
        if box.target_id == self.settings.target_id or box.status == TrackedBox.STATUS_NONE:
            self._box, self._arrived_s = box, time.monotonic()

    def _on_timer(self) -> None:
        reason = stop_reason(self._box, time.monotonic() - self._arrived_s, self.settings)
        command = STOP if reason or self._box is None else velocity(self._box, self.settings)
        if self.settings.actuation:
            self._send(command)
        self._report(reason, command)

    def _send(self, command: Velocity) -> None:
        twist = Twist()
        twist.linear.x, twist.linear.z, twist.angular.z = command.forward, command.up, command.yaw_rate
        if not self.settings.stamped:
            self._velocities.publish(twist)
            return
        message = TwistStamped(twist=twist)
        message.header.stamp = self.get_clock().now().to_msg()
        message.header.frame_id = self.settings.frame_id
        self._velocities.publish(message)

    def _report(self, reason: str, command: Velocity) -> None:
        sentence = f"Stopped: {reason}." if reason else "Following."
        if sentence == self._said and time.monotonic() - self._reported_s < REPORT_S:
            return
        if sentence != self._said:
            self.get_logger().info(sentence)
        self._said, self._reported_s = sentence, time.monotonic()
        status = DiagnosticStatus(
            level=DiagnosticStatus.WARN if reason else DiagnosticStatus.OK,
            name=self.get_fully_qualified_name().lstrip("/"),
            message=sentence,
        )
        status.values = [
            KeyValue(key="actuation", value="on" if self.settings.actuation else "off"),
            KeyValue(key="quality", value=f"{self._box.quality:.2f}" if self._box else "none"),
            KeyValue(key="forward [m/s]", value=f"{command.forward:.3f}"),
            KeyValue(key="up [m/s]", value=f"{command.up:.3f}"),
            KeyValue(key="yaw rate [rad/s]", value=f"{command.yaw_rate:.3f}"),
        ]
        array = DiagnosticArray(status=[status])
        array.header.stamp = self.get_clock().now().to_msg()
        self._reports.publish(array)


def main(args: Sequence[str] | None = None) -> None:
    """Entry point of `ros2 run stdtrack_ros follow_controller`."""
    run_node(FollowController, FollowController.stop, args)


if __name__ == "__main__":
    main()
