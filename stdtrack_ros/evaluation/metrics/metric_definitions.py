# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The figures of a report: their names, what they mean, and how they are shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Metric:
    """How a figure is shown.

    Attributes:
        label: short, for a column.
        description: what it is, for a tooltip.
        unit: "%" for fractions (stored as 0..1), else the unit, empty for counts.
        best: 1 if more is better, -1 if less is, 0 if neither.
        summed: whether a data set's figure is the sum over its sequences, and not the mean.
    """

    label: str
    description: str
    unit: str = "%"
    best: int = 1
    summed: bool = False


METRICS: Mapping[str, Metric] = {
    "auc": Metric("AUC", "Area under the success curve over 21 IoU thresholds, one pass."),
    "precision": Metric("P20", "Fraction of frames with a centre error of at most 20 px."),
    "norm_precision": Metric("NP", "Normalised precision, mean over thresholds 0 to 0.5."),
    "norm_precision_02": Metric("NP@0.2", "Normalised precision at 0.2, as LaSOT reports it."),
    "ao": Metric("AO", "Average overlap without the first frame, as in GOT-10k."),
    "sr50": Metric("SR0.5", "Fraction of frames with an IoU above 0.5, without the first."),
    "sr75": Metric("SR0.75", "Fraction of frames with an IoU above 0.75, without the first."),
    "realtime_auc": Metric("Real-time AUC", "Success AUC when each frame is scored against the newest output (LAE)."),
    "realtime_precision": Metric("Real-time P20", "Precision at 20 px in real time (LAE)."),
    "realtime_forecast_auc": Metric(
        "Forecast AUC", "Real-time AUC with each output carried on by the tracker's own velocity."
    ),
    "realtime_mauc": Metric("Real-time mAUC", "Mean of the real-time AUC over allowed delays of 0 to 1 frame (e-LAE)."),
    "mismatch": Metric("Mismatch", "Mean age of the newest output when a frame arrives.", "frames", -1),
    "missed": Metric(
        "Missed frames", "Fraction of frames that arrived while the tracker was busy and were skipped.", "%", -1
    ),
    "restart_failures": Metric("Restarts", "Restarts needed after the box missed the target.", "", -1, True),
    "restart_accuracy": Metric("Accuracy", "Mean IoU while running, with restarts, after a burn-in of 10 frames."),
    "multistart_accuracy": Metric("Multi-start A", "Mean IoU before failure over all starts."),
    "multistart_robustness": Metric("Multi-start R", "Fraction of the frames before failure over all starts."),
    "failures": Metric("Failures", "Times the target was lost in one pass (IoU under 0.1 for 5 frames).", "", -1, True),
    "time_to_failure_s": Metric("Time to failure", "From the start to the first failure, if there is one.", "s", 0),
    "time_to_recovery_s": Metric("Time to recovery", "From a failure to an IoU of 0.5 again, if it comes.", "s", -1),
    "never_recovered": Metric("Never recovered", "Failures without recovery before the sequence ended.", "", -1, True),
    "false_confidence": Metric(
        "False confidence", "Fraction of the frames with an IoU of 0 with a quality of at least 0.5.", "%", -1
    ),
    "absent_confidence": Metric(
        "Confident absent", "Fraction of the frames without a ground-truth box with a quality of at least 0.5.", "%", -1
    ),
    "ms_p50": Metric("p50", "Median time of one step.", "ms", -1),
    "ms_p95": Metric("p95", "95th percentile of the time of one step.", "ms", -1),
    "ms_p99": Metric("p99", "99th percentile of the time of one step.", "ms", -1),
    "ms_max": Metric("max", "Slowest step.", "ms", -1),
    "fps": Metric("FPS", "Steps in a second, from the mean time of a step (the frame's decoding left out).", "", 1),
}
"""Every figure that a row may hold, in the order of the report."""

GROUPS: Mapping[str, tuple[str, ...]] = {
    "Accuracy": ("auc", "precision", "norm_precision", "norm_precision_02", "ao", "sr50", "sr75"),
    "In real time on this machine": (
        "realtime_auc",
        "realtime_precision",
        "realtime_forecast_auc",
        "realtime_mauc",
        "mismatch",
        "missed",
    ),
    "Reliability": (
        "failures",
        "never_recovered",
        "time_to_failure_s",
        "time_to_recovery_s",
        "restart_failures",
        "restart_accuracy",
        "multistart_accuracy",
        "multistart_robustness",
        "false_confidence",
        "absent_confidence",
    ),
    "Speed": ("ms_p50", "ms_p95", "ms_p99", "ms_max", "fps"),
}
"""Which figures stand together in a table."""
