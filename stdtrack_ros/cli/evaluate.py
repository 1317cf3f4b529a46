# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`stdtrack evaluate`: one command on bags or on a benchmark's folder, one report."""

from __future__ import annotations

import shlex
import sys
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from stdtrack_ros.cli import options
from stdtrack_ros.errors import SettingError
from stdtrack_ros.geometry import parse_box
from stdtrack_ros.outputs import check_outputs

if TYPE_CHECKING:
    from stdtrack_ros.evaluation.metrics.summary import EvaluationSummary
    from stdtrack_ros.evaluation.trackers.tracker_interface import TrackerSpec


class Videos(str, Enum):
    """Which sequences become annotated videos."""

    none = "none"
    worst = "worst"
    all = "all"


def evaluate(
    paths: Annotated[list[Path], typer.Argument(help="Bags, videos, benchmark folders, or patterns of them.")],
    out: Annotated[Path, typer.Option(help="Folder of results; one that holds some is continued.")] = Path(
        "evaluation"
    ),
    protocol: Annotated[
        list[str] | None, typer.Option(help="ope, realtime, restart, multistart or all; default: ope, realtime.")
    ] = None,
    baseline: Annotated[
        list[str] | None,
        typer.Option(
            help="kcf, kcf-default, csrt, mil, or (nano, nanov3, vit, dasiamrpn)=FOLDER; default: kcf, csrt, mil."
        ),
    ] = None,
    baselines: Annotated[bool, typer.Option(help="Baselines beside ours.")] = True,
    plugin: Annotated[list[str] | None, typer.Option(help="A tracker that an installed package plugs in.")] = None,
    own: Annotated[bool, typer.Option(help="Our tracker.")] = True,
    settings: Annotated[
        list[Path] | None,
        typer.Option(help="YAML file of settings; several: a tracker each, named as the file."),
    ] = None,
    overrides: options.Overrides = None,
    model: options.Model = "",
    topic: options.Topic = "",
    ground_truth_topic: options.GroundTruthTopic = "",
    ground_truth: options.GroundTruthFile = None,
    layout: Annotated[str, typer.Option(help="Layout of a benchmark's folder.")] = "auto",
    init: Annotated[
        str, typer.Option(help="Box x,y,width,height (px) to start with if there is no ground truth.")
    ] = "",
    workers: Annotated[int, typer.Option(min=1, help="Processes at once.")] = 1,
    threads: Annotated[int, typer.Option(min=0, help="CPU threads of each tracker; 0: cores over workers.")] = 0,
    cluster: Annotated[str, typer.Option(help="Address of a Dask scheduler, or 'local'.")] = "",
    video: Annotated[Videos, typer.Option(help="Annotated MP4s of the worst five sequences, or all.")] = Videos.none,
    raw_results: Annotated[Path | None, typer.Option(help="Write boxes for the benchmarks' own toolkits here.")] = None,
) -> None:
    """Run trackers over sequences, and write a report: accuracy, speed, real time, beside other trackers."""
    from stdtrack_ros.evaluation.evaluate import check_names, default_baselines
    from stdtrack_ros.evaluation.evaluate import evaluate as run
    from stdtrack_ros.evaluation.runner import Plan
    from stdtrack_ros.evaluation.trackers.baselines import baseline_spec
    from stdtrack_ros.evaluation.trackers.tracker_interface import plugged_in_tracker_spec
    from stdtrack_ros.sequences.catalog import open_sequences

    check_outputs(
        {"--out": out, "--raw-results": raw_results}, [*paths, ground_truth, *(settings or []), model or None]
    )
    console = Console()
    protocols = _protocols(protocol or ["ope", "realtime"])
    specs = _own_trackers(settings or [], overrides, model) if own else []
    specs += [plugged_in_tracker_spec(name) for name in plugin or []]
    left_out: list[str] = []
    if baselines and baseline is None:
        others, left_out = default_baselines()
        specs += others
    elif baselines:
        specs += [baseline_spec(name) for name in baseline or []]
    trackers = check_names(specs)
    handles = open_sequences(
        paths,
        topic=topic or None,
        ground_truth_topic=ground_truth_topic or None,
        ground_truth_csv=ground_truth,
        layout=layout,
        exclude=out,
    )
    start_box = tuple(map(float, parse_box(init))) if init else None
    plan = Plan(trackers, tuple(handles), protocols, workers, threads, start_box, cluster)
    title = ", ".join(path.name or str(path.resolve().name) for path in paths[:3]) + (" …" if len(paths) > 3 else "")
    command = shlex.join([Path(sys.argv[0]).name, *sys.argv[1:]])
    done = run(
        plan,
        out,
        title=title,
        command=command,
        left_out=left_out,
        videos=video.value,
        raw_results=raw_results,
        console=console,
    )
    _print_summary(console, done.summary)
    for sentence in done.left_out:
        console.print(f"[yellow]{escape(sentence)}[/]", highlight=False, soft_wrap=True)
    for path, what in done.files.items():
        console.print(f"{what}: {path}", markup=False, highlight=False, soft_wrap=True)


def _protocols(asked: list[str]) -> tuple[str, ...]:
    from stdtrack_ros.evaluation.results import PROTOCOLS

    words = [word for text in asked for word in text.split(",") if word]
    for word in words:
        if word not in PROTOCOLS and word != "all":
            raise SettingError(f"There is no protocol '{word}'; known are {', '.join(PROTOCOLS)}, or all.")
    # One pass is always run: the others' metrics are read beside it, and real time needs its step times.
    return tuple(name for name in PROTOCOLS if name == "ope" or name in words or "all" in words)


def _own_trackers(files: list[Path], overrides: list[str] | None, model: str) -> list[TrackerSpec]:
    """Return our tracker with its own settings, or once for each settings file, named as that."""
    from stdtrack_ros.evaluation.trackers.tracker_interface import own_tracker_spec

    if not files:
        return [own_tracker_spec(options.tracker_settings(None, overrides, model))]
    return [own_tracker_spec(options.tracker_settings(file, overrides, model), file.stem) for file in files]


def _print_summary(console: Console, summary: EvaluationSummary) -> None:
    from stdtrack_ros.evaluation.metrics.metric_definitions import METRICS
    from stdtrack_ros.evaluation.report.html_report import as_text

    wanted = ("auc", "precision", "norm_precision", "ao", "sr50", "realtime_auc", "failures", "ms_p50", "ms_p95")
    shown = [name for name in wanted if any(name in each.metrics for each in summary.trackers)]
    table = Table(title=f"{len(summary.common)} sequences", title_justify="left")
    table.add_column("Tracker", no_wrap=True)
    for name in shown:
        table.add_column(f"{METRICS[name].label} {METRICS[name].unit}".rstrip(), justify="right")
    for tracker in summary.trackers:
        table.add_row(escape(tracker.name), *(as_text(name, tracker.metrics.get(name)) for name in shown))
    console.print(table)
