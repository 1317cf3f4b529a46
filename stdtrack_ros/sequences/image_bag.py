# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Recordings of a camera as bags: pictures into an MCAP bag, and the camera's messages out of any bag or video file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from rosbags.highlevel import AnyReader, AnyReaderError
from rosbags.rosbag2 import StoragePlugin, Writer
from rosbags.typesys import Stores, get_typestore

from stdtrack_ros.errors import SequenceError
from stdtrack_ros.geometry import Image

IMAGE, COMPRESSED, CAMERA_INFO = (f"sensor_msgs/msg/{name}" for name in ("Image", "CompressedImage", "CameraInfo"))
VIDEO_SUFFIXES = (".mp4", ".avi", ".mkv", ".mov", ".webm", ".m4v", ".mpg", ".mpeg")

FIRST_STAMP_NS = 1_000_000_000
"""Stamp of a video's first frame: a stamp of zero means "the newest image" where a target is started."""

_STORE = get_typestore(Stores.ROS2_JAZZY)


@dataclass(frozen=True, slots=True)
class CameraMessage:
    """One message of a recorded camera.

    Attributes:
        kind: its ROS type, one of IMAGE, COMPRESSED, CAMERA_INFO.
        stamp_ns: when it was recorded.
        cdr: its serialised bytes, as any ROS 2 publisher takes them.
    """

    kind: str
    stamp_ns: int
    cdr: bytes

    def header_stamp_ns(self) -> int:
        """When the picture was taken, from the message's own header."""
        message: Any = _STORE.deserialize_cdr(self.cdr, self.kind)
        return int(message.header.stamp.sec) * 1_000_000_000 + int(message.header.stamp.nanosec)


def image_cdr(image: Image, stamp_ns: int, frame_id: str = "camera") -> bytes:
    """A `sensor_msgs/Image` (bgr8) with this stamp, serialised."""
    types = _STORE.types
    height, width = image.shape[:2]
    stamp = types["builtin_interfaces/msg/Time"](stamp_ns // 1_000_000_000, stamp_ns % 1_000_000_000)
    header = types["std_msgs/msg/Header"](stamp, frame_id)
    pixels = np.ascontiguousarray(image).reshape(-1)
    return bytes(_STORE.serialize_cdr(types[IMAGE](header, height, width, "bgr8", 0, 3 * width, pixels), IMAGE))


def write_image_bag(path: Path, frames: Iterable[tuple[int, Image]], topic: str = "/camera/image_raw") -> int:
    """Write (stamp in ns, (H, W, 3) uint8 BGR) pictures as an MCAP bag; returns how many there were.

    Raises:
        SequenceError: there is something at `path` already, or it cannot be written.
    """
    if path.exists():
        raise SequenceError(f"There is a bag at {path} already; name another folder, or remove it.")
    count = 0
    try:
        with Writer(path, version=9, storage_plugin=StoragePlugin.MCAP) as writer:
            connection = writer.add_connection(topic, IMAGE, typestore=_STORE)
            for count, (stamp_ns, image) in enumerate(frames, start=1):  # noqa: B007 (the count is the result)
                writer.write(connection, stamp_ns, image_cdr(image, stamp_ns))
    except OSError as error:
        raise SequenceError(f"The bag {path} cannot be written: {error}") from None
    return count


def camera_messages(source: Path, topic: str = "") -> Iterator[CameraMessage]:
    """Messages of one recorded camera in their order, from a bag or, made on the way, from a video file.

    Args:
        source: a bag (folder, .mcap, .db3) or a video file.
        topic: the image topic of a bag; empty: its first one. Its camera_info comes along where there is one.

    Raises:
        SequenceError: nothing there, a file that cannot be read, or no such topic, with those that there are.
    """
    if not source.exists():
        raise SequenceError(f"There is nothing at {source}; name a bag (folder, .mcap, .db3) or a video file.")
    if source.suffix.lower() in VIDEO_SUFFIXES:
        for stamp_ns, image in video_frames(source):
            yield CameraMessage(IMAGE, stamp_ns, image_cdr(image, stamp_ns))
    else:
        yield from _bag_messages(source, topic)


def video_frames(path: Path) -> Iterator[tuple[int, Image]]:
    """Stamps (ns, from FIRST_STAMP_NS on by the file's frame rate) and (H, W, 3) uint8 BGR frames of a video file.

    Raises:
        SequenceError: the file cannot be opened, or holds no frame.
    """
    capture = cv2.VideoCapture(str(path))
    rate = capture.get(cv2.CAP_PROP_FPS) or 30.0
    index = 0
    while True:
        ok, image = capture.read()
        if not ok:
            break
        yield FIRST_STAMP_NS + round(index * 1e9 / rate), image
        index += 1
    capture.release()
    if index == 0:
        raise SequenceError(f"The video {path} cannot be read; is it a video file that OpenCV's FFmpeg knows?")


def _bag_messages(path: Path, topic: str) -> Iterator[CameraMessage]:
    try:
        with AnyReader([path], default_typestore=_STORE) as reader:
            connections = _camera_connections(reader, path, topic)
            for connection, stamp_ns, cdr in reader.messages(connections):
                yield CameraMessage(connection.msgtype, stamp_ns, cdr)
    except (AnyReaderError, OSError, ValueError) as error:
        raise SequenceError(f"The bag {path} cannot be read: {error}") from None


def _camera_connections(reader: AnyReader, path: Path, topic: str) -> list[Any]:
    images = {c.topic: c for c in reader.connections if c.msgtype in (IMAGE, COMPRESSED)}
    if not images or (topic and topic not in images):
        asked = f"no image topic '{topic}'" if topic else "no image topic"
        raise SequenceError(f"The bag {path} has {asked}; it holds {', '.join(images) or 'no images at all'}.")
    image = images[topic or next(iter(images))]
    base = image.topic.removesuffix("/compressed").rpartition("/")[0]
    infos = [c for c in reader.connections if c.msgtype == CAMERA_INFO and c.topic == f"{base}/camera_info"]
    return [image, *infos]
