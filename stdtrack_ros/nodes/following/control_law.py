# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""From a TrackedBox to a velocity: when to move at all, and how. No ROS in here but the message."""

from __future__ import annotations

import math
from dataclasses import dataclass

from stdtrack_ros.msg import TrackedBox
from stdtrack_ros.nodes.tracking.messages import seconds
from stdtrack_ros.settings import SettingGroup, setting


class FollowSettings(SettingGroup):
    """Parameters of `follow_controller`."""

    actuation: bool = setting(False, "Send velocities; off: only say what would be sent.")
    target_id: str = setting("target-1", "The target to follow.")
    follow_uncertain: bool = setting(False, "Go on while the target is UNCERTAIN; off: stop.")
    min_quality: float = setting(0.4, "Quality under which the robot stops.", ge=0.0, le=1.0)
    max_age: float = setting(
        0.3, "Age of the image behind a box from which the robot stops.", unit="s", ge=0.01, le=10.0
    )
    target_size: float = setting(
        0.3, "Height of the box, as a share of the image's, that the robot keeps by its distance.", ge=0.01, le=1.0
    )
    yaw_gain: float = setting(1.5, "Yaw rate for an angle to the target.", unit="1/s", ge=0.0, le=20.0)
    max_yaw_rate: float = setting(0.8, "Largest yaw rate.", unit="rad/s", ge=0.0, le=10.0)
    forward_gain: float = setting(
        0.0, "Speed for a target twice as far as it should be; 0: the robot only turns.", unit="m/s", ge=0.0, le=20.0
    )
    max_speed: float = setting(1.0, "Largest forward speed.", unit="m/s", ge=0.0, le=50.0)
    max_reverse: float = setting(0.0, "Largest speed backwards.", unit="m/s", ge=0.0, le=50.0)
    climb_gain: float = setting(
        0.0, "Vertical speed for an angle of elevation; 0: none.", unit="m/s/rad", ge=0.0, le=20.0
    )
    max_climb: float = setting(0.5, "Largest vertical speed.", unit="m/s", ge=0.0, le=50.0)
    horizontal_fov: float = setting(
        0.0,
        "Horizontal field of view where there is no CameraInfo; 0: bearings are needed.",
        unit="rad",
        ge=0.0,
        le=3.0,
    )
    stamped: bool = setting(True, "Send TwistStamped; off: Twist.", read_only=True)
    frame_id: str = setting("base_link", "Frame of the velocity: x forward, y left, z up (REP 103).", read_only=True)
    rate: float = setting(20.0, "Velocities a second.", unit="Hz", ge=1.0, le=200.0, read_only=True)


@dataclass(frozen=True, slots=True)
class Velocity:
    """Forward and up in m/s, yaw to the left in rad/s."""

    forward: float = 0.0
    up: float = 0.0
    yaw_rate: float = 0.0


STOP = Velocity()


def stop_reason(box: TrackedBox | None, silent_s: float, settings: FollowSettings) -> str:
    """Why the robot must not move on this box, which came `silent_s` ago; empty where it may."""
    if box is None:
        return f"no box of target '{settings.target_id}' has come"
    if silent_s + seconds(box.latency) > settings.max_age:
        return f"the image behind the last box is older than max_age ({settings.max_age:g} s)"
    if box.status == TrackedBox.STATUS_LOST:
        return "the target is LOST"
    if box.status == TrackedBox.STATUS_UNCERTAIN and not settings.follow_uncertain:
        return "the target is UNCERTAIN"
    if box.status not in (TrackedBox.STATUS_TRACKING, TrackedBox.STATUS_UNCERTAIN):
        return "there is no target"
    if not box.quality >= settings.min_quality:  # also where it is NaN
        return f"the quality is under min_quality ({settings.min_quality:g})"
    if not (box.width > 0 and box.height > 0 and math.isfinite(box.x + box.y + box.width + box.height)):
        return "the box has no size"
    if direction(box, settings) is None:
        return "the direction is not known: publish camera_info, or set horizontal_fov"
    return ""


def velocity(box: TrackedBox, settings: FollowSettings) -> Velocity:
    """The velocity towards a box that `stop_reason` has let pass."""
    ray = direction(box, settings)
    assert ray is not None
    right, down, ahead = ray
    to_the_left = -math.atan2(right, ahead)
    upwards = -math.atan2(down, math.hypot(right, ahead))
    # A box half as high as it should be is twice as far: an error of 1.
    too_far = settings.target_size * box.image_height / box.height - 1.0
    forward = settings.forward_gain * too_far * max(math.cos(to_the_left), 0.0)
    return Velocity(
        forward=_limited(forward, -settings.max_reverse, settings.max_speed),
        up=_limited(settings.climb_gain * upwards, -settings.max_climb, settings.max_climb),
        yaw_rate=_limited(settings.yaw_gain * to_the_left, -settings.max_yaw_rate, settings.max_yaw_rate),
    )


def direction(box: TrackedBox, settings: FollowSettings) -> tuple[float, float, float] | None:
    """Ray to the box (right, down, ahead): its bearing, or by the field of view; None where neither is known."""
    ray = box.bearing.x, box.bearing.y, box.bearing.z
    if all(math.isfinite(number) for number in ray):
        return ray
    if settings.horizontal_fov <= 0.0 or box.image_width == 0:
        return None
    focal_px = box.image_width / 2 / math.tan(settings.horizontal_fov / 2)
    center_x, center_y = box.x + box.width / 2, box.y + box.height / 2
    return (center_x - box.image_width / 2) / focal_px, (center_y - box.image_height / 2) / focal_px, 1.0


def _limited(value: float, low: float, high: float) -> float:
    return min(max(value, low), high)
