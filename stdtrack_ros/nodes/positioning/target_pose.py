# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A node that says where the target is in space: TrackedBox and a depth image, a known size or the ground."""

from __future__ import annotations

import math
import time
from collections import deque
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from geometry_msgs.msg import Point, PoseStamped, PoseWithCovarianceStamped, Vector3
from numpy.typing import NDArray
from rclpy.clock import Clock, ClockType
from rclpy.node import Node
from rclpy.qos import qos_profile_sensor_data
from rclpy.time import Time
from sensor_msgs.msg import CameraInfo, Image
from std_msgs.msg import Header

from stdtrack_ros.errors import InputError, SettingError
from stdtrack_ros.msg import TargetState, TrackedBox
from stdtrack_ros.nodes.camera.bearing import Rectified, bearing, is_rectified, plane_point
from stdtrack_ros.nodes.camera.frame_slot import Frame, FrameRing
from stdtrack_ros.nodes.parameters import SettingsNode
from stdtrack_ros.nodes.positioning import geometry
from stdtrack_ros.nodes.positioning.constant_velocity import ConstantVelocity
from stdtrack_ros.nodes.positioning.depth_image import metres
from stdtrack_ros.nodes.positioning.foreground import ForegroundDepth
from stdtrack_ros.nodes.positioning.geometry import Matrix, Pose, Position
from stdtrack_ros.nodes.positioning.transforms import AVAILABLE, NotYet, Transforms
from stdtrack_ros.nodes.process import run_node
from stdtrack_ros.nodes.reporter import Reporter
from stdtrack_ros.nodes.tracking.messages import NAN, seconds
from stdtrack_ros.settings import SettingGroup, setting

SEEN = (TrackedBox.STATUS_TRACKING, TrackedBox.STATUS_UNCERTAIN)
METHODS = {
    "depth": TargetState.METHOD_DEPTH,
    "height": TargetState.METHOD_SIZE,
    "width": TargetState.METHOD_SIZE,
    "ground": TargetState.METHOD_GROUND,
}
TIMER_S = 0.02
DEPTH_IMAGES, DEPTH_MB = 30, 128
UNKNOWN_TURN = math.pi**2
"""Variance of an angle of which nothing is known."""
EDGE_PX = 1.5
"""A box this near to the edge of the image is taken to be cut off by it."""
UNKNOWN_BOX = 0.02
"""Standard deviation of a box whose covariance is not known, as a fraction of its sides."""


