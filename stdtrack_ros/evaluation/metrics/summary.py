# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Everything that a report says, computed from a folder of raw results and nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from stdtrack_ros.evaluation.metrics.accuracy import (
    FloatArray,
    center_errors,
    norm_precision_curve,
    normalized_errors,
    overlaps,
    precision_curve,
    scored_ground_truth,
    success_curve,
)
from stdtrack_ros.evaluation.metrics.calibration import Calibration, calibrate
from stdtrack_ros.evaluation.metrics.scores import Row, combine, real_time_curve, row_of
from stdtrack_ros.evaluation.protocols import Track
from stdtrack_ros.evaluation.realtime import RealTimeRun
from stdtrack_ros.evaluation.results import PROTOCOLS, ResultsFolder, Run, SequenceFacts


@dataclass(frozen=True, slots=True)
class TrackerSummary:
    """One tracker over all sequences that every tracker finished.

    Attributes:
        note: how it is set up.
        metrics: over the data set, by name.
        success, precision, norm_precision: (21,), (51,), (51,) mean curves.
        delays: (51,) mean real-time AUC over allowed delays; empty without that protocol.
        calibration: of its quality, over the frames of all sequences.
    """

    name: str
    note: str
    metrics: Row
    success: FloatArray
    precision: FloatArray
    norm_precision: FloatArray
    delays: FloatArray
    calibration: Calibration


@dataclass(frozen=True, slots=True)
class EvaluationSummary:
    """What an evaluation found.

    Attributes:
        trackers: in the order of the run; the first is the one that the report is about.
        facts: every sequence that could be opened, in the order of the run.
        rows: figures by tracker and sequence.
        runs: raw results by tracker and sequence.
        common: names of the sequences that count for the summary: those that every tracker finished.
        attributes: mean AUC by attribute and tracker, and how many sequences have it.
        errors: (tracker, sequence, sentence) of everything that went wrong.
    """

    trackers: tuple[TrackerSummary, ...]
    facts: Mapping[str, SequenceFacts]
    rows: Mapping[str, Mapping[str, Row]]
    runs: Mapping[str, Mapping[str, Mapping[str, Run]]]
    common: tuple[str, ...]
    attributes: Mapping[str, tuple[int, Mapping[str, float]]]
    errors: tuple[tuple[str, str, str], ...]


def summarize(
    folder: ResultsFolder,
    trackers: Mapping[str, str],
    sequences: Sequence[str],
    protocols: Sequence[str] = tuple(PROTOCOLS),
) -> EvaluationSummary:
    """Return the summary on trackers (notes by name), sequences and protocols out of a folder of raw results."""
    known_facts = {name: folder.load_facts(name) for name in sequences}
    facts = {name: fact for name, fact in known_facts.items() if fact is not None}
    runs = {tracker: _runs_of(folder, tracker, facts, protocols) for tracker in trackers}
    errors = [
        (tracker, name, message)
        for name in sequences
        for tracker in trackers
        # If all that is asked for is there, an error is of another protocol.
        if not set(protocols) <= runs[tracker].get(name, {}).keys()
        and (message := folder.load_error(tracker, name) or _misfit(folder, tracker, name, facts, runs)) is not None
    ]
    rows = {
        tracker: {name: row_of(parts, facts[name]) for name, parts in by_name.items()}
        for tracker, by_name in runs.items()
    }
    taking_part = [by_name.keys() for by_name in runs.values() if by_name]
    common = tuple(name for name in facts if taking_part and all(name in names for names in taking_part))
    summaries = tuple(
        _summary_of(tracker, note, {name: facts[name] for name in common}, runs[tracker], rows[tracker])
        for tracker, note in trackers.items()
        if runs[tracker]
    )
    return EvaluationSummary(summaries, facts, rows, runs, common, _attributes(facts, rows, common), tuple(errors))


def _runs_of(
    folder: ResultsFolder, tracker: str, facts: Mapping[str, SequenceFacts], protocols: Sequence[str]
) -> dict[str, dict[str, Run]]:
    """Return a tracker's raw results; sequences without a whole pass, or of another length, are left out."""
    found: dict[str, dict[str, Run]] = {}
    for name, fact in facts.items():
        loaded = {protocol: folder.load(tracker, name, protocol) for protocol in protocols}
        fitting = {
            protocol: run
            for protocol, run in loaded.items()
            if run is not None and run.boxes.shape[-2] == len(fact.ground_truth)
        }
        if "ope" in fitting:
            found[name] = fitting
    return found


def _misfit(
    folder: ResultsFolder,
    tracker: str,
    name: str,
    facts: Mapping[str, SequenceFacts],
    runs: Mapping[str, Mapping[str, Mapping[str, Run]]],
) -> str | None:
    """Return a sentence if there is a result and it was left out."""
    if name not in facts or name in runs[tracker] or folder.load(tracker, name, "ope") is None:
        return None
    return f"{name} changed while it was evaluated, and this result is of another length; run the evaluation again."


def _summary_of(
    tracker: str,
    note: str,
    facts: Mapping[str, SequenceFacts],
    runs: Mapping[str, Mapping[str, Run]],
    rows: Mapping[str, Row],
) -> TrackerSummary:
    passes = [(fact, run) for name, fact in facts.items() if isinstance(run := runs[name]["ope"], Track)]
    after = [(run.boxes[run.start :], scored_ground_truth(fact.ground_truth, run.start)) for fact, run in passes]
    real_time = [
        real_time_curve(against_time, fact)
        for name, fact in facts.items()
        if isinstance(against_time := runs[name].get("realtime"), RealTimeRun)
    ]
    qualities = [run.qualities for _, run in passes]
    ious = [overlaps(run.boxes, fact.ground_truth) for fact, run in passes]
    return TrackerSummary(
        tracker,
        note,
        combine(rows[name] for name in facts),
        _mean_curve([success_curve(overlaps(boxes, ground_truth)) for boxes, ground_truth in after]),
        _mean_curve([precision_curve(center_errors(boxes, ground_truth)) for boxes, ground_truth in after]),
        _mean_curve([norm_precision_curve(normalized_errors(boxes, ground_truth)) for boxes, ground_truth in after]),
        _mean_curve(real_time),
        calibrate(np.concatenate(qualities or [np.empty(0)]), np.concatenate(ious or [np.empty(0)])),
    )


def _mean_curve(curves: list[FloatArray]) -> FloatArray:
    """Return the mean over sequences; those without ground truth (NaN) left out."""
    usable = [curve for curve in curves if not np.isnan(curve).any()]
    return np.asarray(np.mean(usable, axis=0)) if usable else np.empty(0)


def _attributes(
    facts: Mapping[str, SequenceFacts], rows: Mapping[str, Mapping[str, Row]], common: Sequence[str]
) -> dict[str, tuple[int, dict[str, float]]]:
    tags = sorted({tag for name in common for tag in facts[name].attributes})
    breakdown = {}
    for tag in tags:
        tagged = [name for name in common if tag in facts[name].attributes]
        means = {tracker: combine(table[name] for name in tagged)["auc"] for tracker, table in rows.items() if table}
        breakdown[tag] = (len(tagged), means)
    return breakdown
