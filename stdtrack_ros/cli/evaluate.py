# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`stdtrack evaluate`: one command on bags or on a benchmark's folder, one report."""

from __future__ import annotations

import shlex
import sys
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from stdtrack_ros.cli.overrides import read_assignments
from stdtrack_ros.errors import SequenceError, SettingError
from stdtrack_ros.geometry import parse_box
from stdtrack_ros.settings import TrackerSettings, flatten, load_settings, make_settings

if TYPE_CHECKING:
    from stdtrack_ros.evaluation.metrics.summary import EvaluationSummary
    from stdtrack_ros.evaluation.report.report import RunInfo
    from stdtrack_ros.evaluation.results import ResultsFolder
    from stdtrack_ros.evaluation.runner import Plan
    from stdtrack_ros.evaluation.trackers.tracker_interface import TrackerSpec

DEFAULT_BASELINES = ("kcf", "csrt", "mil")


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
        list[Path] | None, typer.Option(help="YAML of settings; several: a tracker each, named as the file.")
    ] = None,
    assignments: Annotated[list[str] | None, typer.Option("--set", help="A setting as name=value.")] = None,
    model: Annotated[str, typer.Option(help="Model file; empty: the one of this package.")] = "",
    topic: Annotated[str | None, typer.Option(help="Image topic of the bags; default: the only one.")] = None,
    ground_truth_topic: Annotated[str | None, typer.Option(help="Topic with the ground-truth boxes.")] = None,
    ground_truth_csv: Annotated[
        Path | None, typer.Option("--ground-truth", help="CSV with ground-truth boxes, or a folder of them.")
    ] = None,
    layout: Annotated[str, typer.Option(help="Layout of a benchmark's folder.")] = "auto",
    init: Annotated[
        str, typer.Option(help="Box x,y,width,height (px) to start with where there is no ground truth.")
    ] = "",
    workers: Annotated[int, typer.Option(min=1, help="Processes at once.")] = 1,
    threads: Annotated[int, typer.Option(min=0, help="CPU threads of each tracker; 0: cores over workers.")] = 0,
    cluster: Annotated[str, typer.Option(help="Address of a Dask scheduler, or 'local'.")] = "",
    video: Annotated[Videos, typer.Option(help="Annotated MP4s of the worst five sequences, or all.")] = Videos.none,
    raw_results: Annotated[Path | None, typer.Option(help="Write boxes for the benchmarks' own toolkits here.")] = None,
) -> None:
    """Run trackers over sequences, and write a report: accuracy, speed, real time, beside other trackers."""
    from stdtrack_ros.evaluation.metrics.summary import summarize
    from stdtrack_ros.evaluation.results import ResultsFolder
    from stdtrack_ros.evaluation.runner import Plan, run_plan
    from stdtrack_ros.sequences.catalog import open_sequences

    console = Console()
    protocols = _protocols(protocol or ["ope", "realtime"])
    names = list(DEFAULT_BASELINES if baseline is None else baseline) if baselines else []
    specs = _tracker_specs(names, plugin or [], _own_settings(settings or [], assignments or [], model) if own else [])
    start_box = tuple(map(float, parse_box(init))) if init else None
    handles = open_sequences(
        paths,
        topic=topic,
        ground_truth_topic=ground_truth_topic,
        ground_truth_csv=ground_truth_csv,
        layout=layout,
        exclude=out,
    )
    plan = Plan(specs, tuple(handles), protocols, workers, threads, start_box, cluster)
    folder = ResultsFolder(out)
    kept = run_plan(plan, folder, console)
    notes = {each.name: each.note for each in specs}
    summary = summarize(folder, notes, [handle.name for handle in handles], protocols)
    _print_errors(console, summary)
    if not summary.trackers:
        raise SequenceError(f"Not one of the {len(handles)} sequences could be evaluated; the reasons stand above.")
    _write(plan, folder, summary, _info(paths, plan, kept), video, raw_results, console)


def _protocols(asked: list[str]) -> tuple[str, ...]:
    from stdtrack_ros.evaluation.results import PROTOCOLS

    words = [word for text in asked for word in text.split(",") if word]
    for word in words:
        if word not in PROTOCOLS and word != "all":
            raise SettingError(f"There is no protocol '{word}'; known are {', '.join(PROTOCOLS)}, or all.")
    # One pass is always run: the others' figures are read beside it, and real time needs its step times.
    return tuple(name for name in PROTOCOLS if name == "ope" or name in words or "all" in words)


