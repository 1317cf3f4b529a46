# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The report as one HTML page that needs nothing else: no network, no other file."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import jinja2
import numpy as np
from plotly.offline import get_plotlyjs

from stdtrack_ros.evaluation.metrics.accuracy import (
    NORM_PRECISION_THRESHOLDS,
    PRECISION_THRESHOLDS_PX,
    SUCCESS_THRESHOLDS,
    FloatArray,
    overlaps,
)
from stdtrack_ros.evaluation.metrics.metric_definitions import GROUPS, METRICS
from stdtrack_ros.evaluation.metrics.summary import EvaluationSummary
from stdtrack_ros.evaluation.protocols import IntArray, Track
from stdtrack_ros.evaluation.realtime import DELAYS
from stdtrack_ros.evaluation.report.failure_cases import COLORS, FailureCase

TIMELINE_VALUES = 600_000
"""Numbers that the page spends on quality and IoU over time, so that a thousand sequences still open in a browser."""
TIMELINE_POINTS = (60, 400)
"""Fewest and most points of one line."""


def as_html(content: Mapping[str, Any], summary: EvaluationSummary, cases: Sequence[FailureCase]) -> str:
    """Return the page, with the plots' code inside it."""
    loader = jinja2.PackageLoader("stdtrack_ros.evaluation.report", ".")
    environment = jinja2.Environment(loader=loader, autoescape=True, trim_blocks=True, lstrip_blocks=True)
    data = {
        **content,
        "axes": {
            "success": SUCCESS_THRESHOLDS.tolist(),
            "precision": PRECISION_THRESHOLDS_PX.tolist(),
            "norm_precision": NORM_PRECISION_THRESHOLDS.tolist(),
            "delays": DELAYS.tolist(),
        },
        "timelines": timelines(summary),
        "colors": COLORS,
    }
    # A `</script>` in a name would end the element; JSON may write the slash escaped.
    text = json.dumps(data, allow_nan=False, separators=(",", ":")).replace("</", "<\\/")
    return environment.get_template("report.html.j2").render(
        content=content,
        data=text,
        plotly=get_plotlyjs(),
        cases=cases,
        tables=_tables(content),
        headline=headline(content),
        common=len(summary.common),
        has_delays=any(len(each.delays) for each in summary.trackers),
        has_quality=any(each.calibration.counts.any() for each in summary.trackers),
    )


def _tables(content: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the summary's tables: title, columns that hold anything, rows of (value, text, whether it is the best)."""
    tables = []
    rows = [tracker["metrics"] for tracker in content["trackers"]]
    for title, names in GROUPS.items():
        shown = [name for name in names if any(row.get(name) is not None for row in rows)]
        if shown:
            cells = [[_cell(name, row.get(name), rows) for name in shown] for row in rows]
            tables.append({"title": title, "columns": [(name, METRICS[name]) for name in shown], "rows": cells})
    return tables


def _cell(name: str, value: float | None, rows: Sequence[Mapping[str, Any]]) -> tuple[float | None, str, bool]:
    metric = METRICS[name]
    others = [row[name] for row in rows if row.get(name) is not None]
    target = (max if metric.best > 0 else min)(others)
    return value, as_text(name, value), metric.best != 0 and len(others) > 1 and value == target


def as_text(name: str, value: float | None) -> str:
    """Return a figure as a reader wants it: fractions in percent with one digit, counts whole."""
    if value is None or not math.isfinite(value):
        return "–"
    metric = METRICS[name]
    if metric.unit == "%":
        return f"{100 * value:.1f}"
    if metric.summed:
        return f"{value:.0f}"
    return f"{value:.2f}" if value < 10 else f"{value:.1f}"


def headline(content: Mapping[str, Any]) -> str:
    """Return the summary in a sentence or two: the first tracker, and the best of the others."""
    trackers = [each for each in content["trackers"] if each["metrics"].get("auc") is not None]
    if not trackers or trackers[0] is not content["trackers"][0]:
        return ""
    own, others = trackers[0], trackers[1:]
    text = f"{own['name']} {_told(own)}."
    if others:
        best = max(others, key=lambda each: each["metrics"]["auc"])
        text += f" The best of the others, {best['name']}, {_told(best)}."
    return text


def _told(tracker: Mapping[str, Any]) -> str:
    summary = tracker["metrics"]
    text = f"has a success AUC of {100 * summary['auc']:.1f} %"
    if summary.get("realtime_auc") is not None:
        text += f", {100 * summary['realtime_auc']:.1f} % in real time on this machine"
    return f"{text}, and takes {summary['ms_p50']:.1f} ms a frame" if summary.get("ms_p50") is not None else text


def timelines(summary: EvaluationSummary) -> dict[str, Any]:
    """Return IoU and quality over time by sequence and tracker, thinned to the worst frame of each stretch."""
    lines = sum(len(table) for table in summary.runs.values())
    fewest, most = TIMELINE_POINTS
    points = min(max(TIMELINE_VALUES // max(2 * lines, 1), fewest), most)
    return {name: _timeline(summary, name, points) for name in summary.facts}


def _timeline(summary: EvaluationSummary, name: str, points: int) -> dict[str, Any]:
    facts = summary.facts[name]
    by_tracker = {}
    for tracker, table in summary.runs.items():
        track = table.get(name, {}).get("ope")
        if isinstance(track, Track):
            ious = overlaps(track.boxes, facts.ground_truth)
            kept = worst_of_each_stretch(ious, points)
            by_tracker[tracker] = {
                "t": _short(facts.stamps_s[kept] - facts.stamps_s[0]),
                "iou": _short(ious[kept]),
                "quality": _short(track.qualities[kept]),
            }
    return by_tracker


def worst_of_each_stretch(ious: FloatArray, points: int) -> IntArray:
    """Return indices of at most `points` frames: all of them, or the lowest IoU of each of `points` stretches."""
    if len(ious) <= points:
        return np.arange(len(ious))
    lowest = np.where(np.isnan(ious), 2.0, ious)
    edges = np.linspace(0, len(ious), points + 1).astype(np.int64)
    return np.array([low + int(np.argmin(lowest[low:high])) for low, high in pairwise(edges)], dtype=np.int64)


def _short(values: FloatArray) -> list[float | None]:
    return [round(float(value), 3) if math.isfinite(value) else None for value in values]
