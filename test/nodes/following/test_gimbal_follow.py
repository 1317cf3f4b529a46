# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""gimbal_follow over DDS and as the client of a gimbal manager made of pymavlink."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from follow_messages import box
from geometry_msgs.msg import TwistStamped, Vector3
from node_bench import Bench
from rclpy.parameter import Parameter
from stdtrack_ros.msg import TrackedBox

from stdtrack_ros.nodes.following.gimbal_follow import GimbalFollow

pytestmark = pytest.mark.ros
ANGLE = 0.2


@contextmanager
def gimbal(bench: Bench, **parameters: Any) -> Iterator[GimbalFollow]:
    """Run a node in this process, spun by the bench."""
    with bench.hosting(GimbalFollow, **parameters) as node:
        try:
            yield node
        finally:
            node.leave()


def seen(**changes: Any) -> TrackedBox:
    """Return a target to the right and above."""
    bearing = Vector3(x=math.sin(ANGLE), y=-math.sin(ANGLE), z=math.cos(ANGLE))
    return box(bearing=bearing, velocity_x=math.nan, **changes)


@pytest.mark.parametrize(
    "changes", [{"status": TrackedBox.STATUS_LOST}, {"status": TrackedBox.STATUS_UNCERTAIN}, {"quality": math.nan}]
)
def test_it_turns_towards_a_target_and_stops_at_once_if_it_cannot_be_trusted(
    bench: Bench, changes: dict[str, Any]
) -> None:
    boxes = bench.create_publisher(TrackedBox, "tracked_box", 10)
    commands: list[TwistStamped] = []
    bench.create_subscription(TwistStamped, "gimbal_rate", commands.append, 50)
    with gimbal(bench, actuation=True, max_age=5.0, max_acceleration=100.0, dead_band=0.0, max_prediction=0.0):

        def turning() -> bool:
            boxes.publish(seen())
            return bool(commands) and commands[-1].twist.angular.z != 0.0

        bench.wait(turning, "rate")
        assert commands[-1].twist.angular.z < 0.0 and commands[-1].twist.angular.y < 0.0, "right and up, in FLU"
        assert commands[-1].header.frame_id == "gimbal_link"

        def resting() -> bool:
            boxes.publish(seen(**changes))
            return commands[-1].twist.angular.z == 0.0

        bench.wait(resting, "stop")


def test_it_stops_if_no_box_comes(bench: Bench) -> None:
    boxes = bench.create_publisher(TrackedBox, "tracked_box", 10)
    commands: list[TwistStamped] = []
    bench.create_subscription(TwistStamped, "gimbal_rate", commands.append, 50)
    with gimbal(bench, actuation=True, max_age=0.3):
        bench.wait(
            lambda: boxes.publish(seen()) or (commands and commands[-1].twist.angular.z != 0.0), "rate of the gimbal"
        )
        bench.wait(lambda: commands[-1].twist.angular.z == 0.0, "stop")
        bench.wait(lambda: any("older than max_age" in report.message for report in bench.reports), "reason")


def test_a_gimbal_manager_gets_rates_and_rest_as_the_last_word(bench: Bench) -> None:
    pytest.importorskip("pymavlink")
    from ground_station import GroundStation, free_port

    boxes = bench.create_publisher(TrackedBox, "tracked_box", 10)
    port = free_port()
    vehicle = GroundStation(f"udpin:127.0.0.1:{port}", bench.spin, system_id=1)
    options = {"output": "mavlink", "link.device": f"udpout:127.0.0.1:{port}", "max_age": 5.0}
    with gimbal(bench, **options) as node:
        beat = vehicle.wait("HEARTBEAT")
        assert (beat.get_srcSystem(), beat.get_srcComponent()) == (1, 191)
        assert not [m for m in vehicle.received if m.get_type() == "GIMBAL_MANAGER_SET_PITCHYAW"], "off by default"
        assert node.set_parameters([Parameter("actuation", value=True)])[0].successful

        def turned() -> Any:
            boxes.publish(seen())
            vehicle.turn()
            sent = [m for m in vehicle.received if m.get_type() == "GIMBAL_MANAGER_SET_PITCHYAW"]
            return sent[-1] if sent and sent[-1].yaw_rate > 0.1 else None

        message = bench.wait(turned, "rates")
        assert math.isnan(message.pitch) and math.isnan(message.yaw) and message.pitch_rate > 0.0
        assert (message.target_system, message.target_component, message.flags) == (1, 1, 16)
    vehicle.received.clear()
    vehicle.turn()
    end = [m for m in vehicle.received if m.get_type() == "GIMBAL_MANAGER_SET_PITCHYAW"]
    assert (end[-1].pitch_rate, end[-1].yaw_rate) == (0.0, 0.0)
    vehicle.close()
