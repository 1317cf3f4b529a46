# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""When a robot may move on a box, and where to."""

from __future__ import annotations

import math

import pytest
from follow_messages import box
from geometry_msgs.msg import Vector3
from hypothesis import given
from hypothesis import strategies as st
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

SETTINGS = FollowSettings(forward_gain=2.0, climb_gain=1.0, max_speed=1.5, max_reverse=0.5)
NUMBER = st.floats(allow_nan=True, allow_infinity=True, width=32)


def ray(right: float, down: float) -> Vector3:
    length = math.hypot(right, down, 1.0)
    return Vector3(x=right / length, y=down / length, z=1.0 / length)


def test_a_good_box_straight_ahead_needs_no_motion() -> None:
    assert stop_reason(box(), 0.1, SETTINGS) == ""
    command = velocity(box(), math.nan, SETTINGS)
    assert command.forward == pytest.approx(0.0) and command.yaw_rate == 0.0 and command.up == 0.0


def test_a_target_to_the_right_turns_right_and_one_above_climbs() -> None:
    command = velocity(box(bearing=ray(0.2, -0.1)), math.nan, SETTINGS)
    assert command.yaw_rate == pytest.approx(-1.5 * math.atan(0.2))
    assert command.up == pytest.approx(math.atan2(0.1, math.hypot(0.2, 1.0)))


def test_distance_follows_from_the_height_of_the_box() -> None:
    assert velocity(box(height=115.2), math.nan, SETTINGS).forward == pytest.approx(2.0 * 0.25)  # 1.25 times as far
    assert velocity(box(height=72.0), math.nan, SETTINGS).forward == 1.5  # twice as far: the limit
    assert velocity(box(height=288.0), math.nan, SETTINGS).forward == -0.5  # half as far: the limit backwards
    assert velocity(box(height=72.0), math.nan, FollowSettings()).forward == 0.0  # by default it only turns


@given(
    st.builds(
        box,
        status=st.integers(0, 255),
        x=NUMBER,
        y=NUMBER,
        width=NUMBER,
        height=NUMBER,
        quality=NUMBER,
        bearing=st.builds(Vector3, x=NUMBER, y=NUMBER, z=NUMBER),
        image_width=st.integers(0, 2**32 - 1),
        image_height=st.integers(0, 2**32 - 1),
    ),
    st.floats(0, 10),
)
def test_whatever_comes_the_velocity_is_within_its_limits(message: TrackedBox, silent_s: float) -> None:
    if stop_reason(message, silent_s, SETTINGS):
        return
    command = velocity(message, math.nan, SETTINGS)
    assert -0.5 <= command.forward <= 1.5 and abs(command.yaw_rate) <= 0.8 and abs(command.up) <= 0.5


def state(**changes: object) -> TargetState:
    fields: dict[str, object] = {"method": TargetState.METHOD_DEPTH, "distance": 6.0, "target_id": "target-1"}
    return TargetState(**(fields | changes))


def test_distance_by_target_state_takes_the_place_of_the_box_s_height() -> None:
    settings = FollowSettings(forward_gain=2.0, max_speed=5.0, max_reverse=1.0, distance=4.0)
    assert velocity(box(height=1.0), 6.0, settings).forward == pytest.approx(1.0)  # 1.5 times as far
    assert velocity(box(height=1.0), 2.0, settings).forward == -1.0  # half as far: the limit backwards


def test_it_can_always_stop_before_the_least_distance() -> None:
    settings = FollowSettings(forward_gain=20.0, max_speed=20.0, min_distance=3.0, max_acceleration=2.0, distance=1.0)
    for distance_m, fastest in ((2.0, 0.0), (3.0, 0.0), (4.0, 2.0), (12.0, 6.0)):  # v² = 2 a s
        assert velocity(box(), distance_m, settings).forward == pytest.approx(fastest)


@pytest.mark.parametrize(
    ("message", "silent_s", "words"),
    [
        (None, 0.0, "no target_state has come"),
        (state(), 0.31, "target_state is older than max_age"),
        (state(method=TargetState.METHOD_NONE), 0.0, "gives no position"),
        (state(distance=math.nan), 0.0, "gives no position"),
        (state(), 0.0, ""),
    ],
)
def test_without_the_distance_it_needs_the_robot_stands(
    message: TargetState | None, silent_s: float, words: str
) -> None:
    for settings in (FollowSettings(distance=4.0), FollowSettings(min_distance=2.0)):
        reason = distance_reason(message, silent_s, settings)
        assert words in reason if words else reason == ""
    assert distance_reason(message, silent_s, FollowSettings()) == "", "and without need it is not asked for"


def test_speeds_change_within_their_accelerations() -> None:
    settings = FollowSettings(max_acceleration=2.0, max_yaw_acceleration=4.0)
    first = eased(STOP, Velocity(1.0, -1.0, 0.1), 0.05, settings)
    assert (first.forward, first.up, first.yaw_rate) == (pytest.approx(0.1), pytest.approx(-0.1), pytest.approx(0.1))
    assert eased(Velocity(1.0), Velocity(-1.0), 0.05, settings).forward == pytest.approx(0.9)
