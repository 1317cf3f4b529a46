# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""follow_controller in its own process, and the closed loop: camera, tracker_node, controller, body."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from follow_messages import box
from geometry_msgs.msg import Twist, TwistStamped
from node_bench import Bench, NodeProcess, running
from rcl_interfaces.srv import SetParametersAtomically
from rclpy.parameter import Parameter
from rclpy.time import Time
from rosgraph_msgs.msg import Clock
from simulated_world import HEIGHT, WIDTH, Body, World, camera_info
from std_msgs.msg import Bool, Header
from stdtrack_ros.msg import TargetState, TrackedBox

from stdtrack_ros.nodes.following.follow_controller import FollowController

pytestmark = pytest.mark.ros
CONTROLLER = "../../scripts/follow_controller"
TRACKING, LOST = TrackedBox.STATUS_TRACKING, TrackedBox.STATUS_LOST
PERIOD_S = 0.05


def settled(bench: Bench, commands: list[TwistStamped]) -> int:
    """How many velocities have come once no more are on their way."""
    count = -1
    while count != len(commands):
        count = len(commands)
        bench.spin(0.5)
    return count


@contextmanager
def controller(bench: Bench, log: Path, **parameters: object) -> Iterator[list[TwistStamped]]:
    """Run a controller; yield the velocities it sends."""
    commands: list[TwistStamped] = []
    bench.create_subscription(TwistStamped, "cmd_vel", commands.append, 50)
    process = NodeProcess(log, bench.get_namespace().strip("/"), script=CONTROLLER, **parameters)
    try:
        bench.wait(lambda: bench.count_publishers("cmd_vel") or process.process.poll() is not None, "controller")
        yield commands
        assert process.stop() == 0, process.output
    finally:
        if process.process.poll() is None:
            process.process.kill()
        process.process.wait()


def test_it_is_off_until_a_parameter_turns_it_on(bench: Bench, tmp_path: Path) -> None:
    boxes = bench.create_publisher(TrackedBox, "tracked_box", 10)
    with controller(bench, tmp_path / "log", yaw_gain=1.0) as commands:
        right = box()
        right.bearing.x, right.bearing.z = 0.5, math.sqrt(0.75)

        def feed(until: Callable[[], bool], what: str) -> None:
            bench.wait(lambda: boxes.publish(right) or until(), what)

        def turning() -> bool:
            return bool(commands) and commands[-1].twist.angular.z != 0.0

        feed(lambda: bool(bench.reports) and bench.reports[-1].message == "Following.", "report of what would be sent")
        assert not commands
        request = SetParametersAtomically.Request(parameters=[Parameter("actuation", value=True).to_parameter_msg()])
        assert bench.call(
            SetParametersAtomically, "follow_controller/set_parameters_atomically", request
        ).result.successful
        feed(turning, "velocity")  # on the way to the wanted one, within the acceleration
        feed(lambda: commands[-1].twist.angular.z == pytest.approx(-math.pi / 6), "the wanted velocity")
        assert commands[-1].header.frame_id == "base_link"
        bench.wait(lambda: commands[-1].twist.angular.z == 0.0, "stop when no boxes come")
        request.parameters = [Parameter("actuation", value=False).to_parameter_msg()]
        feed(turning, "velocity")
        bench.call(SetParametersAtomically, "follow_controller/set_parameters_atomically", request)
        bench.wait(lambda: commands[-1].twist.angular.z == 0.0, "stop as the last word")
        count = settled(bench, commands)
        bench.reports.clear()
        feed(lambda: bool(bench.reports) and bench.reports[-1].message == "Following.", "report of what would be sent")
        assert len(commands) == count and commands[-1].twist.angular.z == 0.0


def test_while_it_is_off_no_change_of_a_parameter_sends_anything(bench: Bench) -> None:
    commands: list[TwistStamped] = []
    bench.create_subscription(TwistStamped, "cmd_vel", commands.append, 50)
    with bench.hosting(FollowController) as node:
        bench.wait(lambda: node.count_subscribers("cmd_vel") and bench.count_publishers("cmd_vel"), "each other")
        assert node.set_parameters([Parameter("yaw_gain", value=3.0)])[0].successful
        bench.spin(0.5)
        assert not commands, "someone else may be driving"
        node.set_parameters([Parameter("actuation", value=True)])
        bench.wait(lambda: commands, "stop without a target")
        node.set_parameters([Parameter("actuation", value=False)])
        count = settled(bench, commands)
        node.set_parameters([Parameter("yaw_gain", value=2.0)])
        bench.spin(0.5)
        assert len(commands) == count


def test_a_new_target_is_not_followed_by_a_box_of_the_old_one(bench: Bench) -> None:
    boxes = bench.create_publisher(TrackedBox, "tracked_box", 10)
    with bench.hosting(FollowController, max_age=10.0) as node:
        bench.wait(lambda: boxes.publish(box()) or [r for r in bench.reports if r.message == "Following."], "following")
        assert node.set_parameters([Parameter("target_id", value="other")])[0].successful
        bench.reports.clear()
        assert bench.wait(lambda: bench.reports, "report")[0].message == "Stopped: no box of target 'other' has come."


