# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""One tracker on one sequence: the unit of work that goes to a process or to another machine."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, is_dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from stdtrack_ros.errors import StdtrackError
from stdtrack_ros.evaluation.metrics.accuracy import FloatArray
from stdtrack_ros.evaluation.protocols import Track, run_multi_start, run_one_pass, run_with_restarts, start_of
from stdtrack_ros.evaluation.realtime import replay
from stdtrack_ros.evaluation.results import Run, SequenceFacts, facts_of
from stdtrack_ros.evaluation.trackers.tracker_interface import TrackerSpec, TrackerUnderTest
from stdtrack_ros.geometry import Box
from stdtrack_ros.sequences.catalog import SequenceHandle
from stdtrack_ros.sequences.recordings.bag_file import is_bag
from stdtrack_ros.sequences.sequence import Sequence

WARM_UP_STEPS = 2
"""Steps of a fresh tracker that are not measured: the first ones allocate."""
TIMED_STEPS = 50
"""Steps that are measured when a tracker is timed alone."""


@dataclass(frozen=True, slots=True)
class Job:
    """What one process is asked to do.

    Attributes:
        protocols: names out of `results.PROTOCOLS`; one pass comes first, since real time needs its step times.
        threads: CPU threads of the tracker (0: all cores).
        start_box: (4,) where to start a sequence without ground truth; None: such a sequence is an error.
        step_s: (M,) step times measured before, with nothing else running; None: those of this job's own pass.
        done: the raw results that are there already.
        identity: of tracker, source and start (`identity_of`) when the job was made: what changes while it runs makes
            its results old.
    """

    spec: TrackerSpec
    handle: SequenceHandle
    protocols: tuple[str, ...]
    threads: int = 0
    start_box: tuple[float, ...] | None = None
    step_s: FloatArray | None = None
    done: Mapping[str, Run] = field(default_factory=dict)
    identity: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a job.

    Attributes:
        runs: raw results by protocol; those that came before an error are kept.
        facts: of the sequence; None if it could not be opened.
        error: a sentence; empty if all went well.
    """

    job: Job
    runs: Mapping[str, Run]
    facts: SequenceFacts | None
    error: str


def run_job(job: Job) -> Outcome:
    """Run all protocols of a job; whatever goes wrong is in the outcome, so that no other job is touched by it."""
    runs: dict[str, Run] = {}
    facts: SequenceFacts | None = None
    try:
        sequence = job.handle.open()
        facts = facts_of(sequence, job.handle.name)
        tracker = _tracker_of(job, sequence)
        one_pass = job.done.get("ope")
        if job.step_s is not None and "realtime" in job.protocols and isinstance(one_pass, Track):
            runs["ope"] = _retimed(one_pass, job.step_s)  # its own times may be of a run with others beside it
        for protocol in job.protocols:
            runs[protocol] = _PROTOCOL_RUNS[protocol](tracker, sequence, job, {**job.done, **runs})
    except StdtrackError as error:
        return Outcome(job, runs, facts, str(error))
    except (Exception, SystemExit) as error:  # a baseline, a plug-in or a decoder, failing in a way of its own
        where = traceback.extract_tb(error.__traceback__)[-1]
        place = f"{Path(where.filename).name}:{where.lineno}"
        return Outcome(job, runs, facts, f"{job.spec.name} failed: {type(error).__name__}: {error} ({place})")
    return Outcome(job, runs, facts, "")


def time_alone(job: Job) -> Job:
    """Return the job with step times measured now, over its first frames; as it is if that is not possible."""
    try:
        sequence = job.handle.open()
        tracker = _tracker_of(job, sequence)
        track = run_one_pass(tracker, _First(sequence, TIMED_STEPS), job.start_box)
    except (Exception, SystemExit):  # the job itself will fail in the same way, and say so
        return job
    steps = track.step_s[~np.isnan(track.step_s)]
    return replace(job, step_s=steps) if len(steps) else job


def _one_pass(tracker: TrackerUnderTest, sequence: Sequence, job: Job, before: Mapping[str, Run]) -> Run:
    track = run_one_pass(tracker, sequence, job.start_box)
    return track if job.step_s is None else _retimed(track, job.step_s)


def _retimed(track: Track, step_s: FloatArray) -> Track:
    """Return the track with other step times, (M,) repeated, wherever a step was made."""
    steps = np.resize(step_s, len(track.step_s))
    return replace(track, step_s=np.where(np.isnan(track.step_s), np.nan, steps))


def _real_time(tracker: TrackerUnderTest, sequence: Sequence, job: Job, before: Mapping[str, Run]) -> Run:
    one_pass = before["ope"]
    assert isinstance(one_pass, Track)
    return replay(tracker, sequence, one_pass.step_s, job.start_box)


def _restarts(tracker: TrackerUnderTest, sequence: Sequence, job: Job, before: Mapping[str, Run]) -> Run:
    return run_with_restarts(tracker, sequence)


def _multi_start(tracker: TrackerUnderTest, sequence: Sequence, job: Job, before: Mapping[str, Run]) -> Run:
    return run_multi_start(tracker, sequence)


_PROTOCOL_RUNS: dict[str, Callable[[TrackerUnderTest, Sequence, Job, Mapping[str, Run]], Run]] = {
    "ope": _one_pass,
    "realtime": _real_time,
    "restart": _restarts,
    "multistart": _multi_start,
}

_trackers: dict[tuple[str, str, int], TrackerUnderTest] = {}
"""The trackers of this process: loading a model for each sequence would cost more than tracking."""


def _tracker_of(job: Job, sequence: Sequence) -> TrackerUnderTest:
    key = (job.spec.name, job.spec.identity, job.threads)
    if key not in _trackers:
        tracker = job.spec.make(job.threads)
        _warm_up(tracker, sequence, *start_of(sequence, job.start_box))
        _trackers[key] = tracker
    return _trackers[key]


def _warm_up(tracker: TrackerUnderTest, sequence: Sequence, start: int, box: Box) -> None:
    image, stamp_s = sequence.frame(start), float(sequence.stamps_s[start])
    tracker.initialize(image, box, stamp_s)
    for number in range(WARM_UP_STEPS):
        tracker.track(image, stamp_s + (number + 1) / 30)


class _First:
    """The first frames of a sequence, from its first ground-truth box on."""

    def __init__(self, sequence: Sequence, frames: int) -> None:
        self._sequence = sequence
        self._length = min(len(sequence), start_of(sequence, (0, 0, 1, 1))[0] + frames + 1)
        self.name = sequence.name
        self.boxes = sequence.boxes[: self._length]
        self.stamps_s = sequence.stamps_s[: self._length]
        self.attributes = sequence.attributes
        self.notes = sequence.notes
        self.frame = sequence.frame

    def __len__(self) -> int:
        return self._length


def identity_of(spec: TrackerSpec, handle: SequenceHandle, start_box: tuple[float, ...] | None) -> str:
    """Return what changes when the result can: tracker, source, how it is read, start."""
    return f"{spec.identity} | {_source_identity(handle)} | {start_box}"


def _source_identity(handle: SequenceHandle) -> str:
    """Return the path and what the reader holds, each file among that with its time of change."""
    reader = handle.reader
    parts: list[Any] = [handle.path]
    source = getattr(reader, "__self__", "")
    parts += [getattr(source, each.name) for each in fields(source)] if is_dataclass(source) else [repr(source)]
    if isinstance(reader, partial):
        parts += [*reader.args, *(value for _, value in sorted(reader.keywords.items()))]
    return ", ".join(_described(part) for part in parts)


def _described(part: Any) -> str:
    if isinstance(part, tuple):
        return f"({', '.join(_described(item) for item in part)})"
    return f"{part}@{_changed(part)}" if isinstance(part, Path) else repr(part)


def _changed(path: Path) -> int:
    """Return when a file (of a bag's folder: its newest) was changed, in ns; a repair need not touch the folder."""
    try:
        files = [path, *path.iterdir()] if is_bag(path) and path.is_dir() else [path]
        return max(file.stat().st_mtime_ns for file in files)
    except OSError:
        return 0
