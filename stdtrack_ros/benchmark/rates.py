# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""How accurate trackers are against time, at several frame rates, on one core that they have to themselves or share.

The protocol is that of `evaluation.realtime`. What a step costs is the processor time that it took in a pass over all
frames on one thread, over the share of the core that the tracker gets: the same on a quiet and on a busy machine. A
`PromptTracker` finishes a frame after its result is out, as the node lets ours do, and leaves out what is not in time.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence as Rows
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stdtrack_ros.evaluation.metrics.accuracy import FloatArray, mean, score, scored_ground_truth
from stdtrack_ros.evaluation.protocols import run_one_pass
from stdtrack_ros.evaluation.realtime import RealTimeRun, Rest, replay, seen_boxes
from stdtrack_ros.evaluation.trackers.tracker_interface import Estimate, PromptTracker, TrackerSpec, TrackerUnderTest
from stdtrack_ros.geometry import Box, Pixels
from stdtrack_ros.sequences.catalog import SequenceHandle
from stdtrack_ros.sequences.sequence import Sequence


@dataclass(frozen=True, slots=True)
class RateRow:
    """One tracker at one frame rate.

    Attributes:
        tracker: its name.
        rate: frames/s; 0: one pass in which time does not count.
        share: of the core that it gets, 0..1.
        auc: success AUC, 0..1, mean over the sequences.
        predicted_auc: the same of boxes that are carried on by their velocity; NaN if the tracker gives none.
        missed: fraction of the frames that it was not shown, mean over the sequences.
        step_ms: median cost of a step on the share, to its result.
    """

    tracker: str
    rate: float
    share: float
    auc: float
    predicted_auc: float
    missed: float
    step_ms: float


def accuracy_at_rates(
    handles: Rows[SequenceHandle], specs: Rows[TrackerSpec], rates: Rows[float], shares: Rows[float]
) -> list[RateRow]:
    """Run each tracker over each sequence, once without time and once for each rate and share.

    Raises:
        SequenceError: a sequence without ground truth, or a frame that cannot be read.
    """
    rows = []
    for spec in specs:
        tracker = spec.make(1)
        timed = _Timed(tracker)
        found: dict[tuple[float, float], list[tuple[float, ...]]] = {}
        for handle in handles:
            sequence = handle.open()
            track = run_one_pass(timed, sequence)
            cost, after = timed.cost_s(len(sequence), track.start)
            ground_truth = scored_ground_truth(sequence.boxes, track.start)
            typical = 1e3 * float(np.nanmedian(cost))
            offline = score(track.boxes[track.start :], ground_truth).auc
            found.setdefault((0.0, 1.0), []).append((offline, np.nan, 0.0, typical))
            for share in shares:
                for rate in rates:
                    run = _replay(tracker, _AtRate(sequence, rate), cost / share, after / share)
                    aucs = [score(seen_boxes(run, forecast=on)[run.start :], ground_truth).auc for on in (False, True)]
                    aucs[1] = aucs[1] if np.isfinite(run.velocities).any() else np.nan
                    missed = float(np.isnan(run.finish_s[run.start + 1 :]).mean())
                    found.setdefault((rate, share), []).append((*aucs, missed, typical / share))
        for (rate, share), figures in found.items():
            rows.append(
                RateRow(spec.name, rate, share, *(mean(np.array(column)) for column in zip(*figures, strict=True)))
            )
    return rows


def _replay(tracker: TrackerUnderTest, sequence: Sequence, cost_s: FloatArray, after_s: FloatArray) -> RealTimeRun:
    if not isinstance(tracker, PromptTracker):
        return replay(tracker, sequence, cost_s)
    return replay(_Prompt(tracker), sequence, cost_s, rest=Rest(after_s, tracker.finish))


class _Prompt:
    """A tracker that leaves for `finish` what its result does not need."""

    def __init__(self, inner: PromptTracker) -> None:
        self.initialize, self.track = inner.initialize, inner.track_first


class _Timed:
    """A tracker that writes down the processor time of each step, and that of what it does after its result is out."""

    def __init__(self, inner: TrackerUnderTest) -> None:
        self._inner = inner
        self._spent: list[tuple[float, float]] = []

    def initialize(self, image: Pixels, box: ArrayLike, stamp_s: float) -> None:
        """See `TrackerUnderTest`."""
        self._inner.initialize(image, box, stamp_s)
        self._spent = []

    def track(self, image: Pixels, stamp_s: float) -> Estimate | tuple[ArrayLike, float]:
        """See `TrackerUnderTest`."""
        begin = time.process_time()
        if isinstance(self._inner, PromptTracker):
            found = self._inner.track_first(image, stamp_s)
            out = time.process_time()
            self._inner.finish(math.inf)
        else:
            found = self._inner.track(image, stamp_s)
            out = time.process_time()
        self._spent.append((out - begin, time.process_time() - out))
        return found

    def cost_s(self, length: int, start: int) -> FloatArray:
        """Return (2, N) seconds of the last pass: each step to its result, and what came after; NaN up to its start."""
        cost = np.full((2, length), np.nan)
        cost[:, start + 1 : start + 1 + len(self._spent)] = np.transpose(self._spent)
        return cost


class _AtRate:
    """A sequence whose frames come at another rate."""

    def __init__(self, sequence: Sequence, rate: float) -> None:
        self._sequence = sequence
        self.name = sequence.name
        self.boxes: Box = sequence.boxes
        self.stamps_s: NDArray[np.float64] = np.arange(len(sequence)) / rate
        self.attributes, self.notes, self.frame = sequence.attributes, sequence.notes, sequence.frame

    def __len__(self) -> int:
        return len(self._sequence)
