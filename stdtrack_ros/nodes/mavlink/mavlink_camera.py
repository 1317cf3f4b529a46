# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A node that is a MAVLink camera: the operator drags a box in a ground station, and the tracker starts on it."""

from __future__ import annotations

import math
import time
from typing import Any

import numpy as np
from rclpy.clock import Clock, ClockType
from rclpy.duration import Duration
from rclpy.node import Node
from rclpy.task import Future

from stdtrack_ros.msg import TargetState, TrackedBox
from stdtrack_ros.nodes.mavlink.camera_protocol import CameraProtocol, Description, ImageStatus, Offset
from stdtrack_ros.nodes.mavlink.link import MavlinkLink, checked_device, common
from stdtrack_ros.nodes.parameters import SettingsNode
from stdtrack_ros.nodes.process import run_node
from stdtrack_ros.nodes.reporter import Reporter
from stdtrack_ros.nodes.throttled_logger import ThrottledLogger
from stdtrack_ros.nodes.tracking.messages import seconds
from stdtrack_ros.settings import SettingGroup, setting
from stdtrack_ros.srv import StartTarget, StopTarget

TIMER_S = 0.02


class LinkSettings(SettingGroup):
    """How a node reaches the vehicle or the ground station."""

    device: str = setting(
        "udpout:127.0.0.1:14550",
        "MAVLink link in pymavlink's notation: udpin:, udpout:, tcp: or tcpin: with ADDRESS:PORT, or /dev/DEVICE.",
        read_only=True,
    )
    baud: int = setting(57600, "Rate of a serial link.", unit="baud", ge=300, le=4000000, read_only=True)
    system_id: int = setting(1, "MAVLink system of the vehicle that carries the camera.", ge=1, le=255, read_only=True)


class MavlinkCameraSettings(SettingGroup):
    """Parameters of `mavlink_camera`."""

    link: LinkSettings = LinkSettings()
    component_id: int = setting(
        100, "MAVLink component of the camera (100 to 105 are cameras).", ge=1, le=255, read_only=True
    )
    target_id: str = setting("target-1", "The target that ground stations start and stop.", read_only=True)
    tracker: str = setting("tracker_node", "Name of the tracker's node, for its services.", read_only=True)
    vendor: str = setting("stdtrack_ros", "Vendor that ground stations show.", read_only=True)
    model: str = setting("tracking camera", "Model that ground stations show.", read_only=True)
    video_uri: str = setting("", "Video stream that ground stations open (rtsp://... or udp://...).", read_only=True)
    video_latency: float = setting(
        0.0,
        "Age of the picture that the operator sees; 0: targets start on the newest image.",
        unit="s",
        ge=0.0,
        le=10.0,
    )
    status_rate: float = setting(
        5.0,
        "CAMERA_TRACKING_IMAGE_STATUS messages, unless a station asks for another rate.",
        unit="Hz",
        ge=0.1,
        le=50.0,
    )
    max_age: float = setting(
        1.0, "Age of the image behind a box from which an error is sent instead of it.", unit="s", ge=0.05, le=60.0
    )
    station_timeout: float = setting(
        5.0, "Time without a heartbeat after which a ground station is gone.", unit="s", ge=1.5, le=300.0
    )
    stop_on_station_loss: bool = setting(True, "Forget the target if the ground station that started it is gone.")
    answer_timeout: float = setting(5.0, "Longest wait for the tracker's answer.", unit="s", ge=0.1, le=60.0)
    geographic_frame: str = setting(
        "",
        "Frame of target_state with x east, y north, z up, for CAMERA_TRACKING_GEO_STATUS; empty: none is sent.",
        read_only=True,
    )


