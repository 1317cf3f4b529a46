# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Does the tracker know when its target is gone, and does it find it again?"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stdtrack_ros.evaluation.metrics.accuracy import overlaps
from stdtrack_ros.evaluation.metrics.failures import LOST_IOU, RECOVERED_IOU
from stdtrack_ros.sequences.sequence import Sequence
from stdtrack_ros.tracker.result import Status
from stdtrack_ros.tracker.tracker import Tracker

FLAG_FRAMES = 3
"""Frames within which a target that is gone should be flagged."""
RETURN_S = 1.0
"""Time from its return within which a target should be found."""


@dataclass(frozen=True, slots=True)
class StatusRun:
    """One pass with what the tracker said of itself.

    Attributes:
        boxes: (N, 4) px; NaN in the first frame. ground_truth: (N, 4) px; NaN if the target is not to be seen.
        statuses: (N,) numbers of `Status`. qualities: (N,), NaN in the first frame. stamps_s: (N,).
        covariances: (N, 4, 4) px² of (centre x, centre y, width, height), NaN in the first frame.
        places: (N, 4) px, the ground truth also where the target is covered; NaN if it is not known.
    """

    boxes: NDArray[np.float64]
    ground_truth: NDArray[np.float64]
    statuses: NDArray[np.int64]
    qualities: NDArray[np.float64]
    stamps_s: NDArray[np.float64]
    covariances: NDArray[np.float64]
    places: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class LossReport:
    """Loss detection and recovery over many runs. *Off*: the target is absent, or the IoU of the box is under 0.1.

    Attributes:
        precision: of the frames with status LOST, the fraction that is off; NaN if none is LOST.
        recall: of the frames off for longer than the grace, the fraction with status LOST; NaN if there are none.
        absent_recall: the same of the frames in which the target is absent for longer than that.
        false_lost: of the frames on target (IoU at least 0.5), the fraction with status LOST.
        in_view_lost: of the frames in which the target is to be seen, the fraction with status LOST.
        absences: times that the target went away. flagged: of them, those in which it was not TRACKING in one of the
            first FLAG_FRAMES frames. in_time: those in which it was LOST within the grace. detected: those in which it
            was LOST while away. detect_s: median time from its going to that.
        recovered: absences after which it was TRACKING on target again. recovered_in_time: those in which that was
            within RETURN_S. recover_s: median time from its return to that.
        reacquisitions: times that TRACKING began after LOST. false_reacquisitions: those in a frame off target.
    """

    precision: float
    recall: float
    absent_recall: float
    false_lost: float
    in_view_lost: float
    absences: int
    flagged: int
    in_time: int
    detected: int
    detect_s: float
    recovered: int
    recovered_in_time: int
    recover_s: float
    reacquisitions: int
    false_reacquisitions: int


def run_with_status(tracker: Tracker, sequence: Sequence) -> StatusRun:
    """Track a sequence from its first box and keep what the tracker said."""
    count = len(sequence)
    boxes, qualities = np.full((count, 4), np.nan), np.full(count, np.nan)
    statuses, covariances = np.full(count, int(Status.TRACKING)), np.full((count, 4, 4), np.nan)
    tracker.initialize(sequence.frame(0), sequence.boxes[0], float(sequence.stamps_s[0]))
    for index in range(1, count):
        result = tracker.track(sequence.frame(index), float(sequence.stamps_s[index]))
        boxes[index], qualities[index], statuses[index] = result.box, result.quality, int(result.status)
        covariances[index] = result.covariance
    ground_truth = np.asarray(sequence.boxes)
    places = np.asarray(getattr(sequence, "places", ground_truth))
    return StatusRun(boxes, ground_truth, statuses, qualities, np.asarray(sequence.stamps_s), covariances, places)


def report_losses(runs: Iterable[StatusRun], grace_s: float = 0.3) -> LossReport:
    """Return what many runs say together; see `LossReport`.

    Args:
        grace_s: a target that is away for less than this need not be said LOST.
    """
    said, off, due, gone, on, seen = [], [], [], [], [], []
    detect, recover, flagged, begun, false = [], [], 0, 0, 0
    for run in runs:
        ious = overlaps(run.boxes, run.ground_truth)
        absent = np.asarray(np.isnan(run.ground_truth).any(axis=1))
        is_off = absent | (np.nan_to_num(ious) < LOST_IOU)
        is_off[0] = False
        lost = run.statuses == int(Status.LOST)
        said.append(lost)
        off.append(is_off)
        on.append(np.nan_to_num(ious) >= RECOVERED_IOU)
        seen.append(~absent)
        due.append(_longer_than(is_off, run.stamps_s, grace_s))
        gone.append(_longer_than(absent, run.stamps_s, grace_s))
        begins = _reacquired(run.statuses)
        begun, false = begun + int(begins.sum()), false + int((begins & is_off).sum())
        for begin, end in _spans(absent):
            flagged += bool((run.statuses[begin : min(begin + FLAG_FRAMES, end)] != int(Status.TRACKING)).any())
            detect.append(_first_time(lost, run.stamps_s, begin, end))
            back = (run.statuses == int(Status.TRACKING)) & on[-1]
            recover.append(_first_time(back, run.stamps_s, end, len(lost)))
    lost, is_off, on_target, is_due, is_gone, in_view = map(np.concatenate, (said, off, on, due, gone, seen))
    return LossReport(
        precision=_fraction(is_off[lost]),
        recall=_fraction(lost[is_due]),
        absent_recall=_fraction(lost[is_gone]),
        false_lost=_fraction(lost[on_target]),
        in_view_lost=_fraction(lost[in_view]),
        absences=len(detect),
        flagged=flagged,
        in_time=sum(value <= grace_s + 1e-9 for value in detect),
        detected=sum(not np.isnan(value) for value in detect),
        detect_s=_median(detect),
        recovered=sum(not np.isnan(value) for value in recover),
        recovered_in_time=sum(value <= RETURN_S + 1e-9 for value in recover),
        recover_s=_median(recover),
        reacquisitions=begun,
        false_reacquisitions=false,
    )


def _spans(flags: NDArray[np.bool_]) -> list[tuple[int, int]]:
    edges = np.flatnonzero(np.diff(np.concatenate(([False], flags, [False])).astype(np.int8)))
    return [(int(begin), int(end)) for begin, end in edges.reshape(-1, 2)]


def _longer_than(flags: NDArray[np.bool_], stamps_s: NDArray[np.float64], grace_s: float) -> NDArray[np.bool_]:
    due = np.zeros_like(flags)
    for begin, end in _spans(flags):
        due[begin:end] = stamps_s[begin:end] - stamps_s[begin] > grace_s + 1e-9
    return due


def _reacquired(statuses: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return (N,) whether TRACKING begins after LOST in a frame."""
    tracking = statuses == int(Status.TRACKING)
    return np.concatenate(([False], tracking[1:] & (statuses[:-1] == int(Status.LOST))))


def _first_time(flags: NDArray[np.bool_], stamps_s: NDArray[np.float64], begin: int, end: int) -> float:
    found = np.flatnonzero(flags[begin:end])
    return float(stamps_s[begin + found[0]] - stamps_s[begin]) if len(found) else float("nan")


def _fraction(flags: NDArray[np.bool_]) -> float:
    return float(flags.mean()) if len(flags) else float("nan")


def _median(values: list[float]) -> float:
    known = [value for value in values if not np.isnan(value)]
    return float(np.median(known)) if known else float("nan")
