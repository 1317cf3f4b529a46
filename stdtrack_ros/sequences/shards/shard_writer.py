# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Writes tar shards of bounded size, in the layout that `shards` and `stills` read."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType

import numpy as np

from stdtrack_ros.errors import SequenceError, SettingError
from stdtrack_ros.geometry import Box
from stdtrack_ros.outputs import unwritable

SHARD_LIMIT_BYTES = 60_000_000
"""Of one shard, its tar headers included; fits the parcels that a machine without network takes."""


class ShardWriter:
    """Spreads entries over `<stem>_1.tar`, `<stem>_2.tar` ...; an entry's files stay in one shard."""

    def __init__(self, folder: Path, stem: str, limit_bytes: int = SHARD_LIMIT_BYTES) -> None:
        """Make the folder. The shards of that stem are replaced; those of a larger set go when the `with` is left."""
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.stem, self.limit_bytes = folder, stem, limit_bytes
        self.paths: list[Path] = []
        self._part = folder
        self._tar: tarfile.TarFile | None = None

    def __enter__(self) -> ShardWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()
        number = len(self.paths) + 1
        while self.paths and error is None and self._path(number).is_file():  # of a larger set that was here before
            self._path(number).unlink()
            number += 1

    def add(self, files: Iterable[tuple[str, bytes]]) -> None:
        """Write the files of one entry, as (path in the tar, content).

        Raises:
            SequenceError: one entry alone exceeds the limit.
            SettingError: the shard cannot be written; those before it are kept.
        """
        entry = list(files)
        size = sum(_stored_size(len(content)) for _, content in entry)
        if size + tarfile.RECORDSIZE > self.limit_bytes:
            raise SequenceError(
                f"{entry[0][0]} and its files take {size / 1e6:.0f} MB, a shard at most {self.limit_bytes / 1e6:.0f}; "
                "split the sequence, or pack it with smaller frames."
            )
        if self._tar is None or self._tar.offset + size + tarfile.RECORDSIZE > self.limit_bytes:
            self._next()
        assert self._tar is not None
        try:
            for name, content in entry:
                info = tarfile.TarInfo(name)
                info.size = len(content)
                self._tar.addfile(info, io.BytesIO(content))
        except OSError as error:
            raise self._unwritable(error) from None

    def _path(self, number: int) -> Path:
        return self.folder / f"{self.stem}_{number}.tar"

    def _next(self) -> None:
        self._close()
        path = self._path(len(self.paths) + 1)
        self._part = path.with_suffix(".tar.part")
        self._tar = tarfile.open(self._part, "w", format=tarfile.USTAR_FORMAT)  # noqa: SIM115
        self.paths.append(path)

    def _close(self) -> None:
        """Finish the present shard, and move it to its place."""
        if self._tar is None:
            return
        try:
            self._tar.close()
            self._part.replace(self.paths[-1])
        except OSError as error:
            raise self._unwritable(error) from None
        self._tar = None

    def _unwritable(self, error: OSError) -> SettingError:
        """Give the present shard up."""
        self._tar = None
        self._part.unlink(missing_ok=True)
        return unwritable(self.paths.pop(), error)


def sequence_files(split: str, name: str, frames: Iterable[bytes], tracks: dict[str, Box]) -> list[tuple[str, bytes]]:
    """Return the files of a video, for `ShardWriter.add`: encoded frames, and boxes by target ("": the only one)."""
    files = [(f"{split}/{name}/{number:08d}.jpg", frame) for number, frame in enumerate(frames, start=1)]
    for target, boxes in tracks.items():
        suffix = f"_{target}" if target else ""
        files.append((f"{split}/{name}/groundtruth{suffix}.txt", box_lines(boxes).encode()))
    return files


def box_lines(boxes: Box) -> str:
    """Write one "x,y,w,h" per line, as `shards.parse_boxes` reads it."""
    return "".join(",".join(f"{value:.2f}" for value in box) + "\n" for box in np.asarray(boxes))


def _stored_size(content: int) -> int:
    return tarfile.BLOCKSIZE + -(-content // tarfile.BLOCKSIZE) * tarfile.BLOCKSIZE
