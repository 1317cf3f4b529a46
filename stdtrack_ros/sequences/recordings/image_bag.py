# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Recordings of a camera: pictures into an MCAP bag, and a camera's messages out of any bag or video file."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from rosbags.rosbag2 import StoragePlugin, Writer

from stdtrack_ros.errors import InputError, SequenceError
from stdtrack_ros.geometry import Image
from stdtrack_ros.images import decode_message, to_bgr8
from stdtrack_ros.sequences.recordings.bag_file import BagFile, is_bag, typestore
from stdtrack_ros.sequences.recordings.bags import COMPRESSED, RAW, BagSequence, image_topic, stamp_ns
from stdtrack_ros.sequences.recordings.packet_pictures import packet_pictures
from stdtrack_ros.sequences.recordings.videos import VideoSequence

CAMERA_INFO = "sensor_msgs/msg/CameraInfo"
FIRST_STAMP_NS = 1_000_000_000
"""Stamp of a video's first frame: a stamp of zero means "the newest image" when a target is started."""

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
        """Return when the picture was taken: the stamp in its header."""
        return stamp_ns(_STORE.deserialize_cdr(self.cdr, self.kind))

    def is_readable(self) -> bool:
        """Tell whether it holds a picture that can be used."""
        try:
            decode_message(_STORE.deserialize_cdr(self.cdr, self.kind))
        except InputError:
            return False
        return True


def image_cdr(image: Image, stamp_ns: int, frame_id: str = "camera") -> bytes:
    """Return a `sensor_msgs/Image` (bgr8) with this stamp, serialised."""
    types = _STORE.types
    height, width = image.shape[:2]
    stamp = types["builtin_interfaces/msg/Time"](*divmod(stamp_ns, 10**9))
    header = types["std_msgs/msg/Header"](stamp, frame_id)
    pixels = np.ascontiguousarray(image).reshape(-1)
    return bytes(_STORE.serialize_cdr(types[RAW](header, height, width, "bgr8", 0, 3 * width, pixels), RAW))


def jpeg_cdr(image: Image, stamp_ns: int, quality: int, frame_id: str = "camera") -> bytes:
    """Return a `sensor_msgs/CompressedImage` (JPEG) with this stamp, serialised."""
    types = _STORE.types
    header = types["std_msgs/msg/Header"](types["builtin_interfaces/msg/Time"](*divmod(stamp_ns, 10**9)), frame_id)
    data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])[1].reshape(-1)
    return bytes(_STORE.serialize_cdr(types[COMPRESSED](header, "bgr8; jpeg compressed bgr8", data), COMPRESSED))


def restamped(cdr: bytes, shift_ns: int) -> bytes:
    """Return a serialised message that begins with a Header, its stamp moved on."""
    order = "<" if cdr[1] & 1 else ">"  # the encapsulation's second byte: 1 is little endian
    seconds, nanoseconds = struct.unpack_from(f"{order}iI", cdr, 4)
    moved = struct.pack(f"{order}iI", *divmod(seconds * 10**9 + nanoseconds + shift_ns, 10**9))
    return cdr[:4] + moved + cdr[12:]


def video_as_jpegs(path: Path, quality: int) -> Iterator[CameraMessage]:
    """Yield the frames of a video file as JPEG images, stamped as `open_camera` does.

    Raises:
        SequenceError: the file cannot be read.
    """
    video = VideoSequence(path.stem, path)
    for index, since_start_ns in enumerate(video.timeline.stamps_ns):
        stamp = FIRST_STAMP_NS + int(since_start_ns)
        yield CameraMessage(COMPRESSED, stamp, jpeg_cdr(video.frame(index), stamp, quality))


@dataclass(frozen=True, slots=True)
class CameraRecording:
    """A recorded camera, opened to be played.

    Attributes:
        messages: its messages in their order.
        notes: sentences on what was repaired when it was opened.
    """

    messages: Iterator[CameraMessage]
    notes: tuple[str, ...] = ()


def open_camera(source: Path, topic: str = "") -> CameraRecording:
    """Open one recorded camera: messages of a bag as they are; a video, and packets of one, as raw stamped images.

    Args:
        source: a bag (folder, .mcap, .db3) or a video file.
        topic: the image topic of a bag; empty: the only one. Its camera_info comes along if there is one.

    Raises:
        SequenceError: nothing there, a file that cannot be read, or no such topic, with those that there are.
    """
    if not source.exists():
        raise SequenceError(f"There is nothing at {source} to play; name a bag or a video file.")
    if not is_bag(source):
        video = VideoSequence(source.stem, source)
        return CameraRecording(_as_raw_images(video), video.timeline.notes)
    bag = BagFile(source)
    image = image_topic(bag, topic or None)
    if packet_pictures(bag, bag.connections(image)) is None:
        return CameraRecording(_of_bag(bag, image))
    bag.close()
    decoded = BagSequence(source.stem, source, image)
    return CameraRecording(_of_packets(decoded), decoded.timeline.notes)


def _of_bag(bag: BagFile, image: str) -> Iterator[CameraMessage]:
    camera_info = f"{image.removesuffix('/compressed').rpartition('/')[0]}/camera_info"
    connections = [*bag.connections(image), *(c for c in bag.connections(camera_info) if c.msgtype == CAMERA_INFO)]
    for connection, recorded_ns, cdr in bag.messages(connections):
        yield CameraMessage(connection.msgtype, recorded_ns, cdr)
    bag.close()


def _of_packets(sequence: BagSequence) -> Iterator[CameraMessage]:
    for index, since_epoch_ns in enumerate(sequence.timeline.stamps_ns):
        yield CameraMessage(
            RAW, sequence.recorded_ns(index), image_cdr(to_bgr8(sequence.frame(index)), int(since_epoch_ns))
        )


def _as_raw_images(video: VideoSequence) -> Iterator[CameraMessage]:
    for index, since_start_ns in enumerate(video.timeline.stamps_ns):
        stamp = FIRST_STAMP_NS + int(since_start_ns)
        yield CameraMessage(RAW, stamp, image_cdr(video.frame(index), stamp))


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
        raise SequenceError(
            f"The bag {path} cannot be written: {error.strerror or error}; make room, or name another place."
        ) from error
    return count
