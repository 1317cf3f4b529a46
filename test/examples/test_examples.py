# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Every example does what it says, as a user runs it."""

from __future__ import annotations

import math
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest
from sample_sequences import write_lines

from stdtrack_ros.sequences.recordings.video_writer import VideoWriter

if TYPE_CHECKING:
    from node_bench import Bench

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
COUNT, STEP, BOX = 6, 3, (60, 40, 40, 30)


def _frame(index: int) -> np.ndarray:
    """Paint a patterned box that moves to the right over a plain ground, (120, 200, 3) uint8."""
    x, y, width, height = BOX
    image = np.full((120, 200, 3), 90, np.uint8)
    pattern = np.random.default_rng(3).integers(0, 256, (height // 5, width // 5, 3), dtype=np.uint8)
    image[y : y + height, x + STEP * index : x + width + STEP * index] = np.kron(pattern, np.ones((5, 5, 1), np.uint8))
    return image


def _run(*command: object, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *map(str, command)],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )


def test_a_video_is_tracked(tmp_path: Path) -> None:
    with VideoWriter(tmp_path / "clip.mp4", 25.0) as video:
        for index in range(COUNT):
            video.write(_frame(index))
    done = _run(EXAMPLES / "track_video.py", tmp_path / "clip.mp4", ",".join(map(str, BOX)))
    assert done.returncode == 0, done.stderr
    rows = [line.split() for line in done.stdout.splitlines()]
    assert [int(row[0]) for row in rows] == list(range(1, COUNT))
    assert all(row[1] in ("TRACKING", "UNCERTAIN") for row in rows)
    assert abs(float(rows[-1][3]) - BOX[0] - STEP * (COUNT - 1)) < 8


def test_a_plugged_in_tracker_is_evaluated(tmp_path: Path) -> None:
    package = shutil.copytree(EXAMPLES / "plugged_in_tracker", tmp_path / "package")
    pip = ("-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation", "--target", tmp_path / "site")
    done = _run(*pip, package)
    assert done.returncode == 0, done.stderr
    folder = tmp_path / "data" / "clip"
    folder.mkdir(parents=True)
    for index in range(COUNT):
        cv2.imwrite(str(folder / f"{index:08d}.png"), _frame(index))
    boxes = [f"{BOX[0] + STEP * index},{BOX[1]},{BOX[2]},{BOX[3]}" for index in range(COUNT)]
    write_lines(folder / "groundtruth.txt", boxes)
    command = ("-m", "stdtrack_ros.cli.main", "evaluate", tmp_path / "data", "--out", tmp_path / "report")
    options = ("--plugin", "correlation", "--no-own", "--no-baselines", "--protocol", "ope")
    done = _run(*command, *options, PYTHONPATH=str(tmp_path / "site"))
    assert done.returncode == 0, done.stdout + done.stderr
    row = re.search(r"correlation\D+(\d+\.\d)", done.stdout)
    assert row and float(row[1]) > 90, done.stdout  # the patch never changes, so it is found again to the pixel


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    """Camera and observer in a DDS domain of their own."""
    rclpy = pytest.importorskip("rclpy")
    pytest.importorskip("stdtrack_ros.srv", reason="the messages are not built")
    from domain_coordinator import domain_id
    from node_bench import Bench

    with domain_id() as number:
        monkeypatch.setenv("ROS_DOMAIN_ID", str(number))
        monkeypatch.setenv("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
        rclpy.init()
        one = Bench()
        yield one
        one.close()
        rclpy.shutdown()


@pytest.mark.ros
def test_a_target_is_started_from_python(bench: Bench, tmp_path: Path) -> None:
    from moving_scene import Scene
    from node_bench import running

    scene, found = Scene(), []
    with running(tmp_path / "log", bench):
        bench.answer(scene.image(0))
        box = np.array(scene.box(0)) / [320, 240, 320, 240]
        thread = threading.Thread(target=lambda: found.append(_run(EXAMPLES / "start_target.py", *box)))
        thread.start()
        index = 0
        while thread.is_alive():
            index += bool(bench.boxes[-1].target_id)  # it stays where it is until it is a target
            bench.show(scene.image(min(index // 20, 30)))
            bench.spin(0.05)
        thread.join()
    (done,) = found
    assert done.returncode == 0, done.stderr
    assert "40x40 px" in done.stdout
    assert len(re.findall(r"quality \d\.\d\d$", done.stdout, re.MULTILINE)) == 10


@pytest.mark.ros
def test_px4_is_flown_after_a_target_and_hovers_whenever_it_cannot_be_trusted(bench: Bench, tmp_path: Path) -> None:
    """The vehicle heads east; the target is as far again as it should be, to the right and above."""
    px4 = pytest.importorskip("px4_msgs.msg", reason="the messages of other packages are not built")
    from follow_messages import box
    from geometry_msgs.msg import Twist, TwistStamped, Vector3
    from node_bench import NodeProcess
    from rclpy.qos import qos_profile_sensor_data
    from stdtrack_ros.msg import TrackedBox

    setpoints, modes = [], []
    bench.create_subscription(px4.TrajectorySetpoint, "fmu/in/trajectory_setpoint", setpoints.append, 10)
    bench.create_subscription(px4.OffboardControlMode, "fmu/in/offboard_control_mode", modes.append, 10)
    attitudes = bench.create_publisher(px4.VehicleAttitude, "fmu/out/vehicle_attitude", qos_profile_sensor_data)
    boxes = bench.create_publisher(TrackedBox, "tracked_box", 10)
    velocities = bench.create_publisher(TwistStamped, "cmd_vel", 10)
    east = px4.VehicleAttitude(q=[math.sqrt(0.5), 0.0, 0.0, math.sqrt(0.5)])
    seen = box(height=72.0, bearing=Vector3(x=0.5, y=-0.5, z=math.sqrt(0.5)))
    lost = box(status=TrackedBox.STATUS_LOST)
    right = math.atan2(0.5, math.sqrt(0.5))
    follow = {"yaw_gain": 0.5, "forward_gain": 1.0, "max_speed": 2.0, "climb_gain": 0.6, "actuation": True}
    wanted = [0.0, math.cos(right), -0.6 * math.radians(30), 0.5 * right]  # north, east, down, yaw speed

    def until(expected: list[float], what: str, heading: object = east, **sent: object) -> None:
        def reached() -> bool:
            for name, message in sent.items():
                {"target": boxes, "velocity": velocities}[name].publish(message)
            if heading is not None:
                attitudes.publish(heading)
            newest = [*setpoints[-1].velocity, setpoints[-1].yawspeed] if setpoints else []
            return newest == pytest.approx(expected, abs=1e-4)

        setpoints.clear()
        bench.wait(reached, what)

    rest = [0.0] * 4
    node = NodeProcess(tmp_path / "log", script="../../examples/px4_offboard.py")
    controller = NodeProcess(tmp_path / "controller", script="../../scripts/follow_controller", **follow)
    try:
        until(rest, "set-point before anything has come", heading=None)
        until(wanted, "set-point towards the target", target=seen)
        until(rest, "stop while the target is lost", target=lost)
        until(wanted, "set-point towards the target that is found", target=seen)
        until(rest, "stop without an attitude", heading=None, target=seen)
        until(wanted, "set-point with the attitude", target=seen)
        controller.process.kill()
        controller.process.wait()
        until(rest, "stop without a controller", target=seen)
        fast = Twist(linear=Vector3(x=30.0, z=40.0), angular=Vector3(z=9.0))
        until([0.0, 1.8, -2.4, -1.0], "limits", velocity=TwistStamped(twist=fast))  # 3 m/s, 1 rad/s
        fast.linear.z = math.nan
        until(rest, "stop for NaN", velocity=TwistStamped(twist=fast))
        assert all(map(math.isnan, (*setpoints[-1].position, *setpoints[-1].acceleration, setpoints[-1].yaw)))
        assert modes[-1].velocity
        assert not any((modes[-1].position, modes[-1].acceleration, modes[-1].attitude, modes[-1].body_rate))
        assert node.stop() == 0, node.output
    finally:
        for process in (node.process, controller.process):
            process.kill()
            process.wait()
