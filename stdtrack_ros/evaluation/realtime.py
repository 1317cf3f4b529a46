# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Replay against time: latency-aware evaluation (LAE: Li et al., PVT; streaming accuracy: Li et al., ECCV 2020).

Frames arrive by their stamps. A tracker that is free takes the newest frame that has arrived; those that arrive while
it is busy are missed. Each frame with ground truth is scored against the newest output that existed when it arrived.
Time is simulated from step times measured before, so that the same times give the same boxes on a busy machine.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from stdtrack_ros.evaluation.metrics.accuracy import FloatArray
from stdtrack_ros.evaluation.protocols import IntArray, Track, empty_track, start_of, step
from stdtrack_ros.evaluation.trackers.tracker_interface import TrackerUnderTest
from stdtrack_ros.sequences.sequence import Sequence
from stdtrack_ros.tracker.motion import carried_on

DELAYS = np.linspace(0.0, 1.0, 51)
"""Allowed delays sigma of extended LAE (PVT++), in frame intervals."""


@dataclass(frozen=True, slots=True)
class Rest:
    """The work on a frame that a tracker does after its output is there.

    Attributes:
        cost_s: (N,) what it costs on each frame, in seconds.
        finish: does it, but nothing that can wait and takes longer than so many seconds.
    """

    cost_s: FloatArray
    finish: Callable[[float], None]


@dataclass(frozen=True, slots=True)
class RealTimeRun:
    """What a tracker did against time on a sequence of N frames.

    Attributes:
        boxes: (N, 4) px of the frames it took; NaN for those it missed.
        velocities: (N, 2) px/s of the same.
        arrival_s: (N,) when each frame arrived, counted from the first frame's arrival.
        finish_s: (N,) when the output for each frame existed; NaN for missed frames. The start's: its arrival (free).
        start: index of the frame of the initialisation.
    """

    boxes: FloatArray
    velocities: FloatArray
    arrival_s: FloatArray
    finish_s: FloatArray
    start: int


def replay(
    tracker: TrackerUnderTest,
    sequence: Sequence,
    step_s: ArrayLike,
    start_box: ArrayLike | None = None,
    rest: Rest | None = None,
) -> RealTimeRun:
    """Run against time, where a step on frame i costs `step_s[i]` seconds ((N,); only frames after the start count).

    With a `rest`, that is done after the output is there. If it would not be done when the next frame arrives, what can
    be left out is: runs of the network, of which one is counted as saved. It costs as much as a step.

    Raises:
        SequenceError: nothing to start with, or a frame that cannot be read.
    """
    cost = np.asarray(step_s, dtype=np.float64)
    start, box = start_of(sequence, start_box)
    arrival = np.asarray(sequence.stamps_s - sequence.stamps_s[0], dtype=np.float64)
    track: Track = empty_track(len(sequence), start)
    finish = np.full(len(sequence), np.nan)
    tracker.initialize(sequence.frame(start), box, float(sequence.stamps_s[start]))
    track.boxes[start], finish[start] = box, arrival[start]
    index, free = start, float(arrival[start])
    while True:
        newest_arrived = int(np.searchsorted(arrival, free, side="right")) - 1
        index = max(newest_arrived, index + 1)
        if index >= len(sequence):
            break
        step(tracker, sequence, index, track)
        free = max(free, float(arrival[index])) + float(cost[index])
        finish[index] = free
        if rest is not None:
            due = arrival[index + 1] if index + 1 < len(sequence) else np.inf
            after, fits = float(rest.cost_s[index]), bool(free + rest.cost_s[index] <= due)
            rest.finish(np.inf if fits else 0.0)
            free += after if fits else max(after - float(cost[index]), 0.0)
    return RealTimeRun(track.boxes, track.velocities, arrival, finish, start)


def visible(run: RealTimeRun, delay: float = 0.0) -> IntArray:
    """Return (N,) the frame whose output was the newest when each frame arrived; -1 before the start.

    Args:
        delay: wait so much longer for an output, in intervals to the next frame (sigma of extended LAE).
    """
    taken = np.flatnonzero(~np.isnan(run.finish_s))
    interval = np.diff(run.arrival_s, append=2 * run.arrival_s[-1] - run.arrival_s[-2:][0])
    newest = np.searchsorted(run.finish_s[taken], run.arrival_s + delay * interval, side="right") - 1
    newest = np.minimum(newest, np.searchsorted(taken, np.arange(len(run.boxes)), side="right") - 1)
    sources = np.where(newest >= 0, taken[np.maximum(newest, 0)], -1)
    return np.asarray(sources, dtype=np.int64)


def seen_boxes(run: RealTimeRun, delay: float = 0.0, forecast: bool = False) -> FloatArray:
    """Return (N, 4) the box that was known of each frame when it arrived; NaN before the start.

    With `forecast`, each output is carried on by its velocity to the frame's arrival (if it has one).
    """
    sources = visible(run, delay)
    boxes: FloatArray = np.where(sources[:, None] >= 0, run.boxes[sources], np.nan)
    if forecast:
        age = run.arrival_s - run.arrival_s[sources]
        boxes = carried_on(boxes, run.velocities[sources], age)
    return boxes


def mean_mismatch(run: RealTimeRun) -> float:
    """Return the mean age in frames (LAE's i - f_j) of the output that each frame after the start is scored against."""
    ages = (np.arange(len(run.boxes)) - visible(run))[run.start + 1 :]
    return float(ages.mean()) if len(ages) else float("nan")
