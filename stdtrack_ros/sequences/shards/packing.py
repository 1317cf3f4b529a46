# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Makes sequences and stills small: only what a training canvas can show, at the scale at which it shows it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from collections.abc import Sequence as ListOf
from concurrent.futures import ProcessPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal, TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from stdtrack_ros.geometry import Box, Image
from stdtrack_ros.outputs import write_text
from stdtrack_ros.sequences.origin import origin_of
from stdtrack_ros.sequences.sequence import Sequence
from stdtrack_ros.sequences.shards.shard_writer import ShardWriter, box_lines, sequence_files
from stdtrack_ros.sequences.shards.stills import Still
from stdtrack_ros.sequences.shards.tar_shards import ASSUMED_FPS, PSEUDO
from stdtrack_ros.sequences.shards.video_tar import BOXES_SUFFIX, VIDEO_SUFFIX, encode_clip, write_index

Entry = list[tuple[str, bytes]]
"""Path in the tar and content of the files that stay together."""

REACH = 3.5
"""A canvas shows 3.5 target sizes to every side of the target."""
LEAST_PX = 240
"""Smallest side of a video window, in pixels of the source, if the frame has that many."""
MIN_AREA_PX = 150
In = TypeVar("In")
Out = TypeVar("Out")


@dataclass(frozen=True)
class PackOptions:
    """How much is kept.

    Attributes:
        target_px: frames are scaled down until the target's sqrt(w * h) is this, at the median (never up).
        longest_px: longest side of a frame; `stills_px`: of a still.
        stride: keep every n-th frame.
        part_frames: a longer sequence is cut into parts of so many frames, each with a window of its own.
        quality: of the JPEGs.
        codec: how video is stored, as JPEGs (`jpeg`) or as H.264 (`h264`), a tenth of the size.
    """

    target_px: float = 84.0
    longest_px: int = 480
    stills_px: int = 300
    stride: int = 1
    part_frames: int = 120
    quality: int = 85
    codec: Literal["jpeg", "h264"] = "jpeg"


def pack_videos(sequences: ListOf[Sequence], writer: ShardWriter, options: PackOptions, workers: int = 1) -> int:
    """Write all sequences, and return how many entries that made (a long sequence makes several).

    Beside shards of H.264 lies `index_<stem>.csv` with the clips' frame rates, source videos and kinds of label.

    Raises:
        SequenceError: a frame that cannot be read, or an entry larger than a shard.
    """
    names: dict[str, int] = {}
    # Videos and bags without ground truth go no further: an open bag cannot be handed to another process.
    labelled = [sequence for sequence in sequences if np.isfinite(sequence.boxes).all(axis=1).sum() >= 2]
    rows = []
    packed = _in_parallel(partial(pack_sequence, options=options), labelled, workers)
    for sequence, entries in zip(labelled, packed, strict=True):
        for entry in entries:
            renamed = _renamed(entry, names)
            writer.add(renamed)
            rows.append({"clip": _stem(renamed), **_facts(sequence, options)})
    index = writer.folder / f"index_{writer.stem}.csv"
    index.unlink(missing_ok=True)  # of shards that were here before
    if options.codec == "h264":
        write_index(index, rows)
    return sum(names.values())


def _facts(sequence: Sequence, options: PackOptions) -> dict[str, object]:
    origin = origin_of(sequence)
    label = PSEUDO if PSEUDO in sequence.attributes else origin.label
    return {"video": origin.video, "group": origin.group, "label": label, "fps": f"{_rate(sequence, options):g}"}


def _rate(sequence: Sequence, options: PackOptions) -> float:
    """Return the frames per second of what is kept of a sequence."""
    steps = np.diff(sequence.stamps_s)
    step = float(np.median(steps)) if len(steps) else 0.0
    return 1.0 / (step * options.stride) if step > 0 else ASSUMED_FPS


def pack_stills(stills: ListOf[Still], writer: ShardWriter, options: PackOptions, workers: int = 1) -> int:
    """Write all stills and their `stills_index.json`, and return how many objects they hold.

    Raises:
        SequenceError: a picture that cannot be read.
    """
    lines = []
    names: set[str] = set()
    for files, line in _in_parallel(partial(pack_still, options=options), stills, workers):
        if line["image"] in names:  # the same picture from two sets
            continue
        names.add(line["image"])
        writer.add(files)
        lines.append(line)
    write_text(writer.folder / "stills_index.json", json.dumps(lines))
    return sum(len(line["objects"]) for line in lines)


def _in_parallel(work: Callable[[In], Out], items: Iterable[In], workers: int) -> Iterator[Out]:
    with ProcessPoolExecutor(workers) if workers > 1 else nullcontext() as pool:
        yield from pool.map(work, items, chunksize=4) if pool else map(work, items)


def _renamed(entry: Entry, names: dict[str, int]) -> Entry:
    """Add a number to the entry if its name has occurred before."""
    stem = _stem(entry)
    names[stem] = names.get(stem, 0) + 1
    if names[stem] == 1:
        return entry
    return [(path.replace(stem, f"{stem}_{names[stem]}", 1), content) for path, content in entry]


def _stem(entry: Entry) -> str:
    """Return what the paths of an entry's files begin with: their folder, or the video's path without its ending."""
    path = entry[0][0]
    return path.removesuffix(VIDEO_SUFFIX) if path.endswith(VIDEO_SUFFIX) else path.rpartition("/")[0]


