# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A copy of a bag with topics of ours beside its own: every original message keeps its bytes and its times."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any

from rosbags.interfaces import MessageDefinitionFormat
from rosbags.rosbag2 import StoragePlugin, Writer

from stdtrack_ros.errors import SequenceError
from stdtrack_ros.sequences.recordings.bag_file import BagFile, typestore

STORAGES = {"mcap": StoragePlugin.MCAP, "sqlite3": StoragePlugin.SQLITE3}
"""Kinds of bags that can be written, by name."""

_UNKNOWN_HASH = "RIHS01_" + "0" * 64  # for types whose definition the bag does not carry


class BagCopy:
    """Copies a bag message by message while its user adds messages; a valid bag once its `with` is left.

    Args:
        source: the bag to copy.
        out: folder to make.
        added: the topics that will be added, by name, with their types.
        storage: one of STORAGES.

    Raises:
        SequenceError: `out` exists, an added topic is in the source already, or the storage is not known; later, that
            the disk is full.
    """

    def __init__(self, source: BagFile, out: Path, added: dict[str, str], storage: str = "mcap") -> None:
        if storage not in STORAGES:
            raise SequenceError(f"The storage '{storage}' cannot be written; it may be {', '.join(STORAGES)}.")
        if out.exists():
            raise SequenceError(f"There is something at {out} already; name another folder, or remove it.")
        taken = sorted(set(added) & set(source.topics))
        if taken:
            raise SequenceError(f"The bag {source.path} has {', '.join(taken)} already; name other topics to write to.")
        self.source = source
        self.types = typestore()
        self._added = added
        self.path = out
        self._part = out.with_name(f".{out.name}.part")
        shutil.rmtree(self._part, ignore_errors=True)  # of a run that was killed
        self._writer = Writer(self._part / out.name, version=9, storage_plugin=STORAGES[storage])
        self._connections: dict[str, Any] = {}

    def __enter__(self) -> BagCopy:
        """Make the folder and announce all topics.

        Raises:
            SequenceError: the folder cannot be written.
        """
        try:
            self._part.mkdir(parents=True)
            self._writer.open()
        except OSError as error:
            raise self._unwritable(error) from error
        for connection in self.source.reader.connections:
            key = _key(connection)
            if key not in self._connections:  # several publishers of one topic with one QoS are one connection here
                self._connections[key] = self._writer.add_connection(
                    connection.topic,
                    connection.msgtype,
                    msgdef=_definition(connection),
                    rihs01=self._hash(connection),
                    serialization_format=connection.ext.serialization_format,
                    offered_qos_profiles=connection.ext.offered_qos_profiles,
                )
        for topic, msgtype in self._added.items():
            self._connections[topic] = self._writer.add_connection(topic, msgtype, typestore=self.types)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Close the bag and move it to its place; what an error leaves is removed.

        A user's interruption leaves a bag that is complete up to there.
        """
        try:
            self._writer.close()
            if error is None or isinstance(error, KeyboardInterrupt):
                self._writer.path.rename(self.path)
        except OSError as failure:
            if error is None:
                raise self._unwritable(failure) from failure
        finally:
            shutil.rmtree(self._part, ignore_errors=True)

    def copied(self) -> Iterator[tuple[Any, int, bytes]]:
        """Yield connection, time of recording (ns) and bytes of each original message, once it is copied.

        Raises:
            SequenceError: the source is damaged at that place.
        """
        for connection, recorded_ns, data in self.source.messages(self.source.reader.connections):
            self._write(_key(connection), recorded_ns, data)
            yield connection, recorded_ns, data

    def add(self, topic: str, message: Any, recorded_ns: int) -> None:
        """Write a message of ours, made from `types`, at a time of recording (ns)."""
        self._write(topic, recorded_ns, self.types.serialize_cdr(message, self._added[topic]))

    def _write(self, key: str, recorded_ns: int, data: bytes | memoryview) -> None:
        try:
            self._writer.write(self._connections[key], recorded_ns, data)
        except OSError as error:
            raise self._unwritable(error) from error

    def _unwritable(self, error: OSError) -> SequenceError:
        return SequenceError(
            f"The bag {self.path} cannot be written: {error.strerror or error}; make room, or name another place."
        )

    def _hash(self, connection: Any) -> str:
        if connection.digest:
            return str(connection.digest)
        try:
            return str(self.source.types_of(connection.msgtype).hash_rihs01(connection.msgtype))
        except Exception:  # a definition that cannot be parsed is copied as it is
            return _UNKNOWN_HASH


def _key(connection: Any) -> str:
    return repr((connection.topic, connection.msgtype, connection.ext))


def _definition(connection: Any) -> str:
    return "" if connection.msgdef.format == MessageDefinitionFormat.NONE else str(connection.msgdef.data)
