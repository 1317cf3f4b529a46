# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""From the paths that a user names (bags, videos, benchmark folders, folders of any of them) to sequences."""

from __future__ import annotations

import glob
import os
import re
from collections import Counter
from collections.abc import Callable, Iterable
from collections.abc import Sequence as Listed
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from stdtrack_ros.errors import SequenceError
from stdtrack_ros.sequences.datasets.benchmarks import find_sequences
from stdtrack_ros.sequences.datasets.folders import FolderSource
from stdtrack_ros.sequences.frames import list_images, number_key
from stdtrack_ros.sequences.recordings.bag_file import is_bag
from stdtrack_ros.sequences.recordings.videos import SUFFIXES as VIDEO_SUFFIXES
from stdtrack_ros.sequences.recordings.videos import VideoSequence, is_video
from stdtrack_ros.sequences.sequence import Sequence
from stdtrack_ros.sequences.shards.opening import SUFFIX as SHARD_SUFFIX
from stdtrack_ros.sequences.shards.opening import open_in_shard, read_shard, shards_in


@dataclass(frozen=True, slots=True)
class SequenceHandle:
    """A sequence that is known but not opened: cheap, and picklable, so that a worker process opens its own.

    Attributes:
        name: unique among the handles of one `open_sequences` call, fit for a file name.
        path: the bag, video or sequence folder.
        layout: "bag", "video", "shard", or the benchmark layout's name ("got10k", "otb", ...; `benchmarks.LAYOUTS`).
        reader: makes the sequence of that name; a module's own function, or a `functools.partial` of one.
    """

    name: str
    path: Path
    layout: str
    reader: Callable[[str], Sequence]

    def open(self) -> Sequence:
        """Open it.

        Raises:
            SequenceError: it cannot be read, in one sentence with the path and the reason.
        """
        return self.reader(self.name)


def open_sequences(
    paths: Iterable[Path],
    *,
    topic: str | None = None,
    ground_truth_topic: str | None = None,
    ground_truth_csv: Path | None = None,
    layout: str = "auto",
    exclude: Path | None = None,
) -> list[SequenceHandle]:
    """Return handles of all sequences under the paths, in a fixed order; nothing is decoded yet.

        for handle in open_sequences([Path("flight.mcap")], ground_truth_topic="/boxes"):
            sequence = handle.open()
            image, box = sequence.frame(0), sequence.boxes[0]

    Args:
        paths: bags, videos, tar shards, benchmark folders, sequence folders, folders of bags or shards, or glob
            patterns of these.
        topic: image topic of the bags; None: the only one there is.
        ground_truth_topic: topic of the bags with the ground-truth boxes; None: none (a topic with boxes may be a
            tracker's output, so it is never taken unasked).
        ground_truth_csv: file with the ground-truth boxes (bags and videos), or a folder with one
            `<sequence name>.csv` each.
        layout: benchmark layout of the folders, one of `benchmarks.LAYOUTS`, or "auto".
        exclude: a folder, such as one of results, that may lie among the data and is none; what is named in it
            itself is taken.

    Raises:
        SequenceError: a path that is not there, that is in no known layout, or under which nothing was found. What is
            wrong inside a single bag or sequence is raised by its handle's `open`, so that one bad one loses no other.
    """
    found = [
        item
        for path in paths
        for each in _expand(path)
        for item in _look(each, layout)
        if exclude is None or _within(each, exclude) or not _within(_place(item), exclude)
    ]
    if not found:
        raise SequenceError("No bag, video or sequence was named; give at least one path.")
    _check_ground_truth(ground_truth_csv, found)
    handles = []
    for item in found:
        if isinstance(item, FolderSource):
            handles.append(SequenceHandle(file_name(item.name), _place(item), item.layout, item.open))
            continue
        if item.suffix == SHARD_SUFFIX and item.is_file():
            handles += _in_shard(item)
            continue
        name = file_name(item.resolve().name if item.is_dir() else item.stem)
        if is_bag(item):
            reader = partial(
                _open_bag,
                path=item,
                topic=topic,
                ground_truth_topic=ground_truth_topic,
                ground_truth_csv=ground_truth_csv,
            )
            handles.append(SequenceHandle(name, item, "bag", reader))
        else:
            handles.append(
                SequenceHandle(
                    name, item, "video", partial(VideoSequence, path=item, ground_truth_csv=ground_truth_csv)
                )
            )
    handles = _with_unique_names(handles)
    if ground_truth_csv is None or not ground_truth_csv.is_dir():
        return handles
    return [_with_ground_truth(one, ground_truth_csv / f"{one.name}.csv") for one in handles]


