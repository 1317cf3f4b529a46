# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Ways of running a tracker over a sequence: one pass, with restarts, from many starts (`realtime.py`: against time).

Each returns a frozen dataclass of arrays, the raw result; what it is worth is computed from that alone.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stdtrack_ros.errors import SequenceError
from stdtrack_ros.evaluation.metrics.accuracy import FloatArray, known, overlaps
from stdtrack_ros.evaluation.trackers.tracker_interface import Estimate, TrackerUnderTest
from stdtrack_ros.geometry import MIN_SIDE_PX, Box
from stdtrack_ros.sequences.sequence import Sequence

IntArray = NDArray[np.int64]

RESTART_GAP = 5
"""Frames from a failure to the restart (VOT's supervised experiment)."""
ANCHOR_SPACING = 50
"""Frames between two starts (VOT's anchor-based experiment)."""


@dataclass(frozen=True, slots=True)
class Track:
    """One pass over a sequence of N frames.

    Attributes:
        boxes: (N, 4) px; NaN before the start and where the tracker gave none.
        qualities: (N,); NaN if none was given, and at the start.
        velocities: (N, 2) px/s; NaN if none was given.
        step_s: (N,) what each step cost in seconds; NaN if none was made, and at the start.
        start: () index of the frame of the initialisation, whose box was given.
    """

    boxes: FloatArray
    qualities: FloatArray
    velocities: FloatArray
    step_s: FloatArray
    start: int


@dataclass(frozen=True, slots=True)
class RestartRun:
    """A pass in which the tracker is started again after each failure.

    Attributes:
        boxes: (N, 4) px; NaN if the tracker did not run.
        starts: (S,) frames of the initialisations.
        failures: (F,) frames in which the box missed the target (IoU 0).
    """

    boxes: FloatArray
    starts: IntArray
    failures: IntArray


@dataclass(frozen=True, slots=True)
class MultiStartRun:
    """A pass from each of A anchors, towards the farther end of the sequence.

    Attributes:
        boxes: (A, N, 4) px; NaN outside the pass.
        anchors: (A,) frames of the initialisations.
        directions: (A,) 1 forward, -1 backward.
    """

    boxes: FloatArray
    anchors: IntArray
    directions: IntArray


def startable(ground_truth: Box) -> NDArray[np.bool_]:
    """Return (N,) whether a tracker can start on a frame's ground-truth box: it is known, and a pixel wide and high."""
    return known(ground_truth) & (np.nan_to_num(ground_truth[:, 2:]) >= MIN_SIDE_PX).all(axis=1)


def start_of(sequence: Sequence, start_box: ArrayLike | None = None) -> tuple[int, Box]:
    """Return frame and box to start with: the first ground-truth box, or without any `start_box` in frame 0.

    Raises:
        SequenceError: neither is there.
    """
    indices = np.flatnonzero(startable(sequence.boxes))
    if len(indices):
        return int(indices[0]), sequence.boxes[indices[0]]
    if start_box is not None:
        return 0, np.asarray(start_box, dtype=np.float64)
    raise SequenceError(
        f"The sequence {sequence.name} has no ground-truth box in any of its {len(sequence)} frames, so no tracker can "
        "be started on it; name its ground truth (a topic or a CSV file), or give a start box."
    )


def run_one_pass(tracker: TrackerUnderTest, sequence: Sequence, start_box: ArrayLike | None = None) -> Track:
    """Run OPE: start on the first ground-truth box, then track every frame once, in order; step times are measured.

    Raises:
        SequenceError: nothing to start with, or a frame that cannot be read.
    """
    start, box = start_of(sequence, start_box)
    track = empty_track(len(sequence), start)
    tracker.initialize(sequence.frame(start), box, float(sequence.stamps_s[start]))
    track.boxes[start] = box
    for index in range(start + 1, len(sequence)):
        step(tracker, sequence, index, track)
    return track


def empty_track(length: int, start: int) -> Track:
    """Return a track of NaN."""
    nan = np.nan
    return Track(
        np.full((length, 4), nan), np.full(length, nan), np.full((length, 2), nan), np.full(length, nan), start
    )


def step(tracker: TrackerUnderTest, sequence: Sequence, index: int, track: Track) -> None:
    """Show the tracker one frame; write down what it says and how long it takes (the frame's decoding left out)."""
    image = sequence.frame(index)
    begin = time.perf_counter()
    estimate = Estimate(*tracker.track(image, float(sequence.stamps_s[index])))
    track.step_s[index] = time.perf_counter() - begin
    track.boxes[index] = np.asarray(estimate.box, dtype=np.float64)
    track.qualities[index] = estimate.quality
    track.velocities[index] = np.asarray(estimate.velocity, dtype=np.float64)


def run_with_restarts(tracker: TrackerUnderTest, sequence: Sequence, gap: int = RESTART_GAP) -> RestartRun:
    """Start on the first ground-truth box, and `gap` frames after each failure (IoU 0) on the next one.

    Raises:
        SequenceError: no ground truth, or a frame that cannot be read.
    """
    index, _ = start_of(sequence)
    ground_truth = sequence.boxes
    is_known, can_start = known(ground_truth), startable(ground_truth)
    boxes = np.full((len(sequence), 4), np.nan)
    starts: list[int] = []
    failures: list[int] = []
    restart = index
    while index < len(sequence):
        if index < restart or (index == restart and not can_start[index]):
            restart = max(restart, index + 1)
        elif index == restart:
            starts.append(index)
            boxes[index] = ground_truth[index]
            tracker.initialize(sequence.frame(index), ground_truth[index], float(sequence.stamps_s[index]))
        else:
            estimate = Estimate(*tracker.track(sequence.frame(index), float(sequence.stamps_s[index])))
            boxes[index] = np.asarray(estimate.box, dtype=np.float64)
            if is_known[index] and overlaps(boxes[index : index + 1], ground_truth[index : index + 1])[0] == 0.0:
                failures.append(index)
                restart = index + gap
        index += 1
    return RestartRun(boxes, np.array(starts, dtype=np.int64), np.array(failures, dtype=np.int64))


def run_multi_start(tracker: TrackerUnderTest, sequence: Sequence, spacing: int = ANCHOR_SPACING) -> MultiStartRun:
    """Run a pass from every `spacing`-th frame with a ground-truth box, towards the end that is farther away.

    Going backwards, stamps are mirrored at the anchor's, so that time still runs forward for the tracker.

    Raises:
        SequenceError: no ground truth, or a frame that cannot be read.
    """
    first, _ = start_of(sequence)
    length = len(sequence)
    indices = np.flatnonzero(startable(sequence.boxes))
    anchors = [int(indices[np.searchsorted(indices, at)]) for at in range(first, int(indices[-1]) + 1, spacing)]
    anchors = sorted(set(anchors))
    boxes = np.full((len(anchors), length, 4), np.nan)
    directions = np.array([1 if length - 1 - anchor >= anchor else -1 for anchor in anchors], dtype=np.int64)
    for run, anchor in enumerate(anchors):
        stamp_s = float(sequence.stamps_s[anchor])
        tracker.initialize(sequence.frame(anchor), sequence.boxes[anchor], stamp_s)
        boxes[run, anchor] = sequence.boxes[anchor]
        path = range(anchor + 1, length) if directions[run] > 0 else range(anchor - 1, -1, -1)
        for index in path:
            now_s = stamp_s + abs(float(sequence.stamps_s[index]) - stamp_s)
            boxes[run, index] = np.asarray(Estimate(*tracker.track(sequence.frame(index), now_s)).box)
    return MultiStartRun(boxes, np.array(anchors, dtype=np.int64), directions)
