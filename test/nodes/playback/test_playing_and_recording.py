# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The player and the recorder in processes of their own: what was recorded arrives, what arrives is written down."""

from __future__ import annotations

import csv
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from node_bench import WAIT_S, Bench, header
from rclpy.qos import QoSProfile, ReliabilityPolicy
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import Header
from stdtrack_ros.msg import TargetInit, TrackedBox

from stdtrack_ros.nodes.camera.image_messages import decode_image
from stdtrack_ros.sequences.recordings.bags import COMPRESSED, RAW
from stdtrack_ros.sequences.recordings.image_bag import CameraMessage, image_cdr, jpeg_cdr, write_image_bag

pytestmark = pytest.mark.ros
COUNT, STEP_NS = 6, 100_000_000


@pytest.fixture
def bag(tmp_path: Path) -> Path:
    """Six pictures of noise, 0.1 s apart, stamped from 5 s on."""
    random = np.random.default_rng(3)
    stamps = [5_000_000_000 + index * STEP_NS for index in range(COUNT)]
    images = [random.integers(0, 255, (48, 64, 3), dtype=np.uint8) for _ in stamps]
    write_image_bag(
        tmp_path / "bag",
        [CameraMessage(RAW, stamp, image_cdr(image, stamp)) for stamp, image in zip(stamps, images, strict=True)],
    )
    return tmp_path / "bag"


@pytest.fixture
def start(tmp_path: Path, bench: Bench) -> Iterator:
    """Return a function that starts an executable in the bench's namespace; kill what is left over at the end."""
    processes = []

    def start(module: str, *parameters: str) -> subprocess.Popen[str]:
        options = [word for parameter in parameters for word in ("-p", parameter)]
        command = [sys.executable, "-m", f"stdtrack_ros.nodes.{module}", "--ros-args", *options]
        command += ["-r", f"__ns:={bench.get_namespace()}"]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        processes.append(process)
        return process

    yield start
    for process in processes:
        process.kill()
        process.communicate()


def test_a_bag_is_played_as_it_was_recorded_and_starts_the_target_on_its_first_image(
    bag: Path, bench: Bench, start
) -> None:
    images: list[Image] = []
    clocks: list[Clock] = []
    inits: list[TargetInit] = []
    bench.create_subscription(Image, "image", images.append, QoSProfile(depth=20))
    bench.create_subscription(Clock, "/clock", clocks.append, 20)
    bench.create_subscription(TargetInit, "target_init", inits.append, 20)
    # Slowly, for the player keeps the last five images only for who has yet to discover it.
    player = start("playback.video_player", f"source:={bag}", "clock:=true", "init:='1,2.5,30,40'", "rate:=0.25")
    bench.wait(lambda: len(images) == COUNT and inits, "all images and a start")
    answer = bench.create_publisher(TrackedBox, "tracked_box", 10)
    bench.wait(lambda: answer.publish(TrackedBox(status=1)) or player.poll() is not None, "end of the player")
    assert player.returncode == 0
    stamps = [image.header.stamp.sec * 10**9 + image.header.stamp.nanosec for image in images]
    assert stamps == [5_000_000_000 + index * STEP_NS for index in range(COUNT)]
    expected = np.random.default_rng(3)
    for image in images:
        assert np.array_equal(decode_image(image), expected.integers(0, 255, (48, 64, 3), dtype=np.uint8))
    assert [clock.clock for clock in clocks] == [image.header.stamp for image in images]
    first = inits[0]
    assert first.header.stamp == images[0].header.stamp
    assert (first.x, first.y, first.width, first.height, first.normalized) == (1.0, 2.5, 30.0, 40.0, False)