def test_it_moves_only_while_the_dead_man_switch_is_held_and_the_distance_is_known(bench: Bench) -> None:
    boxes = bench.create_publisher(TrackedBox, "tracked_box", 10)
    states = bench.create_publisher(TargetState, "target_state", 10)
    switch = bench.create_publisher(Bool, "dead_man", 10)
    commands: list[TwistStamped] = []
    bench.create_subscription(TwistStamped, "cmd_vel", commands.append, 50)
    state = TargetState(target_id="target-1", method=TargetState.METHOD_DEPTH, distance=6.0)
    options = {"actuation": True, "dead_man": True, "distance": 3.0, "forward_gain": 1.0, "max_age": 5.0}
    with bench.hosting(FollowController, dead_man_timeout=5.0, **options):

        def said(words: str, held: bool | None, known: bool) -> None:
            def turn() -> bool:
                boxes.publish(box())
                if held is not None:
                    switch.publish(Bool(data=held))
                if known:
                    states.publish(state)
                return any(words in report.message for report in bench.reports)

            bench.reports.clear()
            bench.wait(turn, f"report of '{words}'")

        said("the dead-man switch is not held", None, True)
        said("the dead-man switch is not held", False, True)
        assert {command.twist.linear.x for command in commands} <= {0.0}
        said("Following.", True, True)
        bench.wait(lambda: commands[-1].twist.linear.x > 0.5, "speed")
        speeds = [command.twist.linear.x for command in commands]
        changes = [after - before for before, after in itertools.pairwise(speeds)]
        assert max(changes) == pytest.approx(2.0 / 20.0), "it gathers speed at max_acceleration"
        state.method = TargetState.METHOD_NONE
        said("target_pose gives no position", True, True)
        assert commands[-1].twist.linear.x == 0.0 or bench.wait(lambda: commands[-1].twist.linear.x == 0.0, "stop")
        state.method = TargetState.METHOD_DEPTH
        said("Following.", True, True)
        said("the dead-man switch is not held", False, True)
        bench.wait(lambda: commands[-1].twist.linear.x == 0.0, "stop")


@dataclass
class Moment:
    """One step of the loop."""

    time_s: float
    hidden: bool
    status: int
    error_rad: float
    yaw_rate: float
    forward: float


def newest(bench: Bench, commands: list[TwistStamped]) -> Twist:
    """Wait for the second velocity that is made from now on; the first may be due to the box before."""
    now, count = bench.get_clock().now(), len(commands)
    bench.wait(lambda: sum(Time.from_msg(one.header.stamp) > now for one in commands[count:]) >= 2, "velocity")
    return commands[-1].twist


def drive(bench: Bench, world: World, body: Body, commands: list[TwistStamped], until_s: float) -> list[Moment]:
    """Run camera and body in simulated time, each frame as soon as the one before was answered: a busy machine changes
    nothing.
    """
    clock = bench.create_publisher(Clock, "/clock", 10)

    def next_header() -> Header:
        at = bench.header(PERIOD_S)
        clock.publish(Clock(clock=at.stamp))
        bench.calibration.publish(camera_info())
        return at

    def on_time() -> bool:
        bench.show(world.image(body, 0.0), next_header())
        return bool(bench.reports) and abs(float(bench.report().get("age of stamps [s]", "nan"))) < 1.0

    bench.wait(on_time, "simulated time in the tracker")
    moments = []
    for step in range(round(until_s / PERIOD_S)):
        now_s = step * PERIOD_S
        at = next_header()
        bench.answer(world.image(body, now_s), at)
        if step == 5:
            bench.start(world.box(body, now_s), at=at)
        twist = newest(bench, commands)
        body.move(twist.linear.x, twist.angular.z, PERIOD_S)
        depth, right = body.seen(*world.target(now_s))
        moments.append(
            Moment(
                now_s,
                world.hidden(body, now_s),
                bench.boxes[-1].status,
                math.atan2(right, depth),
                twist.angular.z,
                twist.linear.x,
            )
        )
    return moments


@pytest.mark.slow
def test_a_body_follows_loses_and_finds_its_target(bench: Bench, tmp_path: Path) -> None:
    world, body = World(), Body(heading=0.15)
    follow = {
        "actuation": True,
        "forward_gain": 0.5,
        "target_size": 0.22,
        "max_speed": 0.3,
        "yaw_gain": 2.0,
        "rate": 50.0,
        "max_age": 5.0,  # the loop waits for each answer, and a busy machine takes its time
    }
    tracker = running(tmp_path / "tracker", bench, warm=False, use_sim_time=True)
    with tracker, controller(bench, tmp_path / "follow", **follow) as commands:
        moments = drive(bench, world, body, commands, until_s=18.0)
    assert abs(moments[0].error_rad) > 0.15, "it begins off its target"
    before = [m for m in moments if 2.0 < m.time_s < 3.0]
    assert {m.status for m in before} == {TRACKING} and max(abs(m.error_rad) for m in before) < 0.15

    hidden = [m for m in moments if m.hidden]
    assert len(hidden) * PERIOD_S > 1.0, "the wall hides the target for a while"
    late = [m for m in hidden if m.time_s > hidden[0].time_s + 0.6]
    assert {m.status for m in late} == {LOST}, "loss is said within 0.6 s"
    assert {(m.yaw_rate, m.forward) for m in late} == {(0.0, 0.0)}, "and the body stands still"

    after = [m for m in moments if m.time_s > hidden[-1].time_s + 3.0]
    assert {m.status for m in after} == {TRACKING}, "it has found the target again"
    assert abs(after[-1].error_rad) < 0.05 and after[-1].time_s > hidden[-1].time_s + 4.0
    depth, _ = body.seen(*world.target(18.0))
    assert depth < 6.0, "and has come nearer than the 6.5 m that the target is from the start"
    assert (bench.boxes[-1].image_width, bench.boxes[-1].image_height) == (WIDTH, HEIGHT)
