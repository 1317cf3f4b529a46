# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Reads raw results back from the files of the benchmarks' toolkits."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from stdtrack_ros.errors import SequenceError
from stdtrack_ros.sequences.datasets.ground_truth import read_numbers
from stdtrack_ros.sequences.datasets.toolkit_results import FORMATS, VOT_BOX, RawResult, result_file, times_file


def read_result(root: Path, layout: str, tracker: str, sequence: str, experiment: str = "unsupervised") -> RawResult:
    """Read one result back, ours or another tracker's; frames without a box are rows of NaN.

    Raises:
        SequenceError: the file is missing, or a line of it is no result.
    """
    path = result_file(root, layout, tracker, sequence, experiment)
    kind = FORMATS[layout]
    boxes, states = [], []
    for number, row in enumerate(read_numbers(path), start=1):
        if row.size not in (1, 4) or (row.size == 1 and kind.form != "vot"):
            raise SequenceError(
                f"Line {number} of {path} has {row.size} numbers; a result has 4 (x, y, width, height)."
            )
        boxes.append(row if row.size == 4 else np.full(4, np.nan))
        states.append(VOT_BOX if row.size == 4 else int(row[0]))
    table = np.array(boxes, dtype=np.float64).reshape(-1, 4)
    if kind.one_based:
        table[:, :2] -= 1.0
    return RawResult(table, _read_times(times_file(path, kind), len(table)), np.array(states, dtype=np.int64))


def _read_times(path: Path, frames: int) -> NDArray[np.float64]:
    """Seconds a frame of the first repetition; NaN for all where there is no file, as some toolkits write none."""
    if not path.is_file():
        return np.full(frames, np.nan)
    times = np.array([row[0] for row in read_numbers(path)], dtype=np.float64)
    if len(times) != frames:
        raise SequenceError(f"The file {path} has {len(times)} times for {frames} frames; it must have one each.")
    return times
