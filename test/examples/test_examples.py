# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Every example does what it says, as a user runs it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import cv2
import numpy as np
import pytest
from sample_sequences import write_lines

from stdtrack_ros.sequences.recordings.video_writer import VideoWriter

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
        timeout=300,
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


@pytest.mark.ros
def test_a_target_is_started_from_python(tmp_path: Path) -> None:
    rclpy = pytest.importorskip("rclpy")
    pytest.importorskip("stdtrack_ros.srv", reason="the messages are not built")
    from domain_coordinator import domain_id
    from moving_scene import Scene
    from node_bench import Bench, running

    scene, found = Scene(), []
    with domain_id() as number:
        os.environ["ROS_DOMAIN_ID"] = str(number)
        rclpy.init()
        bench = Bench()
        with running(tmp_path / "log", bench):
            bench.answer(scene.image(0))
            box = np.array(scene.box(0)) / [320, 240, 320, 240]
            thread = threading.Thread(target=lambda: found.append(_run(EXAMPLES / "start_target.py", *box)))
            thread.start()
            for index in range(2000):
                if not thread.is_alive():
                    break
                bench.show(scene.image(min(index // 20, 30)))
                bench.spin(0.05)
            thread.join()
        bench.close()
        rclpy.shutdown()
    (done,) = found
    assert done.returncode == 0, done.stderr
    assert "40x40 px" in done.stdout
    assert len(re.findall(r"quality \d\.\d\d$", done.stdout, re.MULTILINE)) == 10
