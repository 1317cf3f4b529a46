# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Sequences of image files in a folder beside a text file of boxes: the benchmarks' ways, and the plain one."""

from __future__ import annotations

import re
from collections.abc import Sequence as Listed
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from stdtrack_ros.errors import SequenceError
from stdtrack_ros.geometry import Box, Pixels
from stdtrack_ros.sequences.datasets import attributes
from stdtrack_ros.sequences.datasets.ground_truth import Notes, align_rows, clean_boxes, read_boxes
from stdtrack_ros.sequences.frames import SameSize, list_images, read_image, stamps_in_names
from stdtrack_ros.sequences.timeline import jump_notes, seconds


@dataclass(frozen=True, slots=True)
class FolderSource:
    """Where a sequence's files lie and how they are to be read; a finder of `benchmarks` makes it.

    Attributes:
        name: name of the sequence.
        layout: name of the layout, a key of `benchmarks.LAYOUTS`.
        images: folder of the frames.
        ground_truth: file of the boxes; None: there is none.
        first, last: number of the first and last frame to take, counted from 1 in the order of the files; None: to
            the end.
        one_based: the boxes count pixels from 1, as MATLAB does; they are moved to our origin.
        frame_rate: frames per second, for the stamps; if the files say none, the one of the benchmark.
        absent: label files with a number per frame, above zero where the target cannot be seen.
        vector: the toolkit's file of 0/1 attributes.
        tags: file of attribute names, separated by commas.
        named_marks: per-frame label files that each are an attribute, if they mark any frame.
        meta: GOT-10k's `meta_info.ini`, whose root class is an attribute.
    """

    name: str
    layout: str
    images: Path
    ground_truth: Path | None
    first: int = 1
    last: int | None = None
    one_based: bool = False
    frame_rate: float = 30.0
    absent: tuple[Path, ...] = ()
    vector: Path | None = None
    tags: Path | None = None
    named_marks: tuple[Path, ...] = ()
    meta: Path | None = None

    def open(self, name: str) -> FolderSequence:
        """Open it under a name; raises what `FolderSequence` raises."""
        return FolderSequence(replace(self, name=name))


class FolderSequence:
    """A sequence of image files; each frame is read when asked for.

    Raises:
        SequenceError: no images, or a file of boxes that cannot be read.
    """

    def __init__(self, source: FolderSource) -> None:
        self.source = source
        self.images = list_images(source.images)[source.first - 1 : source.last]
        if not self.images:
            raise SequenceError(f"The sequence '{source.name}' has no images in {source.images}.")
        self.stamps_s, notes = self._stamps()
        self.boxes, more = self._ground_truth()
        self.notes = notes + more
        self.attributes = _attributes(source)
        self._size = SameSize()

    @property
    def name(self) -> str:
        """Name of the sequence."""
        return self.source.name

    def __len__(self) -> int:
        """Return the number of frames."""
        return len(self.images)

    def frame(self, index: int) -> Pixels:
        """Return (H, W, 3) uint8 BGR.

        Raises:
            SequenceError: the file is damaged, or its size is not that of the frames before.
        """
        image = read_image(self.images[index])
        self._size.check(image.shape[1], image.shape[0], f"The frame {self.images[index]}")
        return image

    def _stamps(self) -> tuple[NDArray[np.float64], Notes]:
        """Return the times in the images' names if there are such, else those of the layout's frame rate."""
        named = stamps_in_names(self.images) if self.source.layout in ("plain", "images") else None
        if named is not None:
            return seconds(named), ("The stamps are the times in the images' names.", *jump_notes(named))
        return np.arange(len(self.images)) / self.source.frame_rate, ()

    def _ground_truth(self) -> tuple[Box, Notes]:
        source = self.source
        if source.ground_truth is None:
            return clean_boxes(np.full((len(self.images), 4), np.nan))
        boxes = _READERS.get(source.layout, read_boxes)(source.ground_truth)
        if source.one_based:
            boxes[:, :2] -= 1.0
        boxes, notes = _to_frames(boxes, self.images, source)
        boxes[_absent(source, len(boxes))] = np.nan
        cleaned, more = clean_boxes(boxes)
        return cleaned, notes + more


def read_vatic(path: Path) -> Box:
    """Read (N, 4) boxes of NFS: id, left, top, right, bottom, frame, lost, ...; a row marked lost becomes NaN."""
    boxes = []
    for number, line in enumerate(path.read_text(encoding="utf-8-sig", errors="replace").splitlines(), start=1):
        if not line.strip():
            continue
        try:
            left, top, right, bottom, _, lost = (float(text) for text in line.split()[1:7])
        except ValueError:
            raise SequenceError(f"Line {number} of {path} is '{line[:60]}'; it must be a line of VATIC's.") from None
        boxes.append([np.nan] * 4 if lost > 0 else [left, top, right - left, bottom - top])
    return np.array(boxes, dtype=np.float64).reshape(-1, 4)


_READERS = {"nfs": read_vatic, "nfs240": read_vatic}


def _to_frames(boxes: Box, images: Listed[Path], source: FolderSource) -> tuple[Box, Notes]:
    """Assign row i to frame i, or by the numbers in the file names if frames are missing from the folder."""
    if len(boxes) == len(images):
        return boxes, ()
    if source.layout == "nfs" and abs(len(boxes) / len(images) - 8) < 1:  # 240 Hz boxes beside 30 Hz frames
        boxes = boxes[::8]
    numbers = _numbers(images)
    for first in {numbers[0], 0 if source.layout == "trackingnet" else source.first} if numbers else ():
        if first <= numbers[0] and len(boxes) == numbers[-1] - first + 1 > len(images):
            missing = len(boxes) - len(images)
            note = f"{missing} frames are missing in {source.images} by their numbers: their rows are left out."
            return boxes[np.array(numbers) - first], (note,)
    return align_rows(boxes, len(images), str(source.ground_truth))


def _numbers(images: Listed[Path]) -> list[int]:
    """Return the numbers that the file names end in; none if a name ends in no number, or two in the same."""
    found = [int(ending[0]) for path in images if (ending := re.search(r"\d+$", path.stem))]
    return found if len(set(found)) == len(images) and found == sorted(found) else []


def _absent(source: FolderSource, frames: int) -> NDArray[np.bool_]:
    absent = np.zeros(frames, dtype=bool)
    for path in source.absent:
        marks = attributes.read_marks(path)
        if path.stem == "cover":  # GOT-10k's fraction of the target that is visible, 0..8: absent if it is 0
            marks = ~marks
        if len(marks) != frames:
            raise SequenceError(
                f"The label file {path} has {len(marks)} values for {frames} frames; it must have one each."
            )
        absent |= marks
    return absent


def _attributes(source: FolderSource) -> frozenset[str]:
    tags: set[str] = set()
    if source.vector is not None:
        tags |= attributes.read_vector(source.vector, source.layout)
    if source.tags is not None:
        tags |= attributes.read_names(source.tags)
    tags |= {path.stem for path in source.named_marks if attributes.read_marks(path).any()}
    if source.meta is not None:
        root_class = attributes.read_pairs(source.meta).get("root_class")
        tags |= {root_class} if root_class else set()
    return frozenset(tags)


def has_polygons(ground_truth: Path) -> bool:
    """Return whether the first line of a file of boxes is a polygon."""
    with ground_truth.open(encoding="utf-8-sig", errors="replace") as file:
        return len(file.readline().replace(",", " ").split()) >= 6
