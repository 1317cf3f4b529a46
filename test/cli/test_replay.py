# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A bag through the real node over real DDS, with the shipped network: the same boxes as without ROS."""

from __future__ import annotations

import csv
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from rich.console import Console
from sample_sequences import BagMaker

pytest.importorskip("rclpy")
pytest.importorskip("stdtrack_ros.msg", reason="the messages are not built")

from stdtrack_ros.cli.main import main
from stdtrack_ros.cli.replay import Replay
from stdtrack_ros.evaluation.annotated_bag import Start, Topics, annotate_bag
from stdtrack_ros.sequences.recordings.bag_file import BagFile
from stdtrack_ros.sequences.recordings.bags import COMPRESSED
from stdtrack_ros.sequences.recordings.image_bag import CameraMessage, write_image_bag
from stdtrack_ros.settings import TrackerSettings
from stdtrack_ros.tracker import create_tracker

FRAMES, STEP_NS = 12, 100_000_000
RATES = (0.12, 0.03, 0.01)
"""Played at 1.2 images per second, so that a machine with other work to do drops none; if it does, at 0.3, or 0.1."""
START_NS = 1_700_000_000_123_456_789
BOX = (60.1, 69.7, 47.9, 40.2)  # no whole numbers: TargetInit rounds them to 32 bits
COLUMNS = ("x", "y", "width", "height", "quality", "token_quality", "velocity_x", "velocity_y")


def scene(index: int) -> np.ndarray:
    """Paint a bright, textured target that moves over a dim ground."""
    random = np.random.default_rng(5)
    ground = cv2.GaussianBlur(random.integers(0, 120, (240, 320, 3), dtype=np.uint8), (0, 0), 3)
    target = cv2.resize(random.integers(90, 255, (5, 6, 3), dtype=np.uint8), (48, 40), interpolation=cv2.INTER_CUBIC)
    x, y = 60 + 5 * index, 70 + 3 * index
    ground[y : y + 40, x : x + 48] = target
    return ground


@pytest.mark.ros
@pytest.mark.slow
@pytest.mark.parametrize("compressed", [False, True])
def test_live_boxes_are_the_offline_boxes(tmp_path: Path, compressed: bool) -> None:
    topic = "/camera/image/compressed" if compressed else "/camera/image"
    with BagMaker(tmp_path / "flight #1") as bag:
        for index in range(FRAMES):
            write = bag.compressed if compressed else bag.image
            write(scene(index), START_NS + index * STEP_NS, topic)
    tracker = create_tracker(TrackerSettings())
    annotate_bag(BagFile(tmp_path / "flight #1"), tmp_path / "offline", tracker, Start(np.array(BOX)), Topics(topic))
    stamps = [START_NS + index * STEP_NS for index in range(1, FRAMES)]
    live: dict[int, dict[str, str]] = {}
    for rate in RATES:
        out = tmp_path / f"live: {rate}"
        out.mkdir()
        replay = Replay(tmp_path / "flight #1", np.array(BOX), out, topic=topic, rate=rate, compressed=compressed)
        replay.run(FRAMES, Console(quiet=True))
        live = read_live(out / "boxes.csv")
        if sorted(live) == stamps:
            break
    assert sorted(live) == stamps, "an image was dropped"
    offline = read_offline(tmp_path / "offline")
    for stamp, row in live.items():
        message = offline[stamp]
        assert int(row["status"]) == message.status
        assert int(row["frame_number"]) == message.frame_number
        found, expected = [float(row[name]) for name in COLUMNS], [getattr(message, name) for name in COLUMNS]
        np.testing.assert_array_equal(found, expected)


def read_live(path: Path) -> dict[int, dict[str, str]]:
    """Return the first row of each stamp: a node that waits long for the end repeats the last frame, as LOST."""
    with path.open(encoding="utf-8") as file:
        return {int(row["stamp_ns"]): row for row in reversed(list(csv.DictReader(file))) if row["status"] != "0"}


def read_offline(path: Path) -> dict[int, object]:
    opened = BagFile(path)
    messages = opened.messages(opened.connections("/stdtrack/tracked_box"))
    decoded = [opened.decode(data, connection.msgtype) for connection, _, data in messages]
    return {message.header.stamp.sec * 10**9 + message.header.stamp.nanosec: message for message in decoded}


@pytest.mark.ros
@pytest.mark.slow
def test_damaged_images_are_told_from_those_that_came_too_soon(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with BagMaker(tmp_path / "flight") as bag:
        for index in range(FRAMES):
            bag.compressed(scene(index), START_NS + index * STEP_NS)
    reader = BagFile(tmp_path / "flight")
    connections = reader.connections("/camera/image/compressed")
    messages = [CameraMessage(COMPRESSED, stamp, bytes(data)) for _, stamp, data in reader.messages(connections)]
    for index in (0, 7):  # their JPEGs lose the end mark
        cut = messages[index].cdr.replace(b"\xff\xd9", b"\x00\x00")
        messages[index] = CameraMessage(COMPRESSED, messages[index].recorded_ns, cut)
    write_image_bag(tmp_path / "damaged", messages, "/camera/image/compressed")
    where, box = [str(tmp_path / "damaged"), "--out", str(tmp_path / "out")], ",".join(map(str, BOX))
    told = ""
    for rate in RATES:
        monkeypatch.setattr(sys, "argv", ["stdtrack", "replay", *where, "--init", box, "--rate", str(rate)])
        with pytest.raises(SystemExit) as ended:
            main()
        told = capsys.readouterr().out
        assert ended.value.code == 0, told
        if "busy" not in told:
            break
    assert "Frame 0 of" in told and "Frame 7 of" in told and "busy" not in told
    assert sorted(read_live(tmp_path / "out" / "boxes.csv")) == [
        START_NS + index * STEP_NS for index in range(2, FRAMES) if index != 7
    ]
