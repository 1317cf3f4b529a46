# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A ROS 2 bag, MCAP or sqlite3, opened with `rosbags` (no ROS needed); what is wrong with it as one sentence."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

from rosbags.interfaces import MessageDefinitionFormat
from rosbags.rosbag2 import Reader
from rosbags.typesys import Stores, get_types_from_idl, get_types_from_msg, get_typestore

from stdtrack_ros.errors import SequenceError

TRACKED_BOX_TYPE = "stdtrack_ros/msg/TrackedBox"
TRACKED_BOX = """uint8 STATUS_NONE=0
uint8 STATUS_TRACKING=1
uint8 STATUS_UNCERTAIN=2
uint8 STATUS_LOST=3
std_msgs/Header header
string target_id
uint8 status
float32 x
float32 y
float32 width
float32 height
float32 quality
float32 token_quality
float32[16] covariance
float32 velocity_x
float32 velocity_y
geometry_msgs/Vector3 bearing
builtin_interfaces/Duration time_since_seen
builtin_interfaces/Duration latency
uint64 frame_number
uint64 dropped_frames
uint32 image_width
uint32 image_height
"""
"""`msg/TrackedBox.msg` without its comments: bags are read and written where the built messages are not installed."""


SUFFIXES = frozenset({".mcap", ".db3", ".bag", ".mcap.zstd", ".db3.zstd"})
"""Endings of single bag files."""


def is_bag(path: Path) -> bool:
    """Tell whether a path is a rosbag2 folder or a single bag file, by its looks."""
    return (path / "metadata.yaml").is_file() if path.is_dir() else path.name.lower().endswith(tuple(SUFFIXES))


def typestore() -> Any:
    """The message types of ROS 2 Jazzy and our own, for bags that do not carry their definitions, and for writing."""
    store = get_typestore(Stores.ROS2_JAZZY)
    store.register(get_types_from_msg(TRACKED_BOX, TRACKED_BOX_TYPE))
    return store


class BagFile:
    """An open bag.

    Raises:
        SequenceError: it is missing, cut off, damaged, or of a kind that cannot be read.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        if path.suffix == ".bag" and not path.is_dir():  # a folder of that name is what `ros2 bag record -o` made
            raise SequenceError(
                f"The bag {path} is of ROS 1; convert it with `rosbags-convert --src {path} --dst ...`."
            )
        if not path.exists():
            raise SequenceError(f"The bag {path} does not exist.")
        self._stores: dict[str, Any] = {}
        try:
            self.reader = Reader(path)
            self.reader.open()
        except Exception as error:  # a damaged file makes the parsers below raise nearly anything
            raise self._unreadable(error) from error

    @property
    def topics(self) -> dict[str, str]:
        """Type of each topic, by its name."""
        return {connection.topic: connection.msgtype for connection in self.reader.connections}

    def connections(self, topic: str) -> list[Any]:
        """The recorded publishers of a topic."""
        return [connection for connection in self.reader.connections if connection.topic == topic]

    def messages(self, connections: Collection[Any], start_ns: int | None = None) -> Iterator[tuple[Any, int, bytes]]:
        """Connection, time of recording (ns) and bytes of each message, in the order of recording.

        Raises:
            SequenceError: the bag is damaged at that place.
        """
        if not connections:
            return  # the reader would take none for all
        try:
            yield from self.reader.messages(connections, start=start_ns)
        except Exception as error:  # as above
            raise self._unreadable(error) from error

    def decode(self, data: bytes, msgtype: str) -> Any:
        """The message of some bytes.

        Raises:
            SequenceError: the bytes are no such message.
        """
        try:
            return self.types_of(msgtype).deserialize_cdr(data, msgtype)
        except Exception as error:  # as above
            raise self._unreadable(error) from error

    def types_of(self, msgtype: str) -> Any:
        """The store of message types that knows a type of this bag, by the bag's own definition where it carries one.

        Each type has a store of its own, made when first asked for: a recording of a whole robot holds definitions that
        cannot be parsed (those of services) or that contradict others, and they shall not spoil its images.
        """
        if msgtype not in self._stores:
            connections = [connection for connection in self.reader.connections if connection.msgtype == msgtype]
            defined = [c for c in connections if c.msgdef.format != MessageDefinitionFormat.NONE]
            self._stores[msgtype] = _store_of(defined[0]) if defined else typestore()
        return self._stores[msgtype]

    def close(self) -> None:
        """Close the files."""
        self.reader.close()

    def describe_topics(self) -> str:
        """All topics with their types, for messages to the user."""
        return ", ".join(f"{topic} ({msgtype})" for topic, msgtype in sorted(self.topics.items())) or "none"

    def _unreadable(self, error: Exception) -> SequenceError:
        reason = " ".join(str(error).split()).rstrip(".") or type(error).__name__
        return SequenceError(
            f"The bag {self.path} cannot be read ({reason}); if its recording was cut off, repair it with "
            f"`{_repair(self.path)}`."
        )


def _store_of(connection: Any) -> Any:
    store = get_typestore(Stores.EMPTY)
    if connection.msgdef.format == MessageDefinitionFormat.MSG:
        store.register(get_types_from_msg(connection.msgdef.data, connection.msgtype))
        return store
    for part in connection.msgdef.data.split(f"{'=' * 80}\n"):  # one IDL file a part, its name in the first line
        text = part.split("\n", 1)[1] if part.startswith("IDL: ") else part
        if text.strip():
            store.register(get_types_from_idl(text))
    return store


def _repair(path: Path) -> str:
    """The command that makes the most of a bag that was cut off."""
    files = sorted(path.iterdir()) if path.is_dir() else [path]
    for file in files:
        if file.suffix == ".mcap":
            return f"mcap recover {file.name} -o repaired.mcap"
        if file.suffix == ".db3":
            return f"sqlite3 {file.name} .recover | sqlite3 repaired.db3"
    return "ros2 bag reindex"