class PositionSettings(SettingGroup):
    """Parameters of `target_pose`."""

    target_id: str = setting("target-1", "The target whose position is published.")
    method: Literal["depth", "height", "width", "ground"] = setting(
        "depth",
        "How the distance is found: aligned depth image, known height, known width, or the ground below the target.",
        read_only=True,
    )
    fixed_frame: str = setting(
        "",
        "Frame of the positions, over TF (odom or map; ENU for geographic positions); empty: the camera's. The method "
        "ground needs one, with z up.",
        read_only=True,
    )
    child_frame: str = setting("target", "TF frame of the target; empty: none.", read_only=True)
    image_rectified: Rectified = setting(
        "auto",
        "The image is rectified: CameraInfo's P and R hold, else K and D; auto: whichever gives the bearing in "
        "tracked_box.",
    )
    publish_uncertain: bool = setting(
        False, "Publish poses and TF while the target is UNCERTAIN too; target_state always tells."
    )
    max_stamp_difference: float = setting(
        0.02, "Largest difference of the stamps of box and depth image; 0: the same stamp.", unit="s", ge=0.0, le=1.0
    )
    max_wait: float = setting(0.2, "Longest wait of a box for its depth image and for TF.", unit="s", ge=0.0, le=5.0)
    min_depth: float = setting(0.2, "Smallest depth that counts.", unit="m", ge=0.01, le=1000.0)
    max_depth: float = setting(40.0, "Largest depth, and largest distance, that counts.", unit="m", ge=0.1, le=20000.0)
    depth_window: float = setting(0.7, "Fraction of the box's sides in which depths are read.", ge=0.05, le=1.0)
    min_fraction: float = setting(0.15, "Fraction of the measured depths that one surface must have.", ge=0.01, le=1.0)
    depth_step: float = setting(
        0.15, "Largest change of the target's depth between two frames, as a fraction of it.", ge=0.01, le=2.0
    )
    switch_after: float = setting(
        1.0,
        "Time for which another surface must fill the box before it counts as the target.",
        unit="s",
        ge=0.0,
        le=60.0,
    )
    target_height: float = setting(
        0.0,
        "Height of the target; method height needs it, ground takes half of it for the centre's height.",
        unit="m",
        ge=0.0,
        le=200.0,
    )
    target_width: float = setting(0.0, "Width of the target, for the method width.", unit="m", ge=0.0, le=200.0)
    size_deviation: float = setting(
        0.1, "Standard deviation of the true height or width, as a fraction of it.", ge=0.0, le=1.0
    )
    ground_height: float = setting(0.0, "Height of the ground in fixed_frame.", unit="m", ge=-10000.0, le=10000.0)
    ground_deviation: float = setting(
        0.3, "Standard deviation of the camera's height above the ground.", unit="m", ge=0.0, le=1000.0
    )
    attitude_deviation: float = setting(
        0.01, "Standard deviation of the camera's attitude about each axis.", unit="rad", ge=0.0, le=1.0
    )
    min_depression: float = setting(
        0.05, "A ray less below the horizon than this gives no position.", unit="rad", ge=0.001, le=1.5
    )
    acceleration: float = setting(
        2.0, "Standard deviation of the target's change of velocity in a second.", unit="m/s", ge=0.01, le=1000.0
    )
    max_speed: float = setting(
        10.0, "Standard deviation of the velocity of a target of which nothing is known.", unit="m/s", ge=0.1, le=1000.0
    )
    reset_after: float = setting(
        1.5, "Time without a position after which velocity and depth start anew.", unit="s", ge=0.05, le=60.0
    )


@dataclass(frozen=True, slots=True)
class _Waiting:
    box: TrackedBox
    arrived_s: float