def _own_settings(files: list[Path], assignments: list[str], model: str) -> list[tuple[str, TrackerSettings]]:
    """Our tracker's name in the report and its settings."""
    changes: dict[str, Any] = {"model.path": model} if model else {}
    changes |= read_assignments(assignments)
    if not files:
        chosen = make_settings(changes)
        return [(chosen.tracker, chosen)]
    return [(file.stem, make_settings({**flatten(load_settings(file)), **changes})) for file in files]


def _tracker_specs(
    baselines: list[str], plugins: list[str], own: list[tuple[str, TrackerSettings]]
) -> tuple[TrackerSpec, ...]:
    from stdtrack_ros.evaluation.results import file_name
    from stdtrack_ros.evaluation.trackers.baselines import baseline_spec
    from stdtrack_ros.evaluation.trackers.tracker_interface import own_tracker_spec, plugged_in_tracker_spec

    found = [own_tracker_spec(settings, name) for name, settings in own]
    found += [plugged_in_tracker_spec(name) for name in plugins]
    found += [baseline_spec(name) for name in baselines]
    if not found:
        raise SettingError("There is no tracker to evaluate: leave --no-own out, or name a baseline or a plug-in.")
    folders = [file_name(each.name) for each in found]
    for name in (each.name for each in found):
        if folders.count(file_name(name)) > 1:
            raise SettingError(f"Two trackers are named '{name}'; a report needs different names.")
    return tuple(found)


def _info(paths: list[Path], plan: Plan, kept: int) -> RunInfo:
    from stdtrack_ros.benchmark.system_info import describe_system
    from stdtrack_ros.evaluation.report.report import RunInfo

    title = ", ".join(path.name or str(path.resolve().name) for path in paths[:3]) + (" …" if len(paths) > 3 else "")
    command = shlex.join([Path(sys.argv[0]).name, *sys.argv[1:]])
    of_then = f"The step times of {kept} one passes are those of the earlier run that they were kept from."
    conditions = (*_conditions(plan), of_then) if kept else _conditions(plan)
    return RunInfo(title, plan.protocols, conditions, describe_system(), command)


def _conditions(plan: Plan) -> tuple[str, ...]:
    from stdtrack_ros.benchmark.system_info import busy_note
    from stdtrack_ros.evaluation.runner import threads_of

    first = f"Step times leave out the decoding of the frame; CPU threads of a tracker: {threads_of(plan)}."
    first = f"{first} {busy_note(plan.workers * threads_of(plan))}".rstrip()
    if plan.cluster:
        return first, "They were measured on the cluster's machines, which this page does not describe."
    if plan.workers == 1:
        return first, "They were measured with one tracker running at a time."
    if "realtime" in plan.protocols:
        return first, "They were measured alone over the first 50 frames of each sequence, before the parallel run."
    return first, f"They were measured with {plan.workers} trackers running at once, and are longer than alone."


def _write(
    plan: Plan,
    folder: ResultsFolder,
    summary: EvaluationSummary,
    info: RunInfo,
    video: Videos,
    raw_results: Path | None,
    console: Console,
) -> None:
    from stdtrack_ros.evaluation.report.failure_cases import failure_cases, worst_sequences, write_video
    from stdtrack_ros.evaluation.report.report import write_report

    handles = {handle.name: handle for handle in plan.handles}
    page = write_report(folder.path, summary, info, failure_cases(summary, handles))
    _print_summary(console, summary)
    console.print(f"Report: [bold]{escape(str(page))}[/]", highlight=False, soft_wrap=True)
    if raw_results is not None:
        _write_raw_results(plan, summary, raw_results)
        console.print(f"Raw results: {raw_results}", markup=False, highlight=False, soft_wrap=True)
    if video is not Videos.none:
        chosen = worst_sequences(summary, 5) if video is Videos.worst else list(summary.facts)
        for name in chosen:
            write_video(folder.path / "videos" / f"{name}.mp4", summary, handles[name])
            console.print(f"Video: {folder.path / 'videos' / name}.mp4", markup=False, highlight=False, soft_wrap=True)


def _write_raw_results(plan: Plan, summary: EvaluationSummary, root: Path) -> None:
    from stdtrack_ros.evaluation.protocols import Track
    from stdtrack_ros.sequences.datasets.toolkit_results import one_pass, write_result

    for tracker, table in summary.runs.items():
        for handle in plan.handles:
            track = table.get(handle.name, {}).get("ope")
            if isinstance(track, Track):
                write_result(root, handle.layout, tracker, handle.name, one_pass(track.boxes, track.step_s))


def _print_errors(console: Console, summary: EvaluationSummary) -> None:
    for tracker, name, message in summary.errors:
        told = escape(f"{tracker} on {name}: {message}")
        console.print(f"[bold red]failed[/] {told}", highlight=False, soft_wrap=True)


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
