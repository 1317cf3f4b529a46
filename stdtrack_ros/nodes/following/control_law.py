# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""From a TrackedBox, and the distance if it is known, to a velocity. No ROS in here but the messages."""

from __future__ import annotations

import math
from dataclasses import dataclass

from stdtrack_ros.msg import TargetState, TrackedBox
from stdtrack_ros.nodes.following.trust import TrustSettings, approached, direction, limited
from stdtrack_ros.settings import setting


class FollowSettings(TrustSettings):
    """Parameters of `follow_controller`."""

    target_size: float = setting(
        0.3, "Height of the box, as a fraction of the image's, that the robot keeps by its distance.", ge=0.01, le=1.0
    )
    distance: float = setting(
        0.0,
        "Distance that the robot keeps, by target_state (target_pose); 0: it goes by target_size.",
        unit="m",
        ge=0.0,
        le=1000.0,
    )
    min_distance: float = setting(
        0.0,
        "The robot can always stop before it is this near, braking at max_acceleration; needs target_state; 0: off.",
        unit="m",
        ge=0.0,
        le=1000.0,
    )
    yaw_gain: float = setting(1.5, "Yaw rate for an angle to the target.", unit="1/s", ge=0.0, le=20.0)
    max_yaw_rate: float = setting(0.8, "Largest yaw rate.", unit="rad/s", ge=0.0, le=10.0)
    max_yaw_acceleration: float = setting(8.0, "Largest change of the yaw rate.", unit="rad/s²", ge=0.01, le=1000.0)
    forward_gain: float = setting(
        0.0, "Speed for a target twice as far as it should be; 0: the robot only turns.", unit="m/s", ge=0.0, le=20.0
    )
    max_speed: float = setting(1.0, "Largest forward speed.", unit="m/s", ge=0.0, le=50.0)
    max_reverse: float = setting(0.0, "Largest speed backwards.", unit="m/s", ge=0.0, le=50.0)
    climb_gain: float = setting(
        0.0, "Vertical speed for an angle of elevation; 0: none.", unit="m/s/rad", ge=0.0, le=20.0
    )
    max_climb: float = setting(0.5, "Largest vertical speed.", unit="m/s", ge=0.0, le=50.0)
    max_acceleration: float = setting(
        2.0,
        "Largest change of the forward and of the vertical speed while following; a stop is at once.",
        unit="m/s²",
        ge=0.01,
        le=1000.0,
    )
    dead_man: bool = setting(False, "Move only while `dead_man` (std_msgs/Bool) says true.", read_only=True)
    dead_man_timeout: float = setting(
        0.5, "Age of the last `dead_man` from which the robot stops.", unit="s", ge=0.05, le=10.0
    )
    stamped: bool = setting(True, "Send TwistStamped; off: Twist.", read_only=True)
    frame_id: str = setting("base_link", "Frame of the velocity: x forward, y left, z up (REP 103).", read_only=True)
    rate: float = setting(20.0, "Velocities per second.", unit="Hz", ge=1.0, le=200.0, read_only=True)

    @property
    def needs_distance(self) -> bool:
        """Whether the robot may not move without a distance."""
        return self.distance > 0 or self.min_distance > 0


@dataclass(frozen=True, slots=True)
class Velocity:
    """Forward and up in m/s, yaw to the left in rad/s."""

    forward: float = 0.0
    up: float = 0.0
    yaw_rate: float = 0.0


STOP = Velocity()


def distance_reason(state: TargetState | None, silent_s: float, settings: FollowSettings) -> str:
    """Return why there is no distance, if one is needed, from a state that came `silent_s` ago; empty if there is."""
    if not settings.needs_distance:
        return ""
    if state is None:
        return "the distance is not known: no target_state has come, is target_pose running?"
    if silent_s > settings.max_age:
        return f"the distance is not known: target_state is older than max_age ({settings.max_age:g} s)"
    if state.method == TargetState.METHOD_NONE or not state.distance > 0:  # also if it is NaN
        return "the distance is not known: target_pose gives no position"
    return ""


def velocity(box: TrackedBox, distance_m: float, settings: FollowSettings) -> Velocity:
    """Return the velocity towards a box that `stop_reason` has let pass; the distance is NaN if it is not needed."""
    ray = direction(box, settings)
    assert ray is not None
    right, down, ahead = ray
    to_the_left = -math.atan2(right, ahead)
    upwards = -math.atan2(down, math.hypot(right, ahead))
    if settings.distance > 0:
        too_far = distance_m / settings.distance - 1.0
    else:  # a box half as high as it should be is twice as far: an error of 1
        too_far = settings.target_size * box.image_height / box.height - 1.0
    forward = settings.forward_gain * too_far * max(math.cos(to_the_left), 0.0)
    fastest = settings.max_speed
    if settings.min_distance > 0:
        room = max(distance_m - settings.min_distance, 0.0)
        fastest = min(fastest, math.sqrt(2.0 * settings.max_acceleration * room))
    return Velocity(
        forward=limited(forward, -settings.max_reverse, fastest),
        up=limited(settings.climb_gain * upwards, -settings.max_climb, settings.max_climb),
        yaw_rate=limited(settings.yaw_gain * to_the_left, -settings.max_yaw_rate, settings.max_yaw_rate),
    )


def eased(before: Velocity, wanted: Velocity, time_s: float, settings: FollowSettings) -> Velocity:
    """Return the velocity a time after another one, on the way to the wanted one within the accelerations."""
    change, turn = settings.max_acceleration * time_s, settings.max_yaw_acceleration * time_s
    return Velocity(
        approached(before.forward, wanted.forward, change),
        approached(before.up, wanted.up, change),
        approached(before.yaw_rate, wanted.yaw_rate, turn),
    )
