# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""From raw results to figures: one table row per tracker and sequence, and their means."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict

import numpy as np

from stdtrack_ros.evaluation.metrics.accuracy import (
    SUCCESS_THRESHOLDS,
    FloatArray,
    known,
    mean,
    overlaps,
    score,
    scored_ground_truth,
)
from stdtrack_ros.evaluation.metrics.failures import LOST_IOU, false_confidence, find_failures
from stdtrack_ros.evaluation.metrics.metric_definitions import METRICS
from stdtrack_ros.evaluation.protocols import MultiStartRun, RestartRun, Track
from stdtrack_ros.evaluation.realtime import DELAYS, RealTimeRun, mean_mismatch, seen_boxes, visible
from stdtrack_ros.evaluation.results import Run, SequenceFacts
from stdtrack_ros.geometry import iou

Row = dict[str, float]
"""Figures by name; NaN if there is none."""

BURN_IN = 10
"""Frames after a restart that do not count for accuracy (VOT)."""
DROPPED_FRAMES = 10
"""Frames in a row off the target that end a multi-start pass (VOT's anchor-based experiment)."""


def row_of(runs: Mapping[str, Run], facts: SequenceFacts) -> Row:
    """Compute all figures that the raw results of one tracker on one sequence give."""
    row: Row = {}
    for run in runs.values():
        match run:
            case Track():
                row |= _one_pass(run, facts)
            case RealTimeRun():
                row |= _real_time(run, facts)
            case RestartRun():
                row |= _restarts(run, facts)
            case MultiStartRun():
                row |= _multi_start(run, facts)
    return row


def _one_pass(track: Track, facts: SequenceFacts) -> Row:
    boxes, ground_truth = track.boxes[track.start :], scored_ground_truth(facts.ground_truth, track.start)
    ious = np.concatenate((np.full(track.start, np.nan), overlaps(boxes, ground_truth)))
    return {
        **asdict(score(boxes, ground_truth)),
        **_failures(ious, facts.stamps_s, track.start),
        **_confidence(ious, track.qualities),
        **latency(track.step_s),
    }


def _failures(ious: FloatArray, stamps_s: FloatArray, start: int) -> Row:
    failures = find_failures(ious)
    recoveries = [stamps_s[failure.end] - stamps_s[failure.begin] for failure in failures if failure.end is not None]
    return {
        "failures": float(len(failures)) if not np.isnan(ious).all() else float("nan"),
        "time_to_failure_s": float(stamps_s[failures[0].begin] - stamps_s[start]) if failures else float("nan"),
        "time_to_recovery_s": mean(recoveries),
        "never_recovered": float(len(failures) - len(recoveries)) if not np.isnan(ious).all() else float("nan"),
    }


def _confidence(ious: FloatArray, qualities: FloatArray) -> Row:
    counts = false_confidence(ious, qualities)
    return {
        "false_confidence": counts.rate,
        "absent_confidence": counts.confident_absent / counts.absent if counts.absent else float("nan"),
        "frames_missed": float(counts.missed),
        "frames_absent": float(counts.absent),
    }


def latency(step_s: FloatArray) -> Row:
    """Return percentiles of (N,) step times in seconds, NaN left out."""
    steps = step_s[~np.isnan(step_s)]
    if not len(steps):
        return dict.fromkeys(("ms_p50", "ms_p95", "ms_p99", "ms_max", "fps"), float("nan"))
    p50, p95, p99 = np.percentile(steps, [50, 95, 99]) * 1e3
    return {
        "ms_p50": float(p50),
        "ms_p95": float(p95),
        "ms_p99": float(p99),
        "ms_max": float(steps.max() * 1e3),
        "fps": float(1.0 / max(steps.mean(), 1e-9)),
    }


def _real_time(run: RealTimeRun, facts: SequenceFacts) -> Row:
    ground_truth = scored_ground_truth(facts.ground_truth, run.start)
    plain = score(seen_boxes(run)[run.start :], ground_truth)
    gives_velocity = np.isfinite(run.velocities).any()
    forecast = score(seen_boxes(run, forecast=True)[run.start :], ground_truth).auc if gives_velocity else float("nan")
    taken = ~np.isnan(run.finish_s[run.start + 1 :])
    return {
        "realtime_auc": plain.auc,
        "realtime_precision": plain.precision,
        "realtime_forecast_auc": forecast,
        "realtime_mauc": float(real_time_curve(run, facts).mean()),
        "mismatch": mean_mismatch(run),
        "missed": float(1.0 - taken.mean()) if len(taken) else float("nan"),
    }


