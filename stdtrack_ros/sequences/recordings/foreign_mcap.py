# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""MCAP files that other programs than ROS 2 have written, made readable for `rosbags`.

Their header names another profile or none, and channels of JSON or Protobuf lie beside those of ROS 2 messages. Neither
says anything about the images.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

from rosbags.rosbag2 import Reader
from rosbags.rosbag2.reader import DirectoryReader
from rosbags.rosbag2.storage_mcap import McapReader, Schema

_ENCODINGS = frozenset({"ros2msg", "ros2idl", "omgidl", ""})
"""Encodings of schemas that rosbags knows; a schema in another one is as good as none."""
_MAGIC = b"\x89MCAP0\r\n"
_HEADER_AT = len(_MAGIC) + 1 + 8
"""Where the content of the first record begins: behind the magic, its opcode and its length."""


class _Schemas(dict[int, Schema]):
    """Schemas by number, without those that rosbags stumbles over."""

    def __setitem__(self, key: int, schema: Schema) -> None:
        known = schema.encoding in _ENCODINGS and schema.data.strip()
        super().__setitem__(key, schema if known else schema._replace(encoding="", data=""))


class _AsRos2(io.BufferedReader):
    """An MCAP file whose header claims to be of ROS 2."""

    def read(self, size: int | None = -1, /) -> bytes:
        """Read as any file does, but give the header the profile `ros2`."""
        place = self.tell()
        data = super().read(size)
        if place != _HEADER_AT:
            return data
        return (4).to_bytes(4, "little") + b"ros2" + data[8:]  # as long as it was: nobody reads what comes behind


class _McapPath:
    """A path whose file is opened as one of ROS 2."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def open(self, mode: str = "rb") -> io.BufferedReader:
        """Open the file for reading."""
        if profile_of(self._path) == "ros2":
            return io.BufferedReader(io.FileIO(self._path))
        return _AsRos2(io.FileIO(self._path))

    def __str__(self) -> str:
        return str(self._path)


def profile_of(path: Path) -> str:
    """Return the profile in the header of an MCAP file; empty if there is none."""
    with path.open("rb") as file:
        start = file.read(_HEADER_AT + 64)
    length = int.from_bytes(start[_HEADER_AT : _HEADER_AT + 4], "little")
    return start[_HEADER_AT + 4 : _HEADER_AT + 4 + min(length, 60)].decode(errors="replace")


class _Mcap(McapReader):  # type: ignore[misc]  # rosbags is not typed for us
    def __init__(self, path: Any) -> None:
        super().__init__(_McapPath(path))  # it opens the path and names it, no more
        self.schemas = _Schemas()


class _Directory(DirectoryReader):  # type: ignore[misc]
    STORAGE_PLUGINS = {**DirectoryReader.STORAGE_PLUGINS, "mcap": _Mcap}  # noqa: RUF012 (as in the base class)


class BagReader(Reader):  # type: ignore[misc]
    """Reads bags of rosbag2, and MCAP files whoever wrote them."""

    STORAGE_PLUGINS = {**Reader.STORAGE_PLUGINS, "dir": _Directory, ".mcap": _Mcap}  # noqa: RUF012 (as in the base class)
