# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Rates of a gimbal against numbers worked out by hand, and a gimbal with a delay that follows a steady target."""

from __future__ import annotations

import math

import pytest
from follow_messages import box
from geometry_msgs.msg import Vector3
from hypothesis import given
from hypothesis import strategies as st

from stdtrack_ros.nodes.following.gimbal_law import REST, GimbalSettings, OwnMotion, Rates, eased, rates

SETTINGS = GimbalSettings(gain=2.0, dead_band=0.0, max_rate=1.0, actuator_delay=0.0, feed_forward=0.0)
STILL = OwnMotion()
NUMBER = st.floats(-1e6, 1e6)


def at(yaw: float, pitch: float = 0.0) -> Vector3:
    """Return the bearing at an angle to the right and up."""
    return Vector3(x=math.sin(yaw) * math.cos(pitch), y=-math.sin(pitch), z=math.cos(yaw) * math.cos(pitch))


def test_the_gimbal_turns_towards_the_target() -> None:
    found = rates(box(bearing=at(0.2, -0.1)), 0.0, math.nan, STILL, 10.0, SETTINGS)
    assert (found.yaw, found.pitch) == (pytest.approx(0.4), pytest.approx(-0.2))
    assert rates(box(bearing=at(1.2)), 0.0, math.nan, STILL, 10.0, SETTINGS).yaw == 1.0, "the limit"


def test_a_dead_band_is_left_alone_without_a_step_at_its_edge() -> None:
    settings = SETTINGS.model_copy(update={"dead_band": 0.1})
    assert rates(box(bearing=at(0.09)), 0.0, math.nan, STILL, 10.0, settings).yaw == 0.0
    assert rates(box(bearing=at(-0.15)), 0.0, math.nan, STILL, 10.0, settings).yaw == pytest.approx(-0.1)


def test_the_target_s_motion_makes_up_for_the_age_of_the_image() -> None:
    settings = SETTINGS.model_copy(update={"actuator_delay": 0.05, "max_prediction": 0.3})
    moving = box(bearing=at(0.0), velocity_x=100.0, velocity_y=50.0)  # 0.2 and 0.1 rad/s at 500 px
    found = rates(moving, 0.15, 500.0, STILL, 10.0, settings)
    assert (found.yaw, found.pitch) == (pytest.approx(2 * 0.2 * 0.2), pytest.approx(-2 * 0.1 * 0.2))
    assert rates(moving, 5.0, 500.0, STILL, 10.0, settings).yaw == pytest.approx(2 * 0.2 * 0.35)  # max_prediction
    assert rates(moving, 0.15, math.nan, STILL, 10.0, settings) == Rates(pytest.approx(0.0), pytest.approx(0.0))
    assert rates(box(bearing=at(0.1), velocity_x=math.nan), 0.15, 500.0, STILL, 10.0, settings).yaw == pytest.approx(
        0.2
    )


def test_rates_change_within_the_acceleration() -> None:
    settings = SETTINGS.model_copy(update={"max_acceleration": 4.0})
    assert eased(REST, Rates(-1.0, 1.0), 0.05, settings) == Rates(pytest.approx(-0.2), pytest.approx(0.2))


@given(NUMBER, NUMBER, NUMBER, NUMBER, st.floats(0, 100), st.floats(0.1, 1e4))
def test_whatever_comes_the_rates_are_within_their_limits(
    x: float, y: float, speed_x: float, speed_y: float, age_s: float, focal: float
) -> None:
    length = math.hypot(x, y, 1.0)
    message = box(bearing=Vector3(x=x / length, y=y / length, z=1 / length), velocity_x=speed_x, velocity_y=speed_y)
    found = rates(message, age_s, focal, STILL, 10.0, SETTINGS)
    assert abs(found.yaw) <= 1.0 and abs(found.pitch) <= 1.0


def test_the_gimbal_s_own_turning_since_the_image_is_taken_off() -> None:
    own = OwnMotion()
    own.told(Rates(0.0, 0.5), 9.8)
    assert (own.turned(9.0, 10.0).yaw, own.rate_at(9.9).yaw, own.rate_at(9.7)) == (pytest.approx(0.1), 0.5, REST)
    found = rates(box(bearing=at(0.3), velocity_x=math.nan), 0.3, 500.0, own, 10.0, SETTINGS)
    assert found.yaw == pytest.approx(2.0 * (0.3 - 0.1))
    standing = box(bearing=at(0.3), velocity_x=-250.0, velocity_y=0.0)  # moves in the image as the gimbal turns
    own.told(Rates(0.0, 0.5), 10.0)
    assert rates(standing, 0.1, 500.0, own, 10.0, SETTINGS).yaw == pytest.approx(2.0 * (0.3 - 0.05))


def follow(settings: GimbalSettings, latency_s: float = 0.2) -> float:
    """Return the root mean square angle to a target that swings, seen by a gimbal whose images are late."""
    step, focal, yaw, command, own = 0.01, 500.0, 0.0, REST, OwnMotion()
    seen: list[float] = []
    errors = []
    for index in range(1500):
        now = index * step
        angle = 0.5 * math.sin(1.5 * now) - yaw
        seen.append(angle)
        late = index - round(latency_s / step)
        if late > 5:
            speed = (seen[late] - seen[late - 5]) / (5 * step)
            message = box(bearing=at(seen[late]), velocity_x=speed * focal, velocity_y=0.0)
            command = eased(command, rates(message, latency_s, focal, own, now, settings), step, settings)
        own.told(command, now)
        yaw += command.yaw * step
        errors.append(angle)
    return math.sqrt(sum(error**2 for error in errors[500:]) / 1000)


def test_a_late_gimbal_follows_better_if_it_makes_up_for_the_time() -> None:
    common = {"gain": 3.0, "dead_band": 0.0, "max_rate": 3.0, "max_acceleration": 50.0, "actuator_delay": 0.0}
    plain = follow(GimbalSettings(max_prediction=0.0, feed_forward=0.0, **common))
    compensated = follow(GimbalSettings(max_prediction=0.3, feed_forward=0.7, **common))
    assert compensated < 0.6 * plain, f"{compensated:.3f} rad against {plain:.3f} rad"
