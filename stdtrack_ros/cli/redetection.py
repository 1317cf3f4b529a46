# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`stdtrack redetection`: does the tracker know when its target is gone, and does it find it again?"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import track
from rich.table import Table

from stdtrack_ros.cli import options
from stdtrack_ros.cli.tables import print_table
from stdtrack_ros.errors import ending
from stdtrack_ros.outputs import check_file, check_outputs, write_text

if TYPE_CHECKING:
    from stdtrack_ros.evaluation.redetection import StatusRun
    from stdtrack_ros.sequences.sequence import Sequence
    from stdtrack_ros.sequences.staged import StagedSequence


def redetection(
    paths: Annotated[list[Path], typer.Argument(help="Sequences, as for `stdtrack evaluate`.")],
    settings: options.SettingsFile = None,
    overrides: options.Overrides = None,
    model: options.Model = "",
    topic: options.Topic = "",
    ground_truth_topic: options.GroundTruthTopic = "",
    ground_truth: options.GroundTruthFile = None,
    out: Annotated[Path | None, typer.Option(help="JSON file to write the figures to.")] = None,
    every: Annotated[int, typer.Option(min=1, help="Stage every n-th sequence only.")] = 1,
) -> None:
    """Measure loss detection and recovery on sequences, plain and with the target staged to vanish."""
    from stdtrack_ros.evaluation.redetection import run_with_status
    from stdtrack_ros.sequences.catalog import open_sequences
    from stdtrack_ros.tracker import Tracker, load_model

    check_outputs({"--out": out}, [*paths, ground_truth, settings, model or None])
    check_file("--out", out)
    chosen = options.tracker_settings(settings, overrides, model)
    network = load_model(chosen)
    handles = open_sequences(
        paths, topic=topic or None, ground_truth_topic=ground_truth_topic or None, ground_truth_csv=ground_truth
    )
    plain = [handle.open() for handle in handles]
    jobs = [("as recorded", sequence) for sequence in plain]
    jobs += [(staged.event, staged) for staged in stage_all(plain[::every])]
    runs: dict[str, list[StatusRun]] = {}
    done = 0
    try:
        for name, sequence in track(jobs, "tracking", console=Console(stderr=True)):
            runs.setdefault(name, []).append(run_with_status(Tracker(network, chosen), sequence))
            done += 1
    except BaseException as error:  # whatever ended it, what was measured so far is kept
        if done:
            _report(runs, out, {"sequences": done, "of": len(jobs), "ended": ending(error)})
        raise
    _report(runs, out)


def _report(runs: dict[str, list[StatusRun]], out: Path | None, partial: dict[str, object] | None = None) -> None:
    """Print the figures of runs by event and write them to a file; `partial`: how many of how many runs, and why.

    Raises:
        SettingError: the file cannot be written.
    """
    from stdtrack_ros.evaluation.metrics.covariance_consistency import report_coverage
    from stdtrack_ros.evaluation.metrics.quality_by_state import report_calibration
    from stdtrack_ros.evaluation.redetection import report_losses

    runs["all staged"] = [run for name, some in runs.items() if name != "as recorded" for run in some]
    reports = {name: asdict(report_losses(some)) for name, some in runs.items() if some}
    print_table(_table("Loss detection and recovery", LOSS_COLUMNS, reports))
    everything = runs.get("as recorded", []) + runs["all staged"]
    coverage = {name: asdict(fractions) for name, fractions in report_coverage(everything).items()}
    print_table(_table("Fraction of the frames whose ground truth is in the ellipse", COVERAGE_COLUMNS, coverage))
    reliability = {name: asdict(found) for name, found in report_calibration(everything).items()}
    print_table(_table("Is a quality of 0.8 right eight times in ten?", CALIBRATION_COLUMNS, reliability))
    if partial is not None:
        sentence = f"Partial: {partial['sequences']} of {partial['of']} sequences; {partial['ended']}"
        Console(stderr=True).print(f"[bold yellow]{escape(sentence)}[/]", highlight=False, soft_wrap=True)
    if out is not None:
        figures = {**reports, "covariance": coverage, "calibration": reliability}
        write_text(out, json.dumps(figures | ({"partial": partial} if partial else {}), indent=2) + "\n")


def stage_all(plain: list[Sequence]) -> list[StagedSequence]:
    """Stage every event on every sequence that allows it; each cut shows the next sequence of another video."""
    from stdtrack_ros.errors import SequenceError
    from stdtrack_ros.sequences.origin import origin_of
    from stdtrack_ros.sequences.staged import EVENTS, StagedSequence

    videos = [origin_of(sequence).video for sequence in plain]
    staged = []
    for index, base in enumerate(plain):
        following = (*range(index + 1, len(plain)), *range(index))
        other = next((plain[number] for number in following if videos[number] != videos[index]), None)
        for event in EVENTS:
            try:
                staged.append(StagedSequence(base, event, other=other))
            except SequenceError as error:
                Console(stderr=True).print(f"[yellow]left out:[/] {escape(str(error))}", highlight=False)
    return staged


LOSS_COLUMNS = (
    "sequences",
    "precision",
    "recall",
    "absent",
    "false LOST",
    "in view LOST",
    "gone",
    "flagged",
    "in time",
    "detected",
    "after s",
    "found",
    "in 1 s",
    "after s",
    "finds",
    "false finds",
)
COVERAGE_COLUMNS = ("status", "frames", "centre 50 %", "centre 90 %", "size 50 %", "size 90 %")


CALIBRATION_COLUMNS = ("frames", "count", "mean quality", "right", "error", "Brier", "ROC area")


def _table(title: str, columns: tuple[str, ...], reports: dict[str, dict[str, float]]) -> Table:
    table = Table(title=title)
    for index, column in enumerate(columns):
        table.add_column(column, justify="right" if index else "left")
    for name, report in reports.items():
        table.add_row(name, *(f"{value:.3f}" if isinstance(value, float) else str(value) for value in report.values()))
    return table