def _with_ground_truth(handle: SequenceHandle, csv: Path) -> SequenceHandle:
    """Return the handle of a bag or video with another file of boxes."""
    reader = handle.reader
    assert isinstance(reader, partial)
    return replace(handle, reader=partial(reader.func, **{**reader.keywords, "ground_truth_csv": csv}))


def _in_shard(path: Path) -> list[SequenceHandle]:
    names = [sequence.name for sequence in read_shard(path)]
    return [
        SequenceHandle(file_name(name), path, "shard", partial(open_in_shard, path=path, member=name)) for name in names
    ]


def _place(item: Path | FolderSource) -> Path:
    return item.images if isinstance(item, FolderSource) else item


def _within(path: Path, folder: Path) -> bool:
    return folder.resolve() in path.resolve().parents


def _expand(path: Path) -> list[Path]:
    """Return the path itself, or what a glob pattern matches."""
    if path.exists():
        return [path]
    matches = sorted(map(Path, glob.glob(str(path), recursive=True)), key=number_key)  # noqa: PTH207 (absolute patterns)
    if not matches:
        raise SequenceError(
            f"There is nothing at {path}; name a bag, a video, a folder of sequences, or a pattern of them."
        )
    return matches


def _look(path: Path, layout: str) -> Listed[Path | FolderSource]:
    """Return the bags and videos at a path, and the sequences of the benchmark that it is."""
    if is_bag(path) or (path.is_file() and path.suffix.lower() in {*VIDEO_SUFFIXES, SHARD_SUFFIX}):
        return [path]
    if path.is_file() and is_video(path):
        return [path]
    if path.is_file():
        raise SequenceError(
            f"The file {path} is neither a bag (.mcap, .db3) nor a shard (.tar) nor a video that PyAV can open."
        )
    if layout == "auto" and (shards := shards_in(path)):
        return shards
    recordings: list[Path | FolderSource] = [*_recordings(path)] if layout == "auto" else []
    try:
        return [*recordings, *find_sequences(path, layout)]
    except SequenceError:
        if recordings:
            return recordings
        if layout != "auto" or not list_images(path):
            raise
        return [FolderSource(path.resolve().name, "images", path, None)]


def _check_ground_truth(ground_truth_csv: Path | None, found: Listed[Path | FolderSource]) -> None:
    if ground_truth_csv is None:
        return
    if any(isinstance(item, FolderSource) or item.suffix == SHARD_SUFFIX for item in found):
        raise SequenceError(
            f"The ground truth in {ground_truth_csv} is for bags and videos; folders and shards bring their own."
        )
    if len(found) > 1 and not ground_truth_csv.is_dir():
        raise SequenceError(
            f"The file {ground_truth_csv} cannot be the ground truth of {len(found)} recordings; give a folder with "
            "<name>.csv files."
        )


def _recordings(folder: Path, depth: int = 2) -> list[Path]:
    """Return the bags and videos in a folder and the folders in it."""
    found = []
    for entry in sorted(os.scandir(folder), key=lambda entry: number_key(Path(entry.name))):
        path = Path(entry.path)
        if is_bag(path) or (path.suffix.lower() in VIDEO_SUFFIXES and not entry.is_dir()):
            found.append(path)
        elif depth > 0 and entry.is_dir() and not entry.name.startswith("."):
            found += _recordings(path, depth - 1)
    return found


def _open_bag(
    name: str, path: Path, topic: str | None, ground_truth_topic: str | None, ground_truth_csv: Path | None
) -> Sequence:
    from stdtrack_ros.sequences.recordings.bags import BagSequence  # rosbags is needed for bags alone

    return BagSequence(name, path, topic, ground_truth_topic, ground_truth_csv)


def file_name(text: str) -> str:
    """Return a name fit for a file: letters, digits, dot, dash and underscore."""
    return re.sub(r"[^\w.-]+", "_", text).strip("._") or "sequence"


def _with_unique_names(handles: list[SequenceHandle]) -> list[SequenceHandle]:
    """Put the parent folder before names that occur more than once, and a number if that is not enough."""
    counts = Counter(handle.name for handle in handles)
    taken: set[str] = set()
    unique = []
    for handle in handles:
        several = counts[handle.name] > 1
        name = plain = file_name(f"{handle.path.parent.name}_{handle.name}") if several else handle.name
        number = 1
        while name in taken:
            number += 1
            name = f"{plain}_{number}"
        taken.add(name)
        unique.append(replace(handle, name=name))
    return unique
