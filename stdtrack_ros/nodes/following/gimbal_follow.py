# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A node that turns a gimbal towards the target, by a topic or as a MAVLink gimbal manager's client."""

from __future__ import annotations

import math
import time
from typing import Any

from geometry_msgs.msg import TwistStamped
from rclpy.clock import Clock, ClockType
from rclpy.node import Node
from rclpy.qos import qos_profile_sensor_data
from sensor_msgs.msg import CameraInfo

from stdtrack_ros.msg import TrackedBox
from stdtrack_ros.nodes.following.gimbal_law import REST, GimbalSettings, OwnMotion, Rates, eased, rates
from stdtrack_ros.nodes.following.trust import focal_px, stop_reason
from stdtrack_ros.nodes.mavlink.link import MavlinkLink, common
from stdtrack_ros.nodes.parameters import SettingsNode
from stdtrack_ros.nodes.process import run_node
from stdtrack_ros.nodes.reporter import Reporter
from stdtrack_ros.nodes.throttled_logger import ThrottledLogger
from stdtrack_ros.nodes.tracking.messages import seconds

HEARTBEAT_S = 1.0


class GimbalFollow(SettingsNode[GimbalSettings], Node):
    """Reads tracked_box, writes gimbal_rate at a fixed rate; actuation is off until a parameter says otherwise."""

    def __init__(self, **node_options: Any) -> None:
        super().__init__("gimbal_follow", **node_options)
        self.declare_settings(GimbalSettings)
        settings = self.settings
        self._box: TrackedBox | None = None
        self._calibration: CameraInfo | None = None
        self._arrived_s = self._heartbeat_s = -math.inf
        self._driving = settings.actuation
        self._command = REST
        self._own = OwnMotion()
        self._reporter = Reporter(self)
        self._link: MavlinkLink | None = None
        if settings.output == "mavlink":
            log = ThrottledLogger(self.get_logger().info)
            link = settings.link
            self._link = MavlinkLink(link.device, link.baud, link.system_id, settings.component_id, log)
        self._rates = self.create_publisher(TwistStamped, "gimbal_rate", 10)
        self.create_subscription(TrackedBox, "tracked_box", self._on_box, 10)
        self.create_subscription(CameraInfo, "camera_info", self._on_calibration, qos_profile_sensor_data)
        # On the steady clock: a simulator that stands still must not leave the last rate standing.
        self.create_timer(1.0 / settings.rate, self._on_timer, clock=Clock(clock_type=ClockType.STEADY_TIME))

    def leave(self) -> None:
        """Leave the gimbal at rest, and close the link."""
        if self.settings.actuation:
            self._send(REST)
        if self._link is not None:
            self._link.close()

    def settings_changed(self) -> None:
        """Leave a gimbal that is let go at rest, and forget the box of another target than the new one."""
        if self._driving and not self.settings.actuation:
            self._send(REST)
        self._driving = self.settings.actuation
        if self._box is not None and self._box.target_id != self.settings.target_id:
            self._box = None

    def _on_calibration(self, info: CameraInfo) -> None:
        self._calibration = info

    def _on_box(self, box: TrackedBox) -> None:
        if box.target_id == self.settings.target_id or box.status == TrackedBox.STATUS_NONE:
            self._box, self._arrived_s = box, time.monotonic()

    def _on_timer(self) -> None:
        now = time.monotonic()
        reason = stop_reason(self._box, now - self._arrived_s, self.settings)
        if reason or self._box is None:
            self._command = REST
        else:
            age = now - self._arrived_s + seconds(self._box.latency)
            wanted = rates(self._box, age, self._focal(self._box), self._own, now, self.settings)
            self._command = eased(self._command, wanted, 1.0 / self.settings.rate, self.settings)
        if self.settings.actuation:
            self._send(self._command)
        self._own.told(self._command if self.settings.actuation else REST, now)
        if self._link is not None:
            self._link.messages()  # nothing is asked of this node; what comes must not pile up
            if now - self._heartbeat_s >= HEARTBEAT_S:
                self._heartbeat_s = now
                self._link.send(
                    common.MAVLink_heartbeat_message(
                        common.MAV_TYPE_ONBOARD_CONTROLLER, common.MAV_AUTOPILOT_INVALID, 0, 0, 4, 3
                    )
                )
        self._report(reason)

    def _focal(self, box: TrackedBox) -> float:
        """Return the focal length in px; NaN if it is not known."""
        if self._calibration is not None and self._calibration.k[0] > 0:
            return float(self._calibration.k[0])
        if self.settings.horizontal_fov > 0 and box.image_width > 0:
            return focal_px(box, self.settings)
        return math.nan

    def _send(self, command: Rates) -> None:
        message = TwistStamped()
        message.header.stamp = self.get_clock().now().to_msg()
        message.header.frame_id = self.settings.frame_id
        message.twist.angular.y, message.twist.angular.z = -command.pitch, -command.yaw
        self._rates.publish(message)
        if self._link is None:
            return
        flags = common.GIMBAL_MANAGER_FLAGS_YAW_LOCK if self.settings.yaw_lock else 0
        self._link.send(
            common.MAVLink_gimbal_manager_set_pitchyaw_message(
                self.settings.link.system_id,
                self.settings.manager_component_id,
                flags,
                self.settings.gimbal_device_id,
                math.nan,
                math.nan,
                command.pitch,
                command.yaw,
            )
        )

    def _report(self, reason: str) -> None:
        link = "none" if self._link is None else f"{self._link.device}, {'open' if self._link.open else 'down'}"
        values = {
            "actuation": "on" if self.settings.actuation else "off",
            "pitch rate [rad/s]": f"{self._command.pitch:.3f}",
            "yaw rate [rad/s]": f"{self._command.yaw:.3f}",
            "link": link,
        }
        self._reporter.report(not reason, f"Stopped: {reason}." if reason else "Following.", values)


def main(args: list[str] | None = None) -> None:
    """Run the node `gimbal_follow`."""
    run_node(GimbalFollow, GimbalFollow.leave, args)


if __name__ == "__main__":
    main()
