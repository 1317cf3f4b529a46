# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The launch files: what their text promises, and, where launch_ros is installed, what they start."""

from __future__ import annotations

import ast
import os
import re
from pathlib import Path

import pytest

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
        assert (ROOT / "stdtrack_ros" / "nodes" / f"{executable}.py").is_file()
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
