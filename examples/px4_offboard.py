# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Fly a PX4 multicopter after a target: velocities of follow_controller become offboard set-points.

Needs px4_msgs of the vehicle's PX4 release (1.14 or newer) and the uXRCE-DDS agent. The pilot arms, takes off and
switches to Offboard; this program does none of it. Whenever there is no velocity to trust, it publishes a set-point of
zero, and the vehicle hovers. If it ends, PX4's failsafe for lost offboard set-points (COM_OF_LOSS_T, COM_OBL_RC_ACT)
takes over.
"""

import math
import signal
import threading
import time

import rclpy
from geometry_msgs.msg import Twist, TwistStamped
from px4_msgs.msg import OffboardControlMode, TrajectorySetpoint, VehicleAttitude
from rclpy.clock import Clock, ClockType
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.qos import qos_profile_sensor_data
from rclpy.signals import SignalHandlerOptions

RATE_HZ = 20.0  # PX4 wants at least 2
MAX_AGE_S = 0.5
MAX_SPEED = 3.0  # m/s; follow_controller's own limits come first
MAX_YAW_SPEED = 1.0  # rad/s
NOT_CONTROLLED = [math.nan] * 3


class Px4Offboard(Node):
    """Reads cmd_vel (forward, left, up) and the vehicle's attitude, writes set-points (north, east, down)."""

    def __init__(self) -> None:
        super().__init__("px4_offboard")
        self._twist = Twist()
        self._heading = 0.0  # rad, clockwise from north
        self._twist_s = self._attitude_s = -math.inf
        self._reason = "nothing has come yet"
        self._modes = self.create_publisher(OffboardControlMode, "fmu/in/offboard_control_mode", 10)
        self._setpoints = self.create_publisher(TrajectorySetpoint, "fmu/in/trajectory_setpoint", 10)
        self.create_subscription(TwistStamped, "cmd_vel", self._on_velocity, 10)
        self.create_subscription(
            VehicleAttitude, "fmu/out/vehicle_attitude", self._on_attitude, qos_profile_sensor_data
        )
        self.create_timer(1.0 / RATE_HZ, self._on_timer, clock=Clock(clock_type=ClockType.STEADY_TIME))

    def _on_velocity(self, message: TwistStamped) -> None:
        self._twist, self._twist_s = message.twist, time.monotonic()

    def _on_attitude(self, message: VehicleAttitude) -> None:
        w, x, y, z = map(float, message.q)
        self._heading = math.atan2(2.0 * (w * z + x * y), 1.0 - 2.0 * (y * y + z * z))
        self._attitude_s = time.monotonic()

    def _why_not(self) -> str:
        """Return why the vehicle must hover; empty if it may move."""
        oldest_s = time.monotonic() - MAX_AGE_S
        if self._twist_s < oldest_s:
            return f"no cmd_vel for {MAX_AGE_S:g} s, is follow_controller running with actuation?"
        if self._attitude_s < oldest_s:
            return f"no vehicle_attitude for {MAX_AGE_S:g} s, is the uXRCE-DDS agent running?"
        linear, turn = self._twist.linear, self._twist.angular.z
        if not all(map(math.isfinite, (linear.x, linear.y, linear.z, turn, self._heading))):
            return "cmd_vel or vehicle_attitude is not finite"  # PX4 takes NaN for "not controlled"
        return ""

    def _on_timer(self) -> None:
        reason = self._why_not()
        if reason != self._reason:
            self.get_logger().info(f"Hovering: {reason}." if reason else "Following cmd_vel.")
            self._reason = reason
        velocity, yaw_speed = ([0.0] * 3, 0.0) if reason else self._motion()
        now_us = self.get_clock().now().nanoseconds // 1000
        self._modes.publish(OffboardControlMode(timestamp=now_us, velocity=True))
        self._setpoints.publish(
            TrajectorySetpoint(
                timestamp=now_us,
                position=NOT_CONTROLLED,
                velocity=velocity,
                acceleration=NOT_CONTROLLED,
                jerk=NOT_CONTROLLED,
                yaw=math.nan,
                yawspeed=yaw_speed,
            )
        )

    def _motion(self) -> tuple[list[float], float]:
        """Return the velocity (north, east, down) in m/s and the yaw speed, clockwise from above, in rad/s."""
        linear, turn = self._twist.linear, self._twist.angular.z
        cosine, sine = math.cos(self._heading), math.sin(self._heading)
        north = linear.x * cosine + linear.y * sine
        east = linear.x * sine - linear.y * cosine
        scale = MAX_SPEED / max(math.hypot(north, east, linear.z), MAX_SPEED)
        yaw_speed = min(max(-turn, -MAX_YAW_SPEED), MAX_YAW_SPEED)
        return [north * scale, east * scale, -linear.z * scale], yaw_speed


def main() -> None:
    """Run until Ctrl-C, which ends no message halfway: rclpy would make another error of it."""
    stop = threading.Event()
    signal.signal(signal.SIGINT, lambda *_: stop.set())
    rclpy.init(signal_handler_options=SignalHandlerOptions.NO)
    node = Px4Offboard()
    executor = SingleThreadedExecutor()
    executor.add_node(node)
    while not stop.is_set():
        executor.spin_once(timeout_sec=1.0 / RATE_HZ)
    node.destroy_node()
    rclpy.shutdown()


if __name__ == "__main__":
    main()