def real_time_curve(run: RealTimeRun, facts: SequenceFacts) -> FloatArray:
    """Return (51,) success AUC for each allowed delay of extended LAE; NaN without ground truth."""
    frames = run.start + np.flatnonzero(known(scored_ground_truth(facts.ground_truth, run.start)))
    if not len(frames):
        return np.full(len(DELAYS), np.nan)
    sources = np.stack([visible(run, delay)[frames] for delay in DELAYS])
    ious = np.nan_to_num(iou(run.boxes[sources], facts.ground_truth[frames]))
    # The area under a frame's curve is the fraction of thresholds that its IoU lies above.
    return np.asarray(np.searchsorted(SUCCESS_THRESHOLDS, ious).mean(axis=1) / len(SUCCESS_THRESHOLDS))


def _restarts(run: RestartRun, facts: SequenceFacts) -> Row:
    ious = overlaps(run.boxes, facts.ground_truth)
    counts = np.asarray(np.isfinite(run.boxes).all(axis=1), dtype=np.bool_)
    for failure in run.failures:
        counts[failure] = False
    for start in run.starts:
        counts[start : start + BURN_IN] = False
    seen = known(facts.ground_truth).sum() > 1  # else no failure could be found
    return {
        "restart_failures": float(len(run.failures)) if seen else float("nan"),
        "restart_accuracy": mean(ious[counts]),
    }


def _multi_start(run: MultiStartRun, facts: SequenceFacts) -> Row:
    before, total, overlap = 0, 0, 0.0
    if known(facts.ground_truth).sum() < 2:
        return {"multistart_accuracy": float("nan"), "multistart_robustness": float("nan")}
    for boxes, anchor, direction in zip(run.boxes, run.anchors, run.directions, strict=True):
        ious = overlaps(boxes, facts.ground_truth)
        path = ious[anchor:] if direction > 0 else ious[anchor::-1]
        path = path[~np.isnan(path)]
        end = _dropped_at(path)
        before, total, overlap = before + end, total + len(path), overlap + float(path[:end].sum())
    return {
        "multistart_accuracy": overlap / before if before else float("nan"),
        "multistart_robustness": before / total if total else float("nan"),
    }


def _dropped_at(path: FloatArray) -> int:
    """Return where DROPPED_FRAMES frames in a row lie under LOST_IOU for the first time; the length if nowhere."""
    run = 0
    for index, value in enumerate(path):
        run = run + 1 if value < LOST_IOU else 0
        if run == DROPPED_FRAMES:
            return index - DROPPED_FRAMES + 1
    return len(path)


def combine(rows: Iterable[Row]) -> Row:
    """Combine sequences: the mean of each metric, or the sum of counts; sequences without a value are left out.

    False confidence is counted over all frames of all sequences, since most sequences have few frames that were missed.
    """
    table = list(rows)
    names = {name for row in table for name in row}
    combined: Row = {}
    for name in names:
        values = np.array([row.get(name, np.nan) for row in table], dtype=np.float64)
        summed = name.startswith("frames_") or (name in METRICS and METRICS[name].summed)
        combined[name] = float(np.nansum(values)) if summed and not np.isnan(values).all() else mean(values)
    for name, count in (("false_confidence", "frames_missed"), ("absent_confidence", "frames_absent")):
        weights = np.array([row.get(count, 0.0) for row in table])
        rates = np.array([row.get(name, np.nan) for row in table])
        used = ~np.isnan(rates) & (weights > 0)
        combined[name] = float(np.average(rates[used], weights=weights[used])) if used.any() else float("nan")
    return combined


def frames_with_ground_truth(facts: SequenceFacts) -> int:
    """Return the frames that accuracy is measured on."""
    return int(known(facts.ground_truth).sum())