class MavlinkCamera(SettingsNode[MavlinkCameraSettings], Node):
    """Reads tracked_box and target_state, calls start_target and stop_target, and speaks MAVLink."""

    def __init__(self, **node_options: Any) -> None:
        super().__init__("mavlink_camera", **node_options)
        self.declare_settings(MavlinkCameraSettings)
        settings = self.settings
        checked_device(settings.link.device)
        self._reporter = Reporter(self)
        self._log = ThrottledLogger(self.get_logger().info)
        self._box: TrackedBox | None = None
        self._arrived_s = -math.inf
        self._state_s = -math.inf
        self._request = 0
        self._starter = self.create_client(StartTarget, f"{settings.tracker}/start_target")
        self._stopper = self.create_client(StopTarget, f"{settings.tracker}/stop_target")
        self._protocol = CameraProtocol(
            address=(settings.link.system_id, settings.component_id),
            description=Description(
                settings.vendor, settings.model, bool(settings.geographic_frame), settings.video_uri
            ),
            tracker=self,
            send=self._send,
            say=self._log,
            station_timeout_s=settings.station_timeout,
            stop_on_loss=settings.stop_on_station_loss,
            answer_timeout_s=settings.answer_timeout,
            status_interval_s=1.0 / settings.status_rate,
        )
        self._link = MavlinkLink(
            settings.link.device, settings.link.baud, settings.link.system_id, settings.component_id, self._log
        )
        self.create_subscription(TrackedBox, "tracked_box", self._on_box, 10)
        if settings.geographic_frame:
            self.create_subscription(TargetState, "target_state", self._on_state, 10)
        # On the steady clock: ground stations live in true time, also while a simulator stands still.
        self.create_timer(TIMER_S, self._on_timer, clock=Clock(clock_type=ClockType.STEADY_TIME))

    def leave(self) -> None:
        """Close the link."""
        self._link.close()

    def settings_changed(self) -> None:
        """Hand the protocol what may change at run time."""
        self._protocol.station_timeout_s = self.settings.station_timeout
        self._protocol.stop_on_loss = self.settings.stop_on_station_loss
        self._protocol.answer_timeout_s = self.settings.answer_timeout
        self._protocol.status_interval_s = 1.0 / self.settings.status_rate

    # What the protocol asks of the tracker

    def start(self, x: float, y: float, width: float, height: float) -> None:
        """Call the tracker's start_target; width and height 0: on a point."""
        request = StartTarget.Request(
            target_id=self.settings.target_id, x=x, y=y, width=width, height=height, normalized=True
        )
        if self.settings.video_latency > 0:
            seen = self.get_clock().now() - Duration(seconds=self.settings.video_latency)
            request.header.stamp = seen.to_msg()
        self._call(self._starter, request, lambda response: response.accepted)

    def stop(self) -> None:
        """Call the tracker's stop_target; it is no fault if there is no target."""
        self._call(self._stopper, StopTarget.Request(target_id=self.settings.target_id), lambda response: True)

    def _call(self, client: Any, request: Any, accepted: Any) -> None:
        self._request += 1
        number = self._request
        if not client.service_is_ready():
            sentence = f"The tracker's service {client.srv_name} is not there: is {self.settings.tracker} running?"
            self._protocol.answer(False, sentence, time.monotonic())
            return

        def answered(future: Future) -> None:
            response = future.result()
            if number == self._request:  # else a later command has taken its place
                self._protocol.answer(accepted(response), response.message, time.monotonic())

        client.call_async(request).add_done_callback(answered)

    # What comes from ROS

    def _on_box(self, box: TrackedBox) -> None:
        if box.target_id != self.settings.target_id and box.status != TrackedBox.STATUS_NONE:
            return
        self._box, self._arrived_s = box, time.monotonic()
        self._protocol.resolution = box.image_width, box.image_height
        self._protocol.set_image(image_status(box))

    def _on_state(self, state: TargetState) -> None:
        if state.target_id == self.settings.target_id:
            self._state_s = time.monotonic()
            self._protocol.set_offset(offset(state, self.settings.geographic_frame))

    def _on_timer(self) -> None:
        now = time.monotonic()
        for message in self._link.messages():
            self._protocol.handle(message, now)
        box = self._box
        if (
            box is not None
            and box.status != TrackedBox.STATUS_NONE
            and now - self._arrived_s + seconds(box.latency) > self.settings.max_age
        ):
            self._protocol.set_image(ImageStatus(common.CAMERA_TRACKING_STATUS_FLAGS_ERROR))
        if now - self._state_s > self.settings.max_age:
            self._protocol.set_offset(None)
        self._protocol.tick(now)
        self._report()

    def _send(self, message: Any) -> None:
        self._link.send(message)

    def _report(self) -> None:
        stations = ", ".join(f"{system}/{component}" for system, component in sorted(self._protocol.stations))
        good = self._link.open and bool(stations)
        sentence = "A ground station is there." if good else "No ground station is there."
        if not self._link.open:
            sentence = f"The link {self._link.device} is down; it is tried again every second."
        holder = self._protocol.holder
        values = {
            "link": self._link.device,
            "ground stations": stations or "none",
            "in control": f"{holder[0]}/{holder[1]}" if holder else "none",
            "last command": self._protocol.last_command,
            "bytes that are no MAVLink": str(self._link.bad_bytes),
        }
        self._reporter.report(good, sentence, values)


def image_status(box: TrackedBox) -> ImageStatus:
    """Convert a box for a ground station. A LOST target is an error without a rectangle: a guess is none."""
    if box.status == TrackedBox.STATUS_NONE:
        return ImageStatus(common.CAMERA_TRACKING_STATUS_FLAGS_IDLE)
    corners = np.array([box.x, box.y, box.x + box.width, box.y + box.height], dtype=np.float64)
    size = np.array([box.image_width, box.image_height] * 2, dtype=np.float64)
    seen = box.status in (TrackedBox.STATUS_TRACKING, TrackedBox.STATUS_UNCERTAIN)
    if not seen or not np.isfinite(corners).all() or not size.all():
        return ImageStatus(common.CAMERA_TRACKING_STATUS_FLAGS_ERROR)
    left, top, right, bottom = (float(number) for number in np.clip(corners / size, 0.0, 1.0))
    return ImageStatus(common.CAMERA_TRACKING_STATUS_FLAGS_ACTIVE, (left, top, right, bottom))


def offset(state: TargetState, frame_id: str) -> Offset | None:
    """Return where the target is from the camera, east, north and up; None if that is not known."""
    place, camera, velocity = state.position, state.camera_position, state.velocity
    difference = (place.x - camera.x, place.y - camera.y, place.z - camera.z)
    if state.method == TargetState.METHOD_NONE or state.header.frame_id != frame_id:
        return None
    if not all(math.isfinite(number) for number in difference):
        return None
    variances = np.diag(np.asarray(state.position_covariance, dtype=np.float64).reshape(3, 3))
    moving = np.diag(np.asarray(state.velocity_covariance, dtype=np.float64).reshape(3, 3))
    return Offset(
        difference,
        (velocity.x, velocity.y, velocity.z),
        math.sqrt(variances[0] + variances[1]),
        math.sqrt(variances[2]),
        math.sqrt(moving.sum()),
    )


def main(args: list[str] | None = None) -> None:
    """Run the node `mavlink_camera`."""
    run_node(MavlinkCamera, MavlinkCamera.leave, args)


if __name__ == "__main__":
    main()