def test_a_first_image_that_is_cut_off_is_no_start(tmp_path: Path, bench: Bench, start) -> None:
    stamps = [5_000_000_000 + index * STEP_NS for index in range(COUNT)]
    whole = [jpeg_cdr(np.full((48, 64, 3), 90, np.uint8), stamp, 90) for stamp in stamps]
    cut = whole[0].replace(b"\xff\xd9", b"\x00\x00")  # the first image has lost its end mark
    messages = [CameraMessage(COMPRESSED, *message) for message in zip(stamps, [cut, *whole[1:]], strict=True)]
    write_image_bag(tmp_path / "bag", messages)
    inits: list[TargetInit] = []
    bench.create_subscription(TargetInit, "target_init", inits.append, 20)
    bench.create_subscription(CompressedImage, "image/compressed", lambda _: None, 10)  # the player waits for it
    start("playback.video_player", f"source:={tmp_path / 'bag'}", "init:='1,2.5,30,40'")
    bench.wait(lambda: inits, "a start")
    assert inits[0].header.stamp.nanosec == STEP_NS


def test_best_effort_subscribers_are_served_too(bag: Path, bench: Bench, start) -> None:
    images: list[Image] = []
    best_effort = QoSProfile(depth=20, reliability=ReliabilityPolicy.BEST_EFFORT)
    bench.create_subscription(Image, "image", images.append, best_effort)
    start("playback.video_player", f"source:={bag}", "loop:=true")  # what comes before discovery is lost
    bench.wait(lambda: len(images) >= COUNT, "images")
    stamps = [image.header.stamp.sec * 10**9 + image.header.stamp.nanosec for image in images]
    assert {stamp % STEP_NS for stamp in stamps} == {0} and stamps == sorted(set(stamps))


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        (["source:=/nowhere"], "nothing at /nowhere"),
        (["source:={bag}", "source_topic:=/other"], "/camera/image_raw"),
        (["source:={bag}", "init:='1,2'"], "x,y,width,height"),
        (["source:={bag}", "rate:=0.0"], "from 0.01"),
        (["source:={bag}", "rate:=fast"], "rate"),
    ],
)
def test_what_cannot_be_played_ends_with_a_sentence(bag: Path, start, parameters: list[str], words: str) -> None:
    player = start("playback.video_player", *(text.format(bag=bag) for text in [*parameters, "wait:=0.0"]))
    output, _ = player.communicate(timeout=WAIT_S)
    assert player.returncode == 2, output
    assert words in output
    assert "Traceback" not in output


def test_the_recorder_writes_every_message_and_leaves_a_whole_file(tmp_path: Path, bench: Bench, start) -> None:
    path = tmp_path / "new" / "boxes.csv"
    recorder = start("playback.box_recorder", f"out:={path}")
    publisher = bench.create_publisher(TrackedBox, "tracked_box", 100)
    bench.wait(lambda: publisher.get_subscription_count() == 2, "recorder beside the bench")
    bench.spin(1.0)
    for number in range(1, 21):
        message = TrackedBox(header=header(10.0 + number), target_id="a,b", status=2, x=1.5, quality=float("nan"))
        message.frame_number, message.latency.nanosec = number, 25_000_000
        publisher.publish(message)
    bench.wait(lambda: path.read_text().count("\n") == 21, "20 rows")
    recorder.send_signal(signal.SIGINT)
    assert recorder.wait(WAIT_S) == 0
    rows = list(csv.DictReader(path.open(newline="")))
    assert [int(row["frame_number"]) for row in rows] == list(range(1, 21))
    last = rows[-1]
    assert (last["stamp_ns"], last["target_id"], last["status"]) == ("30000000000", "a,b", "2")
    assert (float(last["x"]), float(last["latency_s"]), last["quality"]) == (1.5, 0.025, "nan")


def test_a_recorder_that_cannot_write_says_so(tmp_path: Path, start) -> None:
    (tmp_path / "file").write_text("")
    recorder = start("playback.box_recorder", f"out:={tmp_path / 'file' / 'boxes.csv'}")
    output, _ = recorder.communicate(timeout=WAIT_S)
    assert recorder.returncode == 2
    assert "cannot be written" in output
    assert "Traceback" not in output


def test_an_empty_header_is_a_stamp_of_zero() -> None:
    from stdtrack_ros.nodes.playback.box_recorder import COLUMNS, row

    assert dict(zip(COLUMNS, row(TrackedBox(header=Header())), strict=True))["stamp_ns"] == 0
