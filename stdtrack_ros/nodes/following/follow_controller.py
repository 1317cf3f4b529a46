# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A controller that turns a TrackedBox into a velocity, and stops whenever the box cannot be trusted."""

from __future__ import annotations

import math
import time
from typing import Any

from geometry_msgs.msg import Twist, TwistStamped
from rclpy.clock import Clock, ClockType
from rclpy.node import Node
from std_msgs.msg import Bool

from stdtrack_ros.msg import TargetState, TrackedBox
from stdtrack_ros.nodes.following.control_law import (
    STOP,
    FollowSettings,
    Velocity,
    distance_reason,
    eased,
    velocity,
)
from stdtrack_ros.nodes.following.trust import stop_reason
from stdtrack_ros.nodes.parameters import SettingsNode
from stdtrack_ros.nodes.process import run_node
from stdtrack_ros.nodes.reporter import Reporter


class FollowController(SettingsNode[FollowSettings], Node):
    """Reads tracked_box, writes cmd_vel at a fixed rate; actuation is off until a parameter says otherwise."""

    def __init__(self, **node_options: Any) -> None:
        super().__init__("follow_controller", **node_options)
        self.declare_settings(FollowSettings)
        self._box: TrackedBox | None = None
        self._state: TargetState | None = None
        self._allowed = False
        self._driving = self.settings.actuation
        self._arrived_s = self._state_s = self._allowed_s = -math.inf
        self._command = STOP
        kind = TwistStamped if self.settings.stamped else Twist
        self._velocities = self.create_publisher(kind, "cmd_vel", 10)
        self._reporter = Reporter(self)
        self.create_subscription(TrackedBox, "tracked_box", self._on_box, 10)
        self.create_subscription(TargetState, "target_state", self._on_state, 10)
        if self.settings.dead_man:
            self.create_subscription(Bool, "dead_man", self._on_dead_man, 10)
        # On the steady clock: a simulator that stands still must not leave the last velocity standing.
        steady = Clock(clock_type=ClockType.STEADY_TIME)
        self.create_timer(1.0 / self.settings.rate, self._on_timer, clock=steady)

    def stop(self) -> None:
        """Leave the robot at rest."""
        if self.settings.actuation:
            self._send(STOP)

    def settings_changed(self) -> None:
        """Leave a robot that is let go at rest, and forget the box of another target than the new one."""
        if self._driving and not self.settings.actuation:
            self._send(STOP)
        self._driving = self.settings.actuation
        if self._box is not None and self._box.target_id != self.settings.target_id:
            self._box = self._state = None

    def _on_box(self, box: TrackedBox) -> None:
        if box.target_id == self.settings.target_id or box.status == TrackedBox.STATUS_NONE:
            self._box, self._arrived_s = box, time.monotonic()

    def _on_state(self, state: TargetState) -> None:
        if state.target_id == self.settings.target_id:
            self._state, self._state_s = state, time.monotonic()

    def _on_dead_man(self, message: Bool) -> None:
        self._allowed, self._allowed_s = message.data, time.monotonic()

    def _on_timer(self) -> None:
        reason = self._reason(time.monotonic())
        if reason or self._box is None:
            self._command = STOP
        else:
            distance = self._state.distance if self._state is not None else math.nan
            wanted = velocity(self._box, distance, self.settings)
            self._command = eased(self._command, wanted, 1.0 / self.settings.rate, self.settings)
        if self.settings.actuation:
            self._send(self._command)
        self._report(reason)

    def _reason(self, now_s: float) -> str:
        """Return why the robot must stand still; empty if it may move."""
        if self.settings.dead_man and not self._allowed:
            return "the dead-man switch is not held"
        if self.settings.dead_man and now_s - self._allowed_s > self.settings.dead_man_timeout:
            return f"the dead-man switch was last heard of more than {self.settings.dead_man_timeout:g} s ago"
        return stop_reason(self._box, now_s - self._arrived_s, self.settings) or distance_reason(
            self._state, now_s - self._state_s, self.settings
        )

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

    def _report(self, reason: str) -> None:
        values = {
            "actuation": "on" if self.settings.actuation else "off",
            "quality": f"{self._box.quality:.2f}" if self._box else "none",
            "distance [m]": f"{self._state.distance:.2f}" if self._state else "none",
            "forward [m/s]": f"{self._command.forward:.3f}",
            "up [m/s]": f"{self._command.up:.3f}",
            "yaw rate [rad/s]": f"{self._command.yaw_rate:.3f}",
        }
        self._reporter.report(not reason, f"Stopped: {reason}." if reason else "Following.", values)


def main(args: list[str] | None = None) -> None:
    """Run the node `follow_controller`."""
    run_node(FollowController, FollowController.stop, args)


if __name__ == "__main__":
    main()
