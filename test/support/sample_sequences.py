# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Small folders, videos and bags, made by the tests that read them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from rosbags.rosbag2 import CompressionFormat, CompressionMode, StoragePlugin, Writer
from rosbags.typesys import get_types_from_msg

from stdtrack_ros.sequences.recordings.bag_file import TRACKED_BOX_TYPE, typestore

WIDTH, HEIGHT = 64, 48
START_NS = 1_700_000_000_000_000_000
STEP_NS = 33_333_333
STORAGES = {"mcap": StoragePlugin.MCAP, "sqlite3": StoragePlugin.SQLITE3}

VISION_MSGS = {
    "vision_msgs/msg/Point2D": "float64 x\nfloat64 y\n",
    "vision_msgs/msg/Pose2D": "vision_msgs/Point2D position\nfloat64 theta\n",
    "vision_msgs/msg/BoundingBox2D": "vision_msgs/Pose2D center\nfloat64 size_x\nfloat64 size_y\n",
    "vision_msgs/msg/Detection2D": "std_msgs/Header header\nvision_msgs/BoundingBox2D bbox\nstring id\n",
    "vision_msgs/msg/Detection2DArray": "std_msgs/Header header\nvision_msgs/Detection2D[] detections\n",
}
"""vision_msgs of Humble and later, without the hypotheses, which are not read."""


def picture(index: int, width: int = WIDTH, height: int = HEIGHT) -> np.ndarray:
    """Paint a grey picture whose mean tells its index (10 levels apart, up to 22), so that a wrong frame is seen."""
    return np.full((height, width, 3), 20 + 10 * (index % 23), dtype=np.uint8)


def index_of(image: np.ndarray) -> int:
    """Return the index that `picture` was made with; a JPEG moves a level by less than two."""
    return round((float(image.mean()) - 20) / 10)


def write_images(folder: Path, count: int, pattern: str = "{:08d}.jpg", first: int = 1) -> None:
    """`count` pictures, numbered from `first`."""
    folder.mkdir(parents=True, exist_ok=True)
    for index in range(count):
        assert cv2.imwrite(str(folder / pattern.format(first + index)), picture(index))


