# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""From a TrackedBox to the rates of a gimbal that keeps the target in the middle. No ROS in here but the message."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from typing import Literal

from stdtrack_ros.msg import TrackedBox
from stdtrack_ros.nodes.following.trust import TrustSettings, approached, direction, limited
from stdtrack_ros.nodes.mavlink.mavlink_camera import LinkSettings
from stdtrack_ros.settings import setting

LONGEST_S = 3.0
"""Longest time that an image may reach back."""


class GimbalSettings(TrustSettings):
    """Parameters of `gimbal_follow`."""

    output: Literal["topic", "mavlink"] = setting(
        "topic",
        "Where the rates go: the topic gimbal_rate, or GIMBAL_MANAGER_SET_PITCHYAW too.",
        read_only=True,
    )
    gain: float = setting(2.0, "Rate for an angle to the target.", unit="1/s", ge=0.0, le=20.0)
    dead_band: float = setting(0.01, "Angle to the target that is left alone.", unit="rad", ge=0.0, le=0.5)
    max_rate: float = setting(1.0, "Largest rate of each axis.", unit="rad/s", ge=0.0, le=20.0)
    max_acceleration: float = setting(
        4.0, "Largest change of a rate while following; a stop is at once.", unit="rad/s²", ge=0.01, le=1000.0
    )
    actuator_delay: float = setting(0.05, "Time from a command until the gimbal turns.", unit="s", ge=0.0, le=1.0)
    max_prediction: float = setting(0.3, "Largest age of an image that is made up for.", unit="s", ge=0.0, le=2.0)
    feed_forward: float = setting(
        0.7, "Fraction of the target's own angular velocity that the gimbal takes over at once.", ge=0.0, le=1.0
    )
    rate: float = setting(20.0, "Commands per second.", unit="Hz", ge=1.0, le=200.0, read_only=True)
    frame_id: str = setting("gimbal_link", "Frame of gimbal_rate: y left, z up (REP 103).", read_only=True)
    link: LinkSettings = LinkSettings()
    component_id: int = setting(
        191, "MAVLink component of this node (191: onboard computer).", ge=1, le=255, read_only=True
    )
    manager_component_id: int = setting(1, "MAVLink component of the gimbal manager.", ge=0, le=255, read_only=True)
    gimbal_device_id: int = setting(0, "Gimbal device; 0: all.", ge=0, le=255, read_only=True)
    yaw_lock: bool = setting(
        True, "Yaw rates are against the earth; off: against the vehicle (GIMBAL_MANAGER_FLAGS_YAW_LOCK)."
    )


@dataclass(frozen=True, slots=True)
class Rates:
    """Pitch up and yaw to the right, rad/s, as MAVLink counts them."""

    pitch: float = 0.0
    yaw: float = 0.0


REST = Rates()


class OwnMotion:
    """What the gimbal was told lately, and so how it has turned since an image was taken."""

    def __init__(self) -> None:
        self._told: deque[tuple[float, Rates]] = deque([(-math.inf, REST)])

    def told(self, command: Rates, now_s: float) -> None:
        """Note a command and forget those that no image reaches back to."""
        self._told.append((now_s, command))
        while len(self._told) > 2 and self._told[1][0] < now_s - LONGEST_S:
            self._told.popleft()

    def rate_at(self, time_s: float) -> Rates:
        """Return the command in force at a time."""
        return next((command for since_s, command in reversed(self._told) if since_s <= time_s), REST)

    def turned(self, since_s: float, until_s: float) -> Rates:
        """Return the angles (rad) between two times."""
        pitch = yaw = 0.0
        end_s = until_s
        for from_s, command in reversed(self._told):
            span = end_s - max(from_s, since_s)
            if span > 0:
                pitch, yaw, end_s = pitch + command.pitch * span, yaw + command.yaw * span, max(from_s, since_s)
            if from_s <= since_s:
                break
        return Rates(pitch, yaw)


def rates(box: TrackedBox, age_s: float, focal: float, own: OwnMotion, now_s: float, settings: GimbalSettings) -> Rates:
    """Return the rates towards a box that `stop_reason` has let pass.

    The angle to the target is that of the image, less what the gimbal has turned since, plus what the target has moved
    on: its velocity in the image, to which the gimbal's own at that time is added. Without a focal length only the
    gimbal's own motion counts.

    Args:
        age_s: age of the image behind the box.
        focal: focal length in px; NaN if it is not known.
        own: what the gimbal was told.
    """
    ray = direction(box, settings)
    assert ray is not None
    right, down, ahead = ray
    delay = settings.actuator_delay
    taken_s = now_s - min(age_s, settings.max_prediction)
    turned = own.turned(taken_s - delay, now_s)
    yaw = math.atan2(right, ahead) - turned.yaw
    pitch = -math.atan2(down, math.hypot(right, ahead)) - turned.pitch
    speed = REST
    if focal > 0 and math.isfinite(box.velocity_x + box.velocity_y):
        then = own.rate_at(taken_s - delay)
        speed = Rates(-box.velocity_y / focal + then.pitch, box.velocity_x / focal + then.yaw)
    carried_s = now_s + delay - taken_s
    return Rates(
        _rate(pitch + speed.pitch * carried_s, speed.pitch, settings),
        _rate(yaw + speed.yaw * carried_s, speed.yaw, settings),
    )


def eased(before: Rates, wanted: Rates, time_s: float, settings: GimbalSettings) -> Rates:
    """Return the rates a time after others, on the way to the wanted ones within the acceleration."""
    most = settings.max_acceleration * time_s
    return Rates(approached(before.pitch, wanted.pitch, most), approached(before.yaw, wanted.yaw, most))


def _rate(angle: float, speed: float, settings: GimbalSettings) -> float:
    beyond = math.copysign(max(abs(angle) - settings.dead_band, 0.0), angle)
    wanted = settings.gain * beyond + (settings.feed_forward * speed if beyond else 0.0)
    return limited(wanted, -settings.max_rate, settings.max_rate)