class TargetPose(SettingsNode[PositionSettings], Node):
    """Reads tracked_box, camera_info and depth; writes target_state, target_pose and TF."""

    def __init__(self, **node_options: Any) -> None:
        super().__init__("target_pose", **node_options)
        self.declare_settings(PositionSettings)
        self._check(self.settings)
        self._transforms = Transforms(self, self.settings.fixed_frame)
        self._reporter = Reporter(self)
        self._calibration: CameraInfo | None = None
        self._depths = FrameRing(DEPTH_IMAGES, DEPTH_MB)
        self._depth_count = 0
        self._waiting: deque[_Waiting] = deque(maxlen=DEPTH_IMAGES)
        self._silent_since_s = time.monotonic()
        self._restart()
        self._states = self.create_publisher(TargetState, "target_state", 10)
        self._poses = self.create_publisher(PoseStamped, "target_pose", 10)
        self._uncertain_poses = self.create_publisher(PoseWithCovarianceStamped, "target_pose_with_covariance", 10)
        self.create_subscription(TrackedBox, "tracked_box", self._on_box, 10)
        self.create_subscription(CameraInfo, "camera_info", self._on_calibration, qos_profile_sensor_data)
        if self.settings.method == "depth":
            self.create_subscription(Image, "depth", self._on_depth, qos_profile_sensor_data)
        # On the steady clock: a wait ends also while a simulator stands still.
        self.create_timer(TIMER_S, self._on_timer, clock=Clock(clock_type=ClockType.STEADY_TIME))

    def settings_changed(self) -> None:
        """Start the filter anew with the new settings."""
        self._restart()

    def _check(self, settings: PositionSettings) -> None:
        if settings.method == "ground" and not settings.fixed_frame:
            raise SettingError("The method ground needs fixed_frame, a TF frame with z up (odom, map).")
        for side in ("height", "width"):
            if settings.method == side and getattr(settings, f"target_{side}") <= 0:
                raise SettingError(f"The method {side} needs target_{side}, the true {side} of the target in m.")
        if settings.min_depth >= settings.max_depth:
            raise SettingError("min_depth is not below max_depth.")

    def _build(self, group: type[PositionSettings], values: Any) -> PositionSettings:
        settings = super()._build(group, values)
        self._check(settings)
        return settings

    def _restart(self) -> None:
        settings = self.settings
        self._foreground = ForegroundDepth(
            settings.min_depth, settings.max_depth, settings.min_fraction, settings.depth_step, settings.switch_after
        )
        self._motion = ConstantVelocity(settings.acceleration, settings.max_speed, settings.reset_after)
        self._measured_s = -math.inf

    def _on_calibration(self, info: CameraInfo) -> None:
        self._calibration = info

    def _on_depth(self, message: Image) -> None:
        self._depth_count += 1
        now = time.monotonic()
        self._depths.append(Frame(message, self._depth_count, now, seconds(message.header.stamp)))
        self._settle(now)

    def _on_box(self, box: TrackedBox) -> None:
        if box.target_id != self.settings.target_id and box.status != TrackedBox.STATUS_NONE:
            return
        self._silent_since_s = now = time.monotonic()
        self._waiting.append(_Waiting(box, now))
        self._settle(now)

    def _on_timer(self) -> None:
        now = time.monotonic()
        self._settle(now)
        if now - self._silent_since_s > 1.0:
            self._report(f"No box of target '{self.settings.target_id}' has come.")

    def _settle(self, now_s: float) -> None:
        """Answer every box whose depth and transform are there, or which has waited long enough, in order."""
        while self._waiting:
            waiting = self._waiting[0]
            try:
                self._answer(waiting.box)
            except NotYet as error:
                if now_s - waiting.arrived_s < self.settings.max_wait:
                    return
                self._refuse(waiting.box, str(error))
            except InputError as error:
                self._refuse(waiting.box, str(error))
            self._waiting.popleft()

    def _answer(self, box: TrackedBox) -> None:
        if box.status not in SEEN:
            words = {TrackedBox.STATUS_LOST: "The target is LOST.", TrackedBox.STATUS_NONE: "There is no target."}
            raise InputError(words.get(box.status, f"The status {box.status} of the box is not known."))
        stamp_s = seconds(box.header.stamp)
        camera = None
        if self.settings.fixed_frame:
            camera = self._transforms.camera(box.header.frame_id, Time.from_msg(box.header.stamp))
        if not 0.0 <= stamp_s - self._measured_s <= self.settings.reset_after:
            self._foreground.forget()
        measured = self._measure(box, camera, stamp_s)
        origin = np.zeros(3) if camera is None else camera.translation
        distance = float(np.linalg.norm(measured.mean - origin))
        if not distance <= self.settings.max_depth:
            raise InputError(f"The target would be {distance:.0f} m away, further than max_depth.")
        self._motion.correct(measured, stamp_s)
        self._measured_s = stamp_s
        self._publish(box, origin, distance)

    def _measure(self, box: TrackedBox, camera: Pose | None, stamp_s: float) -> Position:
        """Return where the target is, in the fixed frame if there is one.

        Raises:
            InputError: nothing can be said (NotYet: so far).
        """
        info, settings = self._calibration, self.settings
        if info is None:
            raise InputError("No camera_info has come: there is no position without the camera's calibration.")
        sides = np.array([box.x, box.y, box.width, box.height], dtype=np.float64)
        if not (np.isfinite(sides).all() and (sides[2:] > 0).all()):
            raise InputError("The box has no size.")

        center = (float(sides[0] + sides[2] / 2), float(sides[1] + sides[3] / 2))
        rectified = _is_rectified(info, box, center, settings.image_rectified)

        def plane(x: float, y: float) -> NDArray[np.float64]:
            return plane_point(info, x, y, box.image_width, box.image_height, rectified)

        covariance = _box_covariance(box)
        if settings.method == "ground":
            assert camera is not None
            height = settings.ground_height + settings.target_height / 2
            return geometry.from_ground(
                plane,
                center,
                covariance[:2, :2],
                camera,
                height,
                settings.ground_deviation,
                settings.attitude_deviation,
                settings.min_depression,
            )
        if settings.method == "depth":
            surface = self._foreground.measure(self._depths_in(box, stamp_s), stamp_s)
            depth, deviation = surface.depth_m, surface.spread_m
        else:
            depth, deviation = self._by_size(box, sides, plane, covariance)
        position = geometry.from_depth(plane, center, covariance[:2, :2], depth, deviation)
        return position if camera is None else camera.moved(position)

    def _by_size(
        self, box: TrackedBox, sides: NDArray[np.float64], plane: geometry.Plane, covariance: Matrix
    ) -> tuple[float, float]:
        vertical = self.settings.method == "height"
        first, length, whole = (
            (sides[1], sides[3], box.image_height) if vertical else (sides[0], sides[2], box.image_width)
        )
        if first < EDGE_PX or first + length > whole - EDGE_PX:
            raise InputError(f"The box touches the edge of the image: its {self.settings.method} is not the target's.")
        size = self.settings.target_height if vertical else self.settings.target_width
        deviation = math.sqrt(covariance[3, 3] if vertical else covariance[2, 2])
        return geometry.depth_from_size(plane, sides, vertical, size, deviation, self.settings.size_deviation)

    def _depths_in(self, box: TrackedBox, stamp_s: float) -> NDArray[np.float32]:
        """Return the (H, W) depths of the inner part of the box, m."""
        frame = self._depths.nearest(stamp_s)
        if frame is None:
            raise NotYet("No depth image has come: remap `depth` to the camera's aligned depth image.")
        if abs(frame.stamp_s - stamp_s) > self.settings.max_stamp_difference + 1e-9:
            raise NotYet(
                f"The nearest depth image is {abs(frame.stamp_s - stamp_s):.3f} s from the box's image; "
                f"max_stamp_difference is {self.settings.max_stamp_difference:g} s."
            )
        message = frame.message
        if (message.width, message.height) != (box.image_width, box.image_height):
            raise InputError(
                f"The depth image has {message.width}x{message.height} px and the image {box.image_width}x"
                f"{box.image_height} px: take the depth image that is aligned to the image."
            )
        if message.header.frame_id != box.header.frame_id:
            raise InputError(
                f"The depth image is of the frame '{message.header.frame_id}' and the image of "
                f"'{box.header.frame_id}': take the depth image that is aligned to the image."
            )
        columns = _inner(box.x, box.width, self.settings.depth_window, message.width)
        rows = _inner(box.y, box.height, self.settings.depth_window, message.height)
        if columns.start >= columns.stop or rows.start >= rows.stop:
            raise InputError("The box lies outside the depth image.")
        return metres(message, rows, columns)

    def _refuse(self, box: TrackedBox, sentence: str) -> None:
        state = self._state(box, TargetState.METHOD_NONE)
        state.position = state.camera_position = Point(x=NAN, y=NAN, z=NAN)
        state.velocity = Vector3(x=NAN, y=NAN, z=NAN)
        state.position_covariance = state.velocity_covariance = np.full(9, NAN, dtype=np.float32)
        state.distance = NAN
        self._states.publish(state)
        self._report(sentence)

    def _publish(self, box: TrackedBox, origin: NDArray[np.float64], distance: float) -> None:
        place, velocity = self._motion.position, self._motion.velocity
        state = self._state(box, METHODS[self.settings.method])
        state.position = Point(**dict(zip("xyz", map(float, place.mean), strict=True)))
        state.position_covariance = place.covariance.astype(np.float32).reshape(9)
        state.velocity = Vector3(**dict(zip("xyz", map(float, velocity), strict=True)))
        state.velocity_covariance = self._motion.velocity_covariance.astype(np.float32).reshape(9)
        state.camera_position = Point(**dict(zip("xyz", map(float, origin), strict=True)))
        state.distance = distance
        self._states.publish(state)
        if box.status == TrackedBox.STATUS_TRACKING or self.settings.publish_uncertain:
            self._publish_pose(state, place, place.mean - origin)
        deviation = math.sqrt(float(np.trace(place.covariance)))
        self._report("", distance, deviation)

    def _publish_pose(self, state: TargetState, place: Position, sight: NDArray[np.float64]) -> None:
        up = (0.0, 0.0, 1.0) if self.settings.fixed_frame else (0.0, -1.0, 0.0)
        pose = PoseStamped(header=state.header)
        pose.pose.position = state.position
        turn = pose.pose.orientation
        turn.x, turn.y, turn.z, turn.w = geometry.sight_quaternion(sight, up)
        self._poses.publish(pose)
        uncertain = PoseWithCovarianceStamped(header=state.header)
        uncertain.pose.pose = pose.pose
        covariance = np.diag(np.full(6, UNKNOWN_TURN))
        covariance[:3, :3] = place.covariance
        uncertain.pose.covariance = covariance.reshape(36)
        self._uncertain_poses.publish(uncertain)
        if self.settings.child_frame:
            self._transforms.send(pose, self.settings.child_frame)

    def _state(self, box: TrackedBox, method: int) -> TargetState:
        header = Header(stamp=box.header.stamp, frame_id=self.settings.fixed_frame or box.header.frame_id)
        return TargetState(
            header=header, target_id=box.target_id, status=box.status, quality=box.quality, method=method
        )

    def _report(self, refusal: str, distance: float = NAN, deviation: float = NAN) -> None:
        tf = "published" if AVAILABLE and self.settings.child_frame else "not published"
        values = {
            "method": self.settings.method,
            "distance [m]": f"{distance:.2f}",
            "deviation [m]": f"{deviation:.2f}",
            "TF": tf if AVAILABLE else f"{tf}: tf2_ros is not installed",
        }
        sentence = f"No position: {refusal}" if refusal else f"Positions by {self.settings.method}."
        self._reporter.report(not refusal, sentence, values)


