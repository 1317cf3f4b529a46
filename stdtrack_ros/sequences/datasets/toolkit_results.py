# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Raw results in the files that the benchmarks' own toolkits read, as they write them.

Three forms cover them all: GOT-10k's (a folder per sequence, a file per repetition), OTB's (a file per sequence, times
in a folder beside them; LaSOT, UAV123, DTB70, NFS, AVisT and TrackingNet take the same), and VOT's (a folder per
sequence; a lone number in each frame that starts, skips or fails).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stdtrack_ros.errors import SequenceError
from stdtrack_ros.geometry import Box
from stdtrack_ros.outputs import write_text

VOT_BOX, VOT_SKIPPED, VOT_START, VOT_FAILURE = -1, 0, 1, 2
"""State of a frame in VOT's files: a box, or the lone number that stands in its place."""


@dataclass(frozen=True, slots=True)
class ResultFormat:
    """Where a benchmark's toolkit looks for results, and how it counts pixels.

    Attributes:
        folder: folder of the benchmark under the results' root.
        form: "got10k", "otb" or "vot".
        one_based: pixels count from 1, as in the benchmark's own boxes.
    """

    folder: str
    form: Literal["got10k", "otb", "vot"]
    one_based: bool = False


FORMATS: dict[str, ResultFormat] = {
    "got10k": ResultFormat("GOT-10k", "got10k"),
    "otb": ResultFormat("OTB2015", "otb", one_based=True),
    "dtb70": ResultFormat("DTB70", "otb", one_based=True),
    "lasot": ResultFormat("LaSOT", "otb", one_based=True),
    "uav123": ResultFormat("UAV123", "otb", one_based=True),
    "uav20l": ResultFormat("UAV20L", "otb", one_based=True),
    "uav123_10fps": ResultFormat("UAV123_10fps", "otb", one_based=True),
    "nfs": ResultFormat("NfS/30", "otb"),
    "nfs240": ResultFormat("NfS/240", "otb"),
    "trackingnet": ResultFormat("TrackingNet", "otb"),
    "avist": ResultFormat("AVisT", "otb"),
    "vot": ResultFormat("VOT", "vot"),
    "plain": ResultFormat("plain", "otb"),
    "images": ResultFormat("images", "otb"),
    "shard": ResultFormat("shards", "otb"),
    "bag": ResultFormat("bags", "otb"),
    "video": ResultFormat("videos", "otb"),
}
"""The format of each layout of `SequenceHandle.layout`."""


@dataclass(frozen=True, slots=True)
class RawResult:
    """What one tracker said of one sequence.

    Attributes:
        boxes: (N, 4) float64 x, y, width, height in px, with our origin; the first row is the box it was started on.
        times_s: (N,) seconds that each frame took; NaN if not known.
        states: (N,) int, VOT's states; all VOT_BOX elsewhere.
    """

    boxes: Box
    times_s: NDArray[np.float64]
    states: NDArray[np.int64]


def one_pass(boxes: ArrayLike, times_s: ArrayLike | None = None) -> RawResult:
    """Return the result of a pass without restarts: the first frame starts, all others are boxes."""
    table = np.asarray(boxes, dtype=np.float64).reshape(-1, 4)
    times = np.full(len(table), np.nan) if times_s is None else np.asarray(times_s, dtype=np.float64)
    states = np.full(len(table), VOT_BOX)
    states[:1] = VOT_START
    return RawResult(table, times, states)


def result_file(root: Path, layout: str, tracker: str, sequence: str, experiment: str = "unsupervised") -> Path:
    """Return the file of a tracker's boxes on a sequence; `experiment` (baseline, unsupervised, ...) is for VOT.

    Raises:
        SequenceError: no format of that layout is known.
    """
    if layout not in FORMATS:
        raise SequenceError(f"There is no result format '{layout}'; it may be {', '.join(FORMATS)}.")
    folder = root / FORMATS[layout].folder / tracker
    form = FORMATS[layout].form
    if form == "otb":
        return folder / f"{sequence}.txt"
    return (folder / experiment if form == "vot" else folder) / sequence / f"{sequence}_001.txt"


def write_result(
    root: Path, layout: str, tracker: str, sequence: str, result: RawResult, experiment: str = "unsupervised"
) -> Path:
    """Write one result, boxes and times; the file of the boxes.

    Raises:
        SequenceError: no format of that layout is known.
    """
    path = result_file(root, layout, tracker, sequence, experiment)
    kind = FORMATS[layout]
    boxes = result.boxes + np.array([1.0, 1.0, 0.0, 0.0]) if kind.one_based else result.boxes
    digits = 4 if kind.form == "vot" else 3
    lines = [",".join(f"{number:.{digits}f}" for number in box) for box in boxes]
    if kind.form == "vot":
        lines = [line if state == VOT_BOX else str(state) for line, state in zip(lines, result.states, strict=True)]
    times = times_file(path, kind)
    times.parent.mkdir(parents=True, exist_ok=True)
    write_text(path, "\n".join(lines) + "\n")
    write_text(times, "\n".join(f"{time:.8f}" for time in result.times_s) + "\n")
    return path


def times_file(path: Path, kind: ResultFormat) -> Path:
    """Return the file of the times beside a file of boxes."""
    if kind.form == "otb":
        return path.parent / "times" / f"{path.stem}_time.txt"
    return path.with_name(f"{path.stem.removesuffix('_001')}_time.txt")
