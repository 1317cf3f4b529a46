# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The set-up: what it asks of a machine, what it says where that is missing, and that its lists agree."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

import stdtrack_ros

ROOT = Path(__file__).resolve().parents[2]
NEEDED = ("sh", "dirname", "cmake", "make", "g++", "c++", "env")


def _names(file: str) -> set[str]:
    lines = (ROOT / "requirements" / f"{file}.txt").read_text().splitlines()
    return {re.split(r"[=<>;\[ ]", line)[0].lower() for line in lines if line.strip() and not line.startswith("#")}


def _find_python(tmp_path: Path, without: str = "", **programs: str) -> subprocess.CompletedProcess[str]:
    """Run find_python.sh with nothing on the PATH but what it needs, less one, and the given little programs."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in NEEDED:
        place = shutil.which(name)
        if place and name != without and not (without == "g++" and name == "c++"):
            (folder / name).symlink_to(place)
    for name, text in programs.items():
        (folder / name).write_text(f"#!/bin/sh\n{text}\n")
        (folder / name).chmod(0o755)
    script = ROOT / "tools" / "find_python.sh"
    return subprocess.run(["/bin/sh", str(script)], env={"PATH": str(folder)}, capture_output=True, text=True)


def test_a_python_that_fits_is_found(tmp_path: Path) -> None:
    done = _find_python(tmp_path, python3=f'exec {sys.executable} -S "$@"')
    assert done.returncode == 0, done.stderr
    assert Path(done.stdout.strip()).exists()


@pytest.mark.parametrize("tool", ["cmake", "make", "g++"])
def test_a_missing_tool_is_named_with_the_cure(tmp_path: Path, tool: str) -> None:
    done = _find_python(tmp_path, without=tool, python3=f'exec {sys.executable} -S "$@"')
    assert done.returncode == 1
    assert "apt install" in done.stderr
    assert {"g++": "compiler"}.get(tool, tool) in done.stderr


def test_no_python_is_said(tmp_path: Path) -> None:
    done = _find_python(tmp_path)
    assert done.returncode == 1
    assert "found: none" in done.stderr
    assert "make PYTHON=" in done.stderr


def test_a_python_of_another_version_is_said(tmp_path: Path) -> None:
    done = _find_python(tmp_path, python3="echo 3.8")
    assert done.returncode == 1
    assert "found: 3.8" in done.stderr


def test_a_python_without_venv_is_said(tmp_path: Path) -> None:
    done = _find_python(tmp_path, python3='case "$2" in *ensurepip*) exit 1;; esac; echo 3.11')
    assert done.returncode == 1
    assert "3.11(no-venv)" in done.stderr
    assert "python3-venv" in done.stderr


def test_the_demo_is_set_up_without_torch_and_the_tests_with_it() -> None:
    def planned(target: str) -> str:
        return subprocess.run(
            ["make", "--dry-run", target, "VENV=nowhere/.venv"], cwd=ROOT, capture_output=True, text=True, check=True
        ).stdout

    assert "torch" not in planned("demo").lower()
    assert "install_torch.sh" in planned("test")
    assert "make test" in (ROOT / ".ci" / "run").read_text()


def test_torch_is_asked_for_in_train_alone() -> None:
    assert {file for file in ("run", "tools", "train", "cluster", "dev") if "torch" in _names(file)} == {"train"}


def test_the_version_stands_in_package_xml_alone() -> None:
    version = ElementTree.parse(ROOT / "package.xml").getroot().findtext("version")
    assert version
    assert stdtrack_ros.__version__ == version
    read = subprocess.run([sys.executable, "setup.py", "--version"], cwd=ROOT, capture_output=True, text=True)
    assert read.stdout.strip().splitlines()[-1] == version
    for name in ("CITATION.cff", "pyproject.toml", "setup.py", "CMakeLists.txt", "stdtrack_ros/__init__.py"):
        assert f"version: {version}" not in (ROOT / name).read_text()
        assert f'"{version}"' not in (ROOT / name).read_text()
    released = re.findall(r"^(\d+\.\d+\.\d+) \(", (ROOT / "CHANGELOG.rst").read_text(), re.MULTILINE)
    assert not released or released[0] == version


def test_make_help_lists_every_target() -> None:
    listed = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    (phony,) = re.findall(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert re.findall(r"^  make (\S+)", listed, re.MULTILINE) == re.findall(
        r"^([a-z-]+):.*##", (ROOT / "Makefile").read_text(), re.MULTILINE
    )
    assert set(phony.split()) == set(re.findall(r"^  make (\S+)", listed, re.MULTILINE))


def test_rosdep_knows_every_requirement_but_those_without_a_key() -> None:
    """Keys of the rosdep database; OpenCV stands in package.xml alone, as pip users choose its build."""
    root = ElementTree.parse(ROOT / "package.xml").getroot()
    keys = {element.text for element in root.findall("exec_depend")}
    special = {
        "onnxruntime": "python3-onnxruntime-pip",
        "pymavlink": "python3-pymavlink-pip",
        "pyserial": "python3-serial",
        "pyyaml": "python3-yaml",
        "rosbags": "python3-rosbags-pip",
    }
    names = _names("run") | _names("operator") | _names("mavlink")
    wanted = {name: special.get(name, f"python3-{name}") for name in names}
    assert {name for name, key in wanted.items() if key not in keys} == {"rosbags-image"}
    assert {"python3-opencv", "cv_bridge"} <= keys


def test_every_message_and_every_node_is_built_and_installed() -> None:
    cmake = (ROOT / "CMakeLists.txt").read_text()
    assert set(re.findall(r"msg/\w+\.msg", cmake)) == {f"msg/{path.name}" for path in (ROOT / "msg").iterdir()}
    assert set(re.findall(r"scripts/(\w+)", cmake)) == {path.name for path in (ROOT / "scripts").iterdir()}
    for script in (ROOT / "scripts").iterdir():
        module = r"cli\.main" if script.name == "stdtrack" else rf"nodes\.(\w+\.)*{script.name}"
        assert re.search(rf"^from stdtrack_ros\.{module} import main$", script.read_text(), re.MULTILINE)
        assert os.access(script, os.X_OK)


def test_every_ros_package_that_the_nodes_import_is_declared() -> None:
    sources = "\n".join(path.read_text() for path in (ROOT / "stdtrack_ros" / "nodes").rglob("*.py"))
    imported = set(re.findall(r"^from (\w+)\.(?:msg|srv) import", sources, re.MULTILINE))
    root = ElementTree.parse(ROOT / "package.xml").getroot()
    declared = {element.text for tag in ("depend", "exec_depend") for element in root.findall(tag)}
    assert imported - {"stdtrack_ros", "vision_msgs"} <= declared  # vision_msgs is used where it is installed


def test_the_builds_of_opencv_have_one_version_and_none_is_asked_for() -> None:
    pinned = re.findall(r"^opencv-\S*python\S*==(\S+)", (ROOT / "requirements" / "constraints.txt").read_text(), re.M)
    assert len(pinned) == 4
    assert len(set(pinned)) == 1
    assert not any(name.startswith("opencv") for file in ("run", "tools", "train") for name in _names(file))
