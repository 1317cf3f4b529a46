# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Faults over real DDS: what a field day does to a node."""

from __future__ import annotations

import resource
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from moving_scene import Scene
from node_bench import HERE, WAIT_S, Bench, NodeProcess, overlap, running
from sensor_msgs.msg import Image
from stdtrack_ros.msg import TrackedBox

pytestmark = pytest.mark.ros
SCENE = Scene()
TRACKING, LOST = TrackedBox.STATUS_TRACKING, TrackedBox.STATUS_LOST


@contextmanager
def companion(bench: Bench, script: str, *arguments: object) -> Iterator[subprocess.Popen]:
    """Another program in the bench's namespace, killed at the end."""
    words = [str(argument) for argument in arguments]
    ros = ["--ros-args", "-r", f"__ns:={bench.get_namespace()}"]
    process = subprocess.Popen([sys.executable, str(HERE / script), *words, *ros])
    try:
        yield process
    finally:
        process.send_signal(signal.SIGCONT)
        process.kill()
        process.wait()


def start(bench: Bench, index: int = 0) -> None:
    bench.start_on(SCENE.box(index), at=bench.answer(SCENE.image(index)).header)


def test_a_camera_that_is_killed_and_started_again(bench: Bench, tmp_path: Path) -> None:
    # Every picture is the same: the target is where it was when the camera comes back.
    with running(tmp_path / "log", bench, warm=False, stale_after=0.5) as node:
        with companion(bench, "camera_process.py", 20, 0):
            bench.wait(lambda: bench.boxes, "answer")
            bench.start(SCENE.box(0))
            bench.wait(lambda: bench.boxes[-1].target_id, "target")
        bench.wait(lambda: bench.boxes[-1].status == LOST, "LOST after the camera's death")
        stopped = bench.boxes[-1].header.stamp
        with companion(bench, "camera_process.py", 20, 0):
            bench.wait(lambda: bench.boxes[-1].header.stamp != stopped, "answer to the new camera")
            assert bench.boxes[-1].target_id == "target-1", "the target is kept"
        bench.wait(lambda: "No image on" in node.output, "line in the log")


def test_one_message_in_a_hundred_is_corrupt(bench: Bench, tmp_path: Path) -> None:
    random = np.random.default_rng(3)
    with running(tmp_path / "log", bench):
        start(bench)
        bad = 0
        for index in range(1, 301):
            if random.integers(100) == 0:
                bad += 1
                size = int(random.integers(0, 1000))
                wrong = Image(header=bench.header(), height=240, width=320, encoding="bgr8", step=960)
                wrong.data = random.integers(0, 255, size, dtype=np.uint8).tobytes()
                bench.refusal(wrong, str(bad), "refused")
            answer = bench.answer(SCENE.image(index))
            assert answer.status == TRACKING and overlap(answer, SCENE.box(index)) > 0.6
        assert bad > 0
        assert (answer.frame_number, answer.dropped_frames) == (300, bad)


def test_bytes_that_are_no_message_at_all(bench: Bench, tmp_path: Path) -> None:
    random = np.random.default_rng(5)
    with running(tmp_path / "log", bench) as node:
        start(bench)
        for index in range(1, 41):
            for publisher in (bench.camera, bench.starter, bench.calibration):
                publisher.publish(random.integers(0, 255, int(random.integers(4, 200)), dtype=np.uint8).tobytes())
            answer = bench.answer(SCENE.image(index))
            assert answer.status == TRACKING and overlap(answer, SCENE.box(index)) > 0.6
        assert node.process.poll() is None


def test_a_burst_at_ten_times_the_rate(bench: Bench, tmp_path: Path) -> None:
    with running(tmp_path / "log", bench, model__threads=200):  # milliseconds a frame
        start(bench)
        bench.boxes.clear()
        for index in range(300):
            bench.show(SCENE.image(1 + index // 100))
            bench.spin(1 / 300)
        last = bench.header(0.0).stamp
        bench.wait(lambda: bench.boxes and bench.boxes[-1].header.stamp == last, "answer to the last frame")
        end = bench.boxes[-1]
        assert end.frame_number < 200, "nothing queues up"
        assert end.frame_number + end.dropped_frames <= 300
        assert bench.boxes[-1].status == TRACKING


def test_a_subscriber_that_stalls_holds_nothing_up(bench: Bench, tmp_path: Path) -> None:
    with running(tmp_path / "log", bench), companion(bench, "observer_process.py") as observer:
        topic = f"{bench.get_namespace()}/tracked_box"
        bench.wait(lambda: bench.count_subscribers(topic) == 2, "second subscriber")
        start(bench)
        observer.send_signal(signal.SIGSTOP)
        for index in range(1, 201):
            answer = bench.answer(SCENE.image(index))
            assert overlap(answer, SCENE.box(index)) > 0.6


def test_a_node_that_is_killed_and_started_again(bench: Bench, tmp_path: Path) -> None:
    namespace = bench.get_namespace().strip("/")
    first = NodeProcess(tmp_path / "first", namespace, diagnostics_period=0.2, stale_after=60.0)
    try:
        bench.wait(bench.starter.get_subscription_count, "node")
        bench.warm_up(bench.show)
        start(bench)
        assert bench.answer(SCENE.image(1)).status == TRACKING
    finally:
        first.process.kill()
        first.process.wait()
    bench.boxes.clear()
    with running(tmp_path / "second", bench):
        assert bench.answer(SCENE.image(2)).status == TrackedBox.STATUS_NONE, "a new node has no target"
        start(bench, 3)
        answer = bench.answer(SCENE.image(4))
        assert answer.status == TRACKING and overlap(answer, SCENE.box(4)) > 0.7


def test_a_thousand_starts_in_a_row(bench: Bench, tmp_path: Path) -> None:
    with running(tmp_path / "log", bench):
        at = bench.answer(SCENE.image(0)).header
        for number in range(1000):
            bench.start(SCENE.box(0), at=at)
            if number % 10 == 0:
                bench.spin(0.005)
        bench.wait_report("target-1 NONE", "targets")
        answer = bench.answer(SCENE.image(1))
        assert answer.status == TRACKING and overlap(answer, SCENE.box(1)) > 0.7


@pytest.mark.parametrize("when", ["from the start", "in the middle"])
def test_a_full_disk_ends_the_recorder_with_a_sentence_and_leaves_the_node(
    bench: Bench, tmp_path: Path, when: str
) -> None:
    out = "/dev/full" if when == "from the start" else str(tmp_path / "boxes.csv")
    namespace, topic = bench.get_namespace().strip("/"), f"{bench.get_namespace()}/tracked_box"
    with running(tmp_path / "log", bench):
        recorder = NodeProcess(tmp_path / "recorder", namespace, "../../scripts/box_recorder", out=out)
        try:
            bench.wait(lambda: bench.count_subscribers(topic) == 2 or recorder.process.poll() is not None, "recorder")
            if when == "in the middle":
                resource.prlimit(recorder.process.pid, resource.RLIMIT_FSIZE, (2000, 2000))
            index = 0
            end = time.monotonic() + WAIT_S
            while recorder.process.poll() is None and time.monotonic() < end:
                index += 1
                assert bench.answer(SCENE.image(index)).status == TrackedBox.STATUS_NONE
            assert recorder.process.poll() == 2, recorder.output
            assert f"{out} cannot be written" in recorder.output and "Traceback" not in recorder.output
        finally:
            recorder.process.kill()
            recorder.process.wait()
        assert bench.answer(SCENE.image(index + 1)).status == TrackedBox.STATUS_NONE
