# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The launch files: what their text promises, and, where launch_ros is installed, what they start."""

from __future__ import annotations

import ast
import csv
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from urllib.request import urlopen

import numpy as np
import pytest

from stdtrack_ros.sequences.recordings.bags import COMPRESSED, RAW
from stdtrack_ros.sequences.recordings.image_bag import CameraMessage, image_cdr, write_image_bag

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted((ROOT / "launch").glob("*.launch.py"))
COMMON = {"namespace", "use_sim_time", "params_file", "image", "camera_info", "log_level", "image_transport", "model"}


def _strings(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)}


def test_every_setup_has_its_launch_file() -> None:
    assert {path.name for path in FILES} >= {"uav.launch.py", "ground_robot.launch.py", "replay.launch.py"}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_a_launch_file_names_only_files_and_executables_that_ship(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    for folder, name in re.findall(r'"(config|launch)", "([\w.]+)"', text):
        assert (ROOT / folder / name).is_file()
    installed = re.search(r"install\(PROGRAMS(.*?)DESTINATION", (ROOT / "CMakeLists.txt").read_text(), re.DOTALL)
    assert installed
    executables = re.findall(r'executable="(\w+)"', text)
    for executable in executables:
        assert f"scripts/{executable}" in installed[1].split()
        assert os.access(ROOT / "scripts" / executable, os.X_OK)
        assert list((ROOT / "stdtrack_ros" / "nodes").rglob(f"{executable}.py"))
    assert executables or 'tracker.launch.py"' in text


def test_the_shared_launch_file_has_the_common_arguments() -> None:
    assert _strings(ROOT / "launch" / "tracker.launch.py") >= COMMON


@pytest.mark.parametrize("setup", ["uav", "ground_robot", "replay"])
def test_a_setup_starts_with_its_own_parameters(setup: str) -> None:
    assert f"{setup}.yaml" in _strings(ROOT / "launch" / f"{setup}.launch.py")


@pytest.mark.ros
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_show_args_lists_every_argument_with_a_description(path: Path) -> None:
    launch = pytest.importorskip("launch")
    pytest.importorskip("launch_ros")
    from launch.launch_description_sources import PythonLaunchDescriptionSource

    description = PythonLaunchDescriptionSource(str(path)).get_launch_description(launch.LaunchContext())
    arguments = {argument.name: argument for argument in description.get_launch_arguments()}
    assert arguments.keys() >= COMMON
    for argument in arguments.values():
        assert argument.description.rstrip().endswith((".", "]")), argument.name


@pytest.mark.ros
def test_a_value_that_is_not_among_the_choices_is_refused() -> None:
    launch = pytest.importorskip("launch")
    pytest.importorskip("launch_ros")
    from launch.launch_description_sources import PythonLaunchDescriptionSource

    path = str(ROOT / "launch" / "tracker.launch.py")
    description = PythonLaunchDescriptionSource(path).get_launch_description(launch.LaunchContext())
    context = launch.LaunchContext()
    context.launch_configurations["image_transport"] = "theora"
    argument = next(a for a in description.get_launch_arguments() if a.name == "image_transport")
    with pytest.raises(RuntimeError, match="compressed"):
        argument.execute(context)


@pytest.mark.ros
@pytest.mark.slow
@pytest.mark.parametrize("name", ["tracker", "uav", "ground_robot"])
def test_the_operators_page_comes_with_the_same_camera_and_the_node_that_it_steers(name: str, tmp_path: Path) -> None:
    """It answers at its address, and shows what the launched camera topic carries."""
    pytest.importorskip("launch_ros")
    pytest.importorskip("aiohttp")
    from domain_coordinator import domain_id

    given = {"operator": "true", "operator_port": "0", "name": "eye", "namespace": "front", "image": "/camera/image"}
    script = tmp_path / "run.py"
    script.write_text(RUN)
    with domain_id() as number:
        environment = os.environ | {
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "ROS_AUTOMATIC_DISCOVERY_RANGE": "LOCALHOST",
            "ROS_DOMAIN_ID": str(number),
            "ROS_LOG_DIR": str(tmp_path / "log"),
        }
        command = [sys.executable, str(script), str(ROOT / "launch" / f"{name}.launch.py")]
        command += [f"{argument}:={value}" for argument, value in given.items()]
        launched = subprocess.Popen(
            command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        try:
            lines: list[str] = []
            for line in launched.stdout or []:
                lines.append(line)
                if " is at http" in line:
                    break
            assert any("[front.eye_page]" in line and "http://127.0.0.1:" in line for line in lines), "".join(lines)
            picture = _picture_on_page(lines[-1].split()[-1], number)
            assert picture.shape == (48, 64, 3) and np.abs(picture.astype(int) - GREY).max() < 5
        finally:
            launched.send_signal(signal.SIGINT)
            rest = launched.communicate(timeout=600)[0]
    assert launched.returncode == 0, "".join(lines) + rest


GREY = 90


def _picture_on_page(address: str, domain: int) -> np.ndarray:
    """Film something grey on /camera/image, open the page, and return its first picture."""
    import cv2
    import rclpy
    from node_bench import Bench
    from page_client import PageClient
    from rclpy.qos import qos_profile_sensor_data
    from sensor_msgs.msg import Image

    with urlopen(address.partition("#")[0]) as page:
        assert page.status == 200 and b"<title>Operator" in page.read()
    rclpy.init(domain_id=domain)
    bench = Bench("film")
    bench.camera = bench.create_publisher(Image, "/camera/image", qos_profile_sensor_data)
    film = bench.create_timer(0.1, lambda: bench.show(np.full((48, 64, 3), GREY, np.uint8)))
    client = PageClient(address)
    try:
        assert client.connect() == 101
        bench.wait(lambda: client.pictures, "picture")
        return cv2.imdecode(np.frombuffer(client.pictures[0][1], np.uint8), cv2.IMREAD_COLOR)
    finally:
        client.close()
        film.cancel()
        bench.close()
        rclpy.shutdown()


RUN = """
import sys
from launch import LaunchService
from launch.actions import IncludeLaunchDescription
from launch import LaunchDescription
from launch.launch_description_sources import PythonLaunchDescriptionSource

path, *given = sys.argv[1:]
arguments = [tuple(word.split(":=", 1)) for word in given]
service = LaunchService()
source = PythonLaunchDescriptionSource(path)
service.include_launch_description(LaunchDescription([IncludeLaunchDescription(source, launch_arguments=arguments)]))
sys.exit(service.run())
"""


def _message(image: np.ndarray, stamp_ns: int, compressed: bool) -> CameraMessage:
    if not compressed:
        return CameraMessage(RAW, stamp_ns, image_cdr(image, stamp_ns))
    from builtin_interfaces.msg import Time
    from rclpy.serialization import serialize_message
    from std_msgs.msg import Header

    from stdtrack_ros.nodes.camera.image_messages import jpeg_message

    header = Header(stamp=Time(sec=stamp_ns // 10**9, nanosec=stamp_ns % 10**9), frame_id="camera")
    return CameraMessage(COMPRESSED, stamp_ns, serialize_message(jpeg_message(image, header, 95)))


@pytest.mark.ros
@pytest.mark.slow
@pytest.mark.parametrize(
    "extra", [{}, {"image": "/camera", "image_transport": "compressed"}], ids=["raw", "compressed"]
)
def test_a_replay_runs_and_ends_with_its_recording(extra: dict[str, str], tmp_path: Path) -> None:
    pytest.importorskip("launch_ros")
    from domain_coordinator import domain_id

    images = []
    for index in range(12):
        image = np.full((120, 160, 3), 70, np.uint8)
        image[40:70, 30 + 2 * index : 60 + 2 * index] = (40, 60, 230)
        stamp_ns = 10**9 + index * 10**8
        images.append(_message(image, stamp_ns, bool(extra)))
    write_image_bag(tmp_path / "bag", images)
    given = {"source": tmp_path / "bag", "init": "30,40,30,30", "out": tmp_path / "boxes.csv", "namespace": "front"}
    given |= extra
    given["rate"] = 0.25  # a busy machine has to take the first image before the second comes
    script = tmp_path / "run.py"
    script.write_text(RUN)
    environment = os.environ | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "ROS_AUTOMATIC_DISCOVERY_RANGE": "LOCALHOST",
        "ROS_LOG_DIR": str(tmp_path / "log"),
    }
    command = [sys.executable, str(script), str(ROOT / "launch" / "replay.launch.py")]
    command += [f"{name}:={value}" for name, value in given.items()]
    with domain_id() as number:
        environment["ROS_DOMAIN_ID"] = str(number)
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "[ERROR]" not in done.stdout + done.stderr
    rows = list(csv.DictReader((tmp_path / "boxes.csv").open(newline="")))
    assert any(row["target_id"] == "target-1" for row in rows), done.stdout + done.stderr
