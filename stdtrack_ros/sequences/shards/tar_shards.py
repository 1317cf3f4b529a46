# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Annotated video in tar shards.

    <split>/<sequence>/00000001.jpg ...       frames, sorted by name
    <split>/<sequence>/groundtruth.txt        one "x,y,w,h" a frame; nan,nan,nan,nan: absent
    <split>/<sequence>/groundtruth_<id>.txt   instead, one file per target if a video holds several

In a shard whose top folder is `pseudo`, a row of NaN means "not known" instead of "absent"; its sequences carry the
attribute `pseudo`. Frames stay encoded; a tar is mapped into memory, so several processes share one copy of it.
"""

from __future__ import annotations

import mmap
import tarfile
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from stdtrack_ros.errors import SequenceError
from stdtrack_ros.geometry import Box, Image

ASSUMED_FPS = 30.0
IMAGE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".webp"})
PSEUDO = "pseudo"
"""Attribute of sequences whose missing boxes are not known, rather than absent."""


class EncodedImage(Protocol):
    """An image as it lies on the disk."""

    @property
    def name(self) -> str:
        """Where it lies, for messages."""

    def read(self) -> NDArray[np.uint8]:
        """Return (N,) uint8, the encoded bytes."""


@dataclass(frozen=True, slots=True)
class ImageFile:
    """An image file of its own."""

    path: Path

    @property
    def name(self) -> str:
        """See `EncodedImage`."""
        return str(self.path)

    def read(self) -> NDArray[np.uint8]:
        """See `EncodedImage`.

        Raises:
            SequenceError: the file cannot be read.
        """
        try:
            return np.fromfile(self.path, dtype=np.uint8)
        except OSError as error:
            raise SequenceError(f"The image {self.path} cannot be read: {error}.") from error


@dataclass(frozen=True, slots=True)
class TarredFile:
    """A file inside a tar."""

    tar: Path
    member: str
    offset: int
    size: int

    @property
    def name(self) -> str:
        """See `EncodedImage`."""
        return f"{self.tar}:{self.member}"

    def read(self) -> NDArray[np.uint8]:
        """See `EncodedImage`; the tar stays open, mapped into memory."""
        return np.frombuffer(_mapped(self.tar), dtype=np.uint8, count=self.size, offset=self.offset)


def decode(image: EncodedImage, flags: int = cv2.IMREAD_COLOR) -> Image:
    """Return the decoded image, (H, W, 3) uint8 BGR unless the OpenCV `flags` say otherwise.

    Raises:
        SequenceError: the bytes are no image.
    """
    data = image.read()
    decoded = cv2.imdecode(data, flags) if data.size else None
    if decoded is None:
        raise SequenceError(f"The image {image.name} is damaged or no image; get the file again.")
    pixels: Image = decoded
    return pixels


@dataclass(frozen=True)
class StoredSequence:
    """A `Sequence` of encoded frames and the boxes of one target."""

    name: str
    images: tuple[EncodedImage, ...]
    boxes: Box
    attributes: frozenset[str] = frozenset()
    notes: tuple[str, ...] = ()

    @property
    def stamps_s(self) -> NDArray[np.float64]:
        """See `Sequence`; stored frames have no times, so a rate is assumed."""
        return np.arange(len(self.images)) / ASSUMED_FPS

    def __len__(self) -> int:
        return len(self.images)

    def frame(self, index: int) -> Image:
        """See `Sequence`; (H, W, 3) uint8."""
        return decode(self.images[index])


def tar_members(path: Path) -> dict[str, TarredFile]:
    """Name to place of every file in an uncompressed tar.

    Raises:
        SequenceError: the file is not there, is no tar, is compressed, or ends early.
    """
    members: dict[str, TarredFile] = {}
    end = 0
    try:
        with tarfile.open(path, "r:") as tar:
            for info in tar:
                end = info.offset_data + -(-info.size // tarfile.BLOCKSIZE) * tarfile.BLOCKSIZE
                if info.isreg():
                    members[info.name] = TarredFile(path, info.name, info.offset_data, info.size)
    except (tarfile.TarError, OSError) as error:
        raise SequenceError(f"The shard {path} is no whole, uncompressed tar ({error}); copy it again.") from error
    # tarfile stops silently if a header is cut off: a whole tar ends with a block of zeros.
    if path.stat().st_size < end + tarfile.BLOCKSIZE or not _is_zero_block(path, end):
        raise SequenceError(f"The shard {path} is truncated after {len(members)} files; copy it again.")
    return members


def _is_zero_block(path: Path, offset: int) -> bool:
    with path.open("rb") as file:
        file.seek(offset)
        return not any(file.read(tarfile.BLOCKSIZE))


@cache
def _mapped(path: Path) -> mmap.mmap:
    with path.open("rb") as file:
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)


def image_sequences(path: Path, members: Mapping[str, TarredFile]) -> list[StoredSequence]:
    """Return the sequences of images among the members of a tar, one per target.

    Raises:
        SequenceError: a box file does not fit its frames.
    """
    folders: dict[str, dict[str, TarredFile]] = defaultdict(dict)
    for name, member in members.items():
        folder, _, file = name.rpartition("/")
        folders[folder][file] = member
    sequences: list[StoredSequence] = []
    for folder, files in sorted(folders.items()):
        texts = {name: bytes(file.read()).decode() for name, file in files.items() if _is_groundtruth(name)}
        images = tuple(files[name] for name in sorted(files) if Path(name).suffix.lower() in IMAGE_SUFFIXES)
        sequences += _sequences_of(folder.rpartition("/")[2], images, texts, folder.split("/")[0] == PSEUDO, path)
    return sequences


def _is_groundtruth(name: str) -> bool:
    return name.startswith("groundtruth") and name.endswith(".txt")


def _sequences_of(
    name: str, images: tuple[EncodedImage, ...], texts: dict[str, str], pseudo: bool, origin: Path
) -> list[StoredSequence]:
    attributes = frozenset({PSEUDO} if pseudo else ())
    sequences = []
    for file, text in sorted(texts.items()):
        target = file.removeprefix("groundtruth").removesuffix(".txt")
        boxes = parse_boxes(text, f"{origin}: {name}/{file}")
        if len(boxes) != len(images):
            raise SequenceError(f"{origin}: {name}/{file} has {len(boxes)} boxes for {len(images)} frames.")
        sequences.append(StoredSequence(name + target, images, boxes, attributes))
    return sequences


def parse_boxes(text: str, origin: str) -> Box:
    """Parse (N, 4) boxes from lines of "x,y,w,h" (commas, blanks or tabs between); boxes of no area become NaN.

    Raises:
        SequenceError: a line that has not four numbers, with `origin` and the line's number.
    """
    rows = []
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        try:
            x, y, width, height = (float(part) for part in line.replace(",", " ").split())
        except ValueError as error:
            raise SequenceError(f'{origin}, line {number}: found "{line}", expected four numbers x,y,w,h.') from error
        rows.append((x, y, width, height))
    boxes = np.array(rows, dtype=np.float64).reshape(-1, 4)
    boxes[~np.all(boxes[:, 2:] > 0, axis=1)] = np.nan
    return boxes
