# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Recordings of a camera: pictures into an MCAP bag, and a camera's messages out of any bag or video file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rosbags.rosbag2 import StoragePlugin, Writer

from stdtrack_ros.errors import SequenceError
from stdtrack_ros.geometry import Image
from stdtrack_ros.sequences.recordings.bag_file import BagFile, typestore
from stdtrack_ros.sequences.recordings.bags import RAW, image_topic, stamp_ns
from stdtrack_ros.sequences.recordings.videos import SUFFIXES, live_frames

CAMERA_INFO = "sensor_msgs/msg/CameraInfo"
FIRST_STAMP_NS = 1_000_000_000
"""Stamp of a video's first frame: a stamp of zero means "the newest image" where a target is started."""

_STORE = typestore()


@dataclass(frozen=True, slots=True)
class CameraMessage:
    """One message of a recorded camera.

    Attributes:
        kind: its ROS type, one of RAW, COMPRESSED, CAMERA_INFO.
        recorded_ns: when it was recorded.
        cdr: its serialised bytes, as any ROS 2 publisher takes them.
    """

    kind: str
    recorded_ns: int
    cdr: bytes

    def stamp_ns(self) -> int:
        """When the picture was taken: the stamp in its header."""
        return stamp_ns(_STORE.deserialize_cdr(self.cdr, self.kind))


def image_cdr(image: Image, stamp_ns: int, frame_id: str = "camera") -> bytes:
    """A `sensor_msgs/Image` (bgr8) with this stamp, serialised."""
    types = _STORE.types
    height, width = image.shape[:2]
    stamp = types["builtin_interfaces/msg/Time"](*divmod(stamp_ns, 10**9))
    header = types["std_msgs/msg/Header"](stamp, frame_id)
    pixels = np.ascontiguousarray(image).reshape(-1)
    return bytes(_STORE.serialize_cdr(types[RAW](header, height, width, "bgr8", 0, 3 * width, pixels), RAW))


def video_messages(path: Path) -> Iterator[CameraMessage]:
    """The frames of a video file as raw images, stamped by the file's clock.

    Raises:
        SequenceError: the file cannot be opened, or holds no frame.
    """
    message = None
    for stamp_s, image in live_frames(str(path)):
        stamp = FIRST_STAMP_NS + round(stamp_s * 1e9)
        message = CameraMessage(RAW, stamp, image_cdr(image, stamp))
        yield message
    if message is None:
        raise SequenceError(f"The video {path} has no frame that can be decoded.")


def camera_messages(source: Path, topic: str = "") -> Iterator[CameraMessage]:
    """Messages of one recorded camera in their order, from a bag or, made on the way, from a video file.

    Args:
        source: a bag (folder, .mcap, .db3) or a video file.
        topic: the image topic of a bag; empty: the only one. Its camera_info comes along where there is one.

    Raises:
        SequenceError: nothing there, a file that cannot be read, or no such topic, with those that there are.
    """
    if source.suffix.lower() in SUFFIXES:
        yield from video_messages(source)
        return
    bag = BagFile(source)
    image = image_topic(bag, topic or None)
    camera_info = f"{image.removesuffix('/compressed').rpartition('/')[0]}/camera_info"
    connections = [*bag.connections(image), *(c for c in bag.connections(camera_info) if c.msgtype == CAMERA_INFO)]
    for connection, recorded_ns, cdr in bag.messages(connections):
        yield CameraMessage(connection.msgtype, recorded_ns, cdr)
    bag.close()


def write_image_bag(path: Path, messages: Iterable[CameraMessage], topic: str = "/camera/image_raw") -> int:
    """Write images of one kind as an MCAP bag; returns how many there were.

    Raises:
        SequenceError: there is something at `path` already, or it cannot be written.
    """
    if path.exists():
        raise SequenceError(f"There is a bag at {path} already; name another folder, or remove it.")
    connection, count = None, 0
    try:
        with Writer(path, version=9, storage_plugin=StoragePlugin.MCAP) as writer:
            for message in messages:
                connection = connection or writer.add_connection(topic, message.kind, typestore=_STORE)
                writer.write(connection, message.recorded_ns, message.cdr)
                count += 1
    except OSError as error:
        raise SequenceError(f"The bag {path} cannot be written: {error.strerror or error}.") from error
    return count
