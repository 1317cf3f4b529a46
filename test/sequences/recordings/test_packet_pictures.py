# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Bags whose images are packets of a video codec."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sample_sequences import STEP_NS, VISION_MSGS, BagMaker, stamp
from video_packets_made import encoded

from stdtrack_ros.errors import SequenceError
from stdtrack_ros.sequences.recordings.bags import RAW, BagSequence
from stdtrack_ros.sequences.recordings.image_bag import open_camera

SHADES = [np.full((48, 64, 3), 40 + 8 * index, np.uint8) for index in range(12)]
DEFINITIONS = {
    **VISION_MSGS,
    "foxglove_msgs/msg/CompressedVideo": (
        "builtin_interfaces/Time timestamp\nstring frame_id\nuint8[] data\nstring format\n"
    ),
    "ffmpeg_image_transport_msgs/msg/FFMPEGPacket": (
        "std_msgs/Header header\nint32 width\nint32 height\nstring encoding\nuint64 pts\nuint8 flags\n"
        "bool is_bigendian\nuint8[] data\n"
    ),
}


def _message(bag: BagMaker, kind: str, data: np.ndarray, stamp_ns: int) -> Any:
    header = bag.header(stamp_ns)
    if kind == "foxglove_msgs/msg/CompressedVideo":
        return bag.make(kind, timestamp=header.stamp, frame_id="camera", data=data, format="h264")
    if kind == "sensor_msgs/msg/CompressedImage":
        return bag.make(kind, header=header, format="h264", data=data)
    fields = {"width": 64, "height": 48, "encoding": "libx264", "pts": 0, "flags": 0, "is_bigendian": False}
    return bag.make(kind, header=header, data=data, **fields)


def _write(path: Path, kind: str, packets: list[bytes]) -> Path:
    with BagMaker(path, definitions=DEFINITIONS) as bag:
        for index, packet in enumerate(packets):
            bag.write("/camera/video", _message(bag, kind, np.frombuffer(packet, np.uint8), stamp(index)), stamp(index))
    return path


@pytest.mark.parametrize("kind", [*list(DEFINITIONS)[-2:], "sensor_msgs/msg/CompressedImage"])
def test_packets_are_read_as_pictures_in_any_order(tmp_path: Path, kind: str) -> None:
    sequence = BagSequence("video", _write(tmp_path / "video", kind, encoded(SHADES)))
    assert sequence.is_video and len(sequence) == 12
    assert np.diff(sequence.stamps_s) == pytest.approx(np.full(11, STEP_NS * 1e-9), abs=1e-6)
    for index in (0, 1, 7, 11, 3, 3):
        assert sequence.frame(index).mean() == pytest.approx(40 + 8 * index, abs=4)


def test_a_recording_that_begins_between_key_frames_says_what_is_missing(tmp_path: Path) -> None:
    path = _write(tmp_path / "late", "foxglove_msgs/msg/CompressedVideo", encoded(SHADES)[2:])
    sequence = BagSequence("late", path)
    assert len(sequence) == 7 and sequence.frame(0).mean() == pytest.approx(80, abs=4)
    assert any(note.startswith("3 packets of the video give no picture") for note in sequence.notes)


def test_packets_that_are_no_video_are_one_sentence(tmp_path: Path) -> None:
    path = _write(tmp_path / "noise", "foxglove_msgs/msg/CompressedVideo", [bytes(40)] * 5)
    with pytest.raises(SequenceError, match=r"No picture of the video in .* can be decoded: The h264 stream"):
        BagSequence("noise", path)


def test_the_player_shows_packets_as_raw_images(tmp_path: Path) -> None:
    path = _write(tmp_path / "video", "foxglove_msgs/msg/CompressedVideo", encoded(SHADES))
    messages = list(open_camera(path).messages)
    assert {message.kind for message in messages} == {RAW}
    assert [message.stamp_ns() for message in messages] == [stamp(index) for index in range(12)]
