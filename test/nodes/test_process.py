# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The memory of a node's process, and its end on a full disk (its life: `tracking/test_node_lifecycle.py`)."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("rclpy")

PROGRAM = """
import resource, sys
from stdtrack_ros.nodes.process import keep_freed_memory
if sys.argv[1] == "keep":
    keep_freed_memory()
picture = bytes(1280 * 720 * 3)
def turn():
    images = [bytearray(picture) for _ in range(4)]
def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(5):
    turn()
before = faults()
for _ in range(20):
    turn()
print((faults() - before) // 20)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="malloc has no such option here")
def test_freed_images_make_room_for_the_next_ones() -> None:
    """Four images of 675 pages come and go: left to itself, malloc gives the pages back and takes them anew."""

    def run(how: str) -> int:
        done = subprocess.run([sys.executable, "-c", PROGRAM, how], check=True, capture_output=True, text=True)
        return int(done.stdout)

    assert run("leave") > 500
    assert run("keep") < 50


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no full device here")
def test_a_node_whose_log_is_full_too_ends_with_its_exit_code() -> None:
    command = [sys.executable, "-m", "stdtrack_ros.nodes.playback.box_recorder", "--ros-args", "-p", "out:=/dev/full"]
    with Path("/dev/full").open("w") as full:
        assert subprocess.run(command, stdout=full, stderr=full).returncode == 2
