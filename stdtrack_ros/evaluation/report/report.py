# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The report: one HTML file that needs nothing else, and the same as JSON and CSV."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import numpy as np

from stdtrack_ros.evaluation.metrics.metric_definitions import METRICS
from stdtrack_ros.evaluation.metrics.scores import frames_with_ground_truth
from stdtrack_ros.evaluation.metrics.summary import EvaluationSummary, TrackerSummary
from stdtrack_ros.evaluation.report.failure_cases import FailureCase
from stdtrack_ros.outputs import beside, write_text

PAGE_MODULES = ("jinja2", "plotly")
"""What the page needs beyond the package's own requirements; JSON and CSV need nothing."""


@dataclass(frozen=True, slots=True)
class RunInfo:
    """What was run, for the head and the foot of the report.

    Attributes:
        title: what the sequences are, in the user's words.
        protocols: names of the protocols.
        conditions: sentences on how times were measured and what else the reader must know.
        machine: processor, versions, ... as words by name.
        command: the command line that makes it again.
    """

    title: str
    protocols: tuple[str, ...]
    conditions: tuple[str, ...]
    system: Mapping[str, str]
    command: str


def write_report(
    folder: Path, summary: EvaluationSummary, info: RunInfo, cases: Sequence[FailureCase], page: bool = True
) -> Path:
    """Write report.json, summary.csv, sequences.csv and, with `page`, report.html into a folder.

    Returns:
        The path of the page, or of report.json without it.
    """
    content = as_json(summary, info)
    written = folder / "report.json"
    write_text(written, json.dumps(content, indent=1, allow_nan=False))
    _write_csv(folder / "summary.csv", [{"tracker": each.name, **each.metrics} for each in summary.trackers])
    rows = [
        {"tracker": tracker, "sequence": name, **row}
        for tracker, table in summary.rows.items()
        for name, row in table.items()
    ]
    _write_csv(folder / "sequences.csv", rows)
    if page:
        from stdtrack_ros.evaluation.report.html_report import as_html

        written = folder / "report.html"
        write_text(written, as_html(content, summary, cases))
    return written


def as_json(summary: EvaluationSummary, info: RunInfo) -> dict[str, Any]:
    """Return everything but pictures and timelines as plain values; a figure that does not exist is null."""
    content: dict[str, Any] = {
        "format": 1,
        "created": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "run": asdict(info),
        "metric_definitions": {name: asdict(metric) for name, metric in METRICS.items()},
        "trackers": [_tracker_json(each) for each in summary.trackers],
        "sequences": [_sequence_json(summary, name) for name in summary.facts],
        "attributes": [
            {"name": name, "sequences": count, "auc": dict(means)}
            for name, (count, means) in summary.attributes.items()
        ],
        "errors": [
            {"tracker": tracker, "sequence": name, "error": message} for tracker, name, message in summary.errors
        ],
    }
    return {key: _plain(value) for key, value in content.items()}


def _tracker_json(tracker: TrackerSummary) -> dict[str, Any]:
    return {
        "name": tracker.name,
        "note": tracker.note,
        "metrics": tracker.metrics,
        "success": tracker.success,
        "precision": tracker.precision,
        "norm_precision": tracker.norm_precision,
        "delays": tracker.delays,
        "calibration": asdict(tracker.calibration),
    }


def _sequence_json(summary: EvaluationSummary, name: str) -> dict[str, Any]:
    facts = summary.facts[name]
    duration = float(facts.stamps_s[-1] - facts.stamps_s[0]) if len(facts.stamps_s) else 0.0
    return {
        "name": name,
        "frames": len(facts.ground_truth),
        "frames_with_ground_truth": frames_with_ground_truth(facts),
        "duration_s": duration,
        "attributes": facts.attributes,
        "notes": facts.notes,
        "in_summary": name in summary.common,
        "metrics": {tracker: table[name] for tracker, table in summary.rows.items() if name in table},
    }


def _plain(value: Any) -> Any:
    """Convert to numbers, texts, lists and tables; NaN and infinity become null, as JSON has neither."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, np.ndarray):
        return _plain(value.tolist())
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, float):
        return round(value, 6) if math.isfinite(value) else None
    return value


def _write_csv(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    names = [name for name in METRICS if any(name in row for row in rows)]
    first = [name for name in ("tracker", "sequence") if any(name in row for row in rows)]
    with beside(path) as part, part.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, [*first, *names], extrasaction="ignore")
        writer.writeheader()
        for row in rows:
            writer.writerow({key: _cell(value) for key, value in row.items()})


def _cell(value: Any) -> Any:
    if isinstance(value, float):
        return f"{value:.6g}" if math.isfinite(value) else ""
    return value