def _is_rectified(info: CameraInfo, box: TrackedBox, center: tuple[float, float], parameter: Rectified) -> bool:
    """Return whether P and R hold for the image of a box: auto compares the bearing that the tracker found."""
    sight = np.array([box.bearing.x, box.bearing.y, box.bearing.z])
    if parameter != "auto" or not np.linalg.norm(sight) > 0.5:  # also if it is NaN
        return is_rectified(info, "", parameter)

    def error(rectified: bool) -> float:
        try:
            found = bearing(info, *center, box.image_width, box.image_height, rectified)
        except InputError:
            return math.inf
        return float(np.linalg.norm(found - sight))

    return error(True) < error(False)


def _box_covariance(box: TrackedBox) -> Matrix:
    """Return (4, 4) of centre x, centre y, width, height, px²; a fraction of the box's sides if it is not known."""
    covariance = np.asarray(box.covariance, dtype=np.float64).reshape(4, 4)
    if np.isfinite(covariance).all() and (np.diag(covariance) >= 0).all():
        return covariance
    return np.diag((UNKNOWN_BOX * np.array([box.width, box.height, box.width, box.height])) ** 2)


def _inner(start: float, length: float, fraction: float, whole: int) -> slice:
    """Return the pixels of the middle part of a side, inside the image; at least one."""
    middle, half = start + length / 2, length * fraction / 2
    first = min(math.floor(middle - half), math.floor(middle))
    last = max(math.ceil(middle + half), math.floor(middle) + 1)
    return slice(max(first, 0), max(min(last, whole), 0))


def main(args: list[str] | None = None) -> None:
    """Run the node `target_pose`."""
    run_node(TargetPose, lambda node: None, args)


if __name__ == "__main__":
    main()