def write_lines(path: Path, lines: Iterable[str]) -> Path:
    """Write a text file, with its folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def write_video(path: Path, count: int, rate: float = 20.0) -> None:
    """Write a video of `count` pictures."""
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"mp4v"), rate, (WIDTH, HEIGHT))
    for index in range(count):
        writer.write(picture(index))
    writer.release()


class BagMaker:
    """Writes a bag message by message; closed by leaving the `with`."""

    def __init__(
        self,
        path: Path,
        storage: str = "mcap",
        definitions: Mapping[str, str] = VISION_MSGS,
        compression: CompressionMode = CompressionMode.NONE,
    ) -> None:
        self.store = typestore()
        for name, text in definitions.items():
            self.store.register(get_types_from_msg(text, name))
        self.writer = Writer(path, version=9, storage_plugin=STORAGES[storage])
        self.writer.set_compression(compression, CompressionFormat.ZSTD)
        self.connections: dict[tuple[str, str], Any] = {}

    def __enter__(self) -> BagMaker:
        self.writer.open()
        return self

    def __exit__(self, *_: object) -> None:
        self.writer.close()

    def make(self, msgtype: str, **fields: Any) -> Any:
        """Make a message of a type."""
        return self.store.types[msgtype](**fields)

    def write(self, topic: str, message: Any, recorded_ns: int) -> None:
        """One message on a topic."""
        key = topic, message.__msgtype__
        if key not in self.connections:
            self.connections[key] = self.writer.add_connection(topic, message.__msgtype__, typestore=self.store)
        data = self.store.serialize_cdr(message, message.__msgtype__)
        self.writer.write(self.connections[key], recorded_ns, data)

    def header(self, stamp_ns: int) -> Any:
        """Make a std_msgs/Header."""
        stamp = self.make("builtin_interfaces/msg/Time", sec=stamp_ns // 10**9, nanosec=stamp_ns % 10**9)
        return self.make("std_msgs/msg/Header", stamp=stamp, frame_id="camera_optical")

    def image(
        self, pixels: np.ndarray, stamp_ns: int, topic: str = "/camera/image", encoding: str = "bgr8", late_ns: int = 0
    ) -> None:
        """One raw image, recorded `late_ns` after its stamp."""
        rows = np.ascontiguousarray(pixels).reshape(pixels.shape[0], -1).view(np.uint8)
        message = self.make(
            "sensor_msgs/msg/Image",
            header=self.header(stamp_ns),
            height=pixels.shape[0],
            width=pixels.shape[1],
            encoding=encoding,
            is_bigendian=0,
            step=rows.shape[1],
            data=rows.reshape(-1),
        )
        self.write(topic, message, stamp_ns + late_ns)

    def compressed(self, pixels: np.ndarray, stamp_ns: int, topic: str = "/camera/image/compressed") -> None:
        """One JPEG image."""
        data = cv2.imencode(".jpg", pixels)[1].reshape(-1)
        header = self.header(stamp_ns)
        message = self.make(
            "sensor_msgs/msg/CompressedImage", header=header, format="bgr8; jpeg compressed bgr8", data=data
        )
        self.write(topic, message, stamp_ns)

    def tracked_box(
        self,
        box: Sequence[float],
        stamp_ns: int,
        topic: str = "/ground_truth",
        status: int = 1,
        target_id: str = "target-1",
    ) -> None:
        """One TrackedBox."""
        x, y, width, height = box
        zero = self.make("builtin_interfaces/msg/Duration", sec=0, nanosec=0)
        message = self.make(
            TRACKED_BOX_TYPE,
            header=self.header(stamp_ns),
            target_id=target_id,
            status=status,
            x=x,
            y=y,
            width=width,
            height=height,
            quality=1.0,
            token_quality=0.0,
            covariance=np.full(16, np.nan, dtype=np.float32),
            velocity_x=0.0,
            velocity_y=0.0,
            bearing=self.make("geometry_msgs/msg/Vector3", x=0.0, y=0.0, z=1.0),
            time_since_seen=zero,
            latency=zero,
            frame_number=0,
            dropped_frames=0,
            image_width=WIDTH,
            image_height=HEIGHT,
        )
        self.write(topic, message, stamp_ns)

    def bounding_box(self, box: Sequence[float], theta: float = 0.0) -> Any:
        """Make a vision_msgs/BoundingBox2D of (x, y, width, height), turned by theta about its centre."""
        x, y, width, height = box
        position = self.make("vision_msgs/msg/Point2D", x=x + width / 2, y=y + height / 2)
        center = self.make("vision_msgs/msg/Pose2D", position=position, theta=theta)
        return self.make("vision_msgs/msg/BoundingBox2D", center=center, size_x=float(width), size_y=float(height))

    def detection(self, box: Sequence[float], stamp_ns: int, name: str = "", theta: float = 0.0) -> Any:
        """Make a vision_msgs/Detection2D."""
        fields = {"header": self.header(stamp_ns), "bbox": self.bounding_box(box, theta), "id": name}
        return self.make("vision_msgs/msg/Detection2D", **fields)

    def detections(self, listed: list[Any], stamp_ns: int) -> Any:
        """Make a vision_msgs/Detection2DArray."""
        return self.make("vision_msgs/msg/Detection2DArray", header=self.header(stamp_ns), detections=listed)


def stamp(index: int) -> int:
    """Stamp in ns of a frame at 30 Hz."""
    return START_NS + index * STEP_NS


def write_bag(
    path: Path, count: int = 5, storage: str = "mcap", compressed: bool = False, ground_truth: bool = True
) -> Path:
    """Make a bag of `count` images and, if wanted, boxes (10 + index, 8, 12, 9) as TrackedBox on /ground_truth."""
    with BagMaker(path, storage) as bag:
        for index in range(count):
            write = bag.compressed if compressed else bag.image
            write(picture(index), stamp(index))
            if ground_truth:
                bag.tracked_box((10 + index, 8, 12, 9), stamp(index))
    return path
