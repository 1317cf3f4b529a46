# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A ROS 2 bag, MCAP or sqlite3, opened with `rosbags` (no ROS needed); what is wrong with it as one sentence."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from rosbags.interfaces import MessageDefinitionFormat
from rosbags.typesys import Stores, get_types_from_idl, get_types_from_msg, get_typestore

from stdtrack_ros.errors import SequenceError
from stdtrack_ros.sequences.recordings.foreign_mcap import BagReader
from stdtrack_ros.sequences.recordings.image_annotations import DEFINITIONS

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
"""`msg/TrackedBox.msg` without its comments: bags are read and written even if the built messages are not installed."""


SUFFIXES = frozenset({".mcap", ".db3", ".bag", ".mcap.zstd", ".db3.zstd"})
"""Endings of single bag files."""


def is_bag(path: Path) -> bool:
    """Tell whether a path is a rosbag2 folder or a single bag file, by its looks."""
    return (path / "metadata.yaml").is_file() if path.is_dir() else path.name.lower().endswith(tuple(SUFFIXES))


def typestore() -> Any:
    """Return the message types of ROS 2 Jazzy and our own, for bags without definitions and for writing."""
    store = get_typestore(Stores.ROS2_JAZZY)
    for name, definition in {TRACKED_BOX_TYPE: TRACKED_BOX, **DEFINITIONS}.items():
        store.register(get_types_from_msg(definition, name))
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
        if not is_bag(path):
            raise SequenceError(
                f"{path} is no bag: name a folder with a metadata.yaml, an .mcap or a .db3 file; videos and folders of "
                "images are for `stdtrack track` and `stdtrack evaluate`."
            )
        if path.suffix == ".zstd":
            raise SequenceError(f"The bag {path} is compressed as a whole; unpack it first: `zstd -d {path.name}`.")
        self._stores: dict[str, list[Any]] = {}
        try:
            self.reader = BagReader(path)
            self.reader.open()
        except Exception as error:  # a damaged file makes the parsers below raise nearly anything
            raise self._unreadable(error) from error

    @property
    def topics(self) -> dict[str, str]:
        """Type of each topic with ROS 2 messages, by its name."""
        return {c.topic: c.msgtype for c in self.reader.connections if _is_cdr(c)}

    def connections(self, topic: str) -> list[Any]:
        """Return the recorded publishers of a topic."""
        return [connection for connection in self.reader.connections if connection.topic == topic]

    def messages(self, connections: Collection[Any], start_ns: int | None = None) -> Iterator[tuple[Any, int, bytes]]:
        """Yield connection, time of recording (ns) and bytes of each message, in the order of recording.

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
        """Decode the message of some bytes: by the bag's own definition of the type or, if that fails, by ROS 2's.

        Raises:
            SequenceError: the bytes are no such message.
        """
        reason: Exception | None = None
        stores = self._stores_of(msgtype)
        for store in list(stores):
            try:
                message = store.deserialize_cdr(data, msgtype)
            except Exception as error:  # as above
                reason = reason or error
                continue
            if store is not stores[0]:  # the next message of this type begins with what has served
                stores.remove(store)
                stores.insert(0, store)
            return message
        raise SequenceError(
            f"A message of the type {msgtype} in {self.path} cannot be decoded ({_words(reason)}): it is damaged, or "
            "the bag's definition of the type is not that of its messages."
        )

    def types_of(self, msgtype: str) -> Any:
        """Return the store of message types by which a type of this bag is read."""
        return self._stores_of(msgtype)[0]

    def _stores_of(self, msgtype: str) -> list[Any]:
        """Return the stores that may know a type, best first: the bag's own definition, then ROS 2's.

        Each type has stores of its own, made when first asked for: a recording of a whole robot holds definitions that
        cannot be parsed (those of services) or that contradict others, and they shall not spoil its images.
        """
        if msgtype not in self._stores:
            stores = []
            for connection in self.reader.connections:
                if connection.msgtype == msgtype and connection.msgdef.format != MessageDefinitionFormat.NONE:
                    with suppress(Exception):  # as above: an incomplete definition is as good as none
                        stores = [_store_of(connection)]
                        break
            self._stores[msgtype] = [*stores, typestore()]
        return self._stores[msgtype]

    def close(self) -> None:
        """Close the files."""
        self.reader.close()

    def describe_topics(self) -> str:
        """Return all topics with their types, for messages to the user."""
        topics = {c.topic: c.msgtype if _is_cdr(c) else f"{c.msgtype}, {_encoding(c)}" for c in self.reader.connections}
        return ", ".join(f"{topic} ({kind})" for topic, kind in sorted(topics.items())) or "none"

    def _unreadable(self, error: Exception) -> SequenceError:
        """Return what is wrong, and what helps for that cause."""
        reason = _words(error)
        start = f"The bag {self.path} cannot be read ({reason}); "
        files = sorted(self.path.iterdir()) if self.path.is_dir() else [self.path]
        files = [file for file in files if file.suffix in (".mcap", ".db3")]
        if "seems to be empty" in reason:
            return SequenceError(f"The bag {self.path} is empty: nothing was recorded into {files[0].name}.")
        if "files are missing" in reason:
            return SequenceError(f"{start}put the missing files back beside metadata.yaml, or name one that is there.")
        if "version" in reason and files:
            return SequenceError(f"{start}name the recording in it itself: {files[0]}.")
        if files and files[0].suffix == ".mcap":
            return SequenceError(
                f"{start}if its recording was cut off, repair it with `mcap recover {files[0].name} -o repaired.mcap`."
            )
        if files:
            return SequenceError(
                f"{start}if its recording was cut off, repair it with "
                f"`sqlite3 {files[0].name} .recover | sqlite3 repaired.db3`."
            )
        return SequenceError(
            f"{start}if its metadata.yaml was not written, make it with `ros2 bag reindex {self.path}`."
        )


def _is_cdr(connection: Any) -> bool:
    return bool(_encoding(connection) == "cdr")


def _encoding(connection: Any) -> str:
    return str(connection.ext.serialization_format)


def _words(error: Exception | None) -> str:
    return " ".join(str(error).split()).rstrip(".") or type(error).__name__


def _store_of(connection: Any) -> Any:
    store = get_typestore(Stores.EMPTY)
    if connection.msgdef.format == MessageDefinitionFormat.MSG:
        store.register(get_types_from_msg(connection.msgdef.data, connection.msgtype))
        return store
    for part in connection.msgdef.data.split(f"{'=' * 80}\n"):  # one IDL file per part, its name in the first line
        text = part.split("\n", 1)[1] if part.startswith("IDL: ") else part
        if text.strip():
            store.register(get_types_from_idl(text))
    return store