def pack_sequence(sequence: Sequence, options: PackOptions) -> list[Entry]:
    """Return the entries of a sequence's parts; parts with fewer than two boxes are left out.

    Raises:
        SequenceError: a frame that cannot be read.
    """
    kept = np.arange(0, len(sequence), options.stride)
    parts = [kept[start : start + options.part_frames] for start in range(0, len(kept), options.part_frames)]
    entries = []
    for number, part in enumerate(parts):
        labelled = np.flatnonzero(~np.isnan(sequence.boxes[part]).any(axis=1))
        if len(labelled) < 2:
            continue
        name = sequence.name if len(parts) == 1 else f"{sequence.name}_p{number}"
        entries.append(_pack_part(sequence, part[labelled[0] :], name, options))
    return entries


def _pack_part(sequence: Sequence, indices: NDArray[np.intp], name: str, options: PackOptions) -> Entry:
    boxes = sequence.boxes[indices]
    known = boxes[~np.isnan(boxes).any(axis=1)]
    first = sequence.frame(int(indices[0]))
    left, top, right, bottom = _window(known, first.shape[1], first.shape[0])
    size = float(np.median(np.sqrt(known[:, 2] * known[:, 3])))
    scale = min(1.0, options.longest_px / max(right - left, bottom - top), options.target_px / size)
    unit = 2 if options.codec == "h264" else 1  # colours are stored at half the size
    width, height = (max(round(side * scale / unit), 1) * unit for side in (right - left, bottom - top))
    frames = (
        cv2.resize(sequence.frame(int(index))[top:bottom, left:right], (width, height), interpolation=cv2.INTER_AREA)
        for index in indices
    )
    factors = np.array([width / (right - left), height / (bottom - top)] * 2)
    moved = (boxes - np.array([left, top, 0, 0])) * factors
    if options.codec == "h264":  # the index tells of labels
        clip = encode_clip(frames, _rate(sequence, options))
        return [(f"{name}{VIDEO_SUFFIX}", clip), (f"{name}{BOXES_SUFFIX}", box_lines(moved).encode())]
    split = PSEUDO if PSEUDO in sequence.attributes else "train"
    return sequence_files(split, name, (_jpeg(frame, options.quality) for frame in frames), {"": moved})


def _window(boxes: Box, width: int, height: int) -> tuple[int, int, int, int]:
    """Return left, top, right, bottom of what the canvases of these boxes show of a frame."""
    reach = REACH * float(np.sqrt(boxes[:, 2] * boxes[:, 3]).max())
    centers = boxes[:, :2] + boxes[:, 2:] / 2
    limit = np.array([width, height], dtype=np.float64)
    low = np.clip(np.floor(centers.min(axis=0) - reach), 0, limit)
    high = np.clip(np.ceil(centers.max(axis=0) + reach), 0, limit)
    missing = np.maximum(np.minimum(LEAST_PX, limit) - (high - low), 0)
    low = np.clip(low - np.ceil(missing / 2), 0, limit)
    high = np.minimum(np.maximum(high, low + np.minimum(LEAST_PX, limit)), limit)
    low = np.minimum(low, np.maximum(high - LEAST_PX, 0))
    left, top, right, bottom = (int(value) for value in (*low, *high))
    return left, top, right, bottom


def pack_still(still: Still, options: PackOptions) -> tuple[Entry, dict[str, Any]]:
    """Return the files of a still and its line of `stills_index.json`."""
    pixels = still.pixels()
    height, width = pixels.shape[:2]
    scale = min(1.0, options.stills_px / max(height, width))
    size = max(round(width * scale), 1), max(round(height * scale), 1)
    name = _jpg_name(still.name)
    files = [(f"stills/{name}", _jpeg(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), options.quality))]
    labels, objects = _labels(still, width, height, size)
    line: dict[str, Any] = {"image": name, "width": size[0], "height": size[1], "objects": objects}
    if labels.any():
        line["mask"] = name.removesuffix(".jpg") + ".png"
        files.append((f"stills/{line['mask']}", cv2.imencode(".png", labels)[1].tobytes()))
    return files, line


def _labels(still: Still, width: int, height: int, size: tuple[int, int]) -> tuple[Image, list[dict[str, Any]]]:
    """Return (H, W) uint8 ids of the objects, small ones upon large ones, and the objects' lines; ids 0: no mask."""
    labels = np.zeros(size[::-1], np.uint8)
    objects: list[dict[str, Any]] = []
    factors = np.array([size[0] / width, size[1] / height] * 2)
    for target in sorted(still.objects, key=lambda one: -one.box[2] * one.box[3])[:255]:
        line = {"id": 0, "bbox": (target.box * factors).round(1).tolist(), "cls": target.category}
        if target.has_mask:
            mask = cv2.resize(still.mask_of(target, width, height), size, interpolation=cv2.INTER_AREA) > 127
            if mask.sum() < MIN_AREA_PX:
                continue
            line["id"] = len(objects) + 1
            labels[mask] = line["id"]
        objects.append(line)
    return labels, objects


def _jpg_name(name: str) -> str:
    stem, _, _ = name.rpartition(".")
    return f"{stem or name}.jpg"


def _jpeg(image: Image, quality: int) -> bytes:
    encoded: bytes = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes()
    return encoded
