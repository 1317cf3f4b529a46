# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""An evaluation as one call: run the trackers over the sequences, score what they did, write the report."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

import cv2
from rich.console import Console

from stdtrack_ros.errors import SequenceError, SettingError
from stdtrack_ros.evaluation.metrics.summary import EvaluationSummary, summarize
from stdtrack_ros.evaluation.protocols import Track
from stdtrack_ros.evaluation.report.failure_cases import failure_cases, worst_sequences, write_video
from stdtrack_ros.evaluation.report.report import PAGE_MODULES, RunInfo, write_report
from stdtrack_ros.evaluation.results import ResultsFolder
from stdtrack_ros.evaluation.runner import Plan, run_plan, threads_of
from stdtrack_ros.evaluation.trackers.baselines import baseline_spec
from stdtrack_ros.evaluation.trackers.tracker_interface import TrackerSpec
from stdtrack_ros.sequences.catalog import file_name
from stdtrack_ros.sequences.datasets.toolkit_results import one_pass, write_result
from stdtrack_ros.system_info import busy_note, describe_system

DEFAULT_BASELINES = ("kcf", "csrt", "mil")
WORST_VIDEOS = 5


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What an evaluation came to.

    Attributes:
        summary: every metric.
        files: the files that were written, what each is by its path.
        left_out: sentences on what was asked for by default and is not available here.
    """

    summary: EvaluationSummary
    files: dict[Path, str] = field(default_factory=dict)
    left_out: tuple[str, ...] = ()


def default_baselines() -> tuple[list[TrackerSpec], list[str]]:
    """Return the baselines that are run unless others are named, and a sentence if they are not available."""
    if not hasattr(cv2, "TrackerKCF"):
        return [], [
            "The baselines KCF, CSRT and MIL are left out: this OpenCV is built without them "
            "(opencv-contrib-python, which `make test-environment` installs, has them)."
        ]
    return [baseline_spec(name) for name in DEFAULT_BASELINES], []


def check_names(specs: Iterable[TrackerSpec]) -> tuple[TrackerSpec, ...]:
    """Return the trackers if their results can lie side by side.

    Raises:
        SettingError: there is none, or two whose results would share a folder.
    """
    found = tuple(specs)
    if not found:
        raise SettingError("There is no tracker to evaluate: leave --no-own out, or name a baseline or a plug-in.")
    folders = [file_name(each.name) for each in found]
    for name in (each.name for each in found):
        if folders.count(file_name(name)) > 1:
            raise SettingError(f"Two trackers are named '{name}'; a report needs different names.")
    return found


def evaluate(
    plan: Plan,
    out: Path,
    *,
    title: str = "",
    command: str = "",
    left_out: Iterable[str] = (),
    videos: Literal["none", "worst", "all"] = "none",
    raw_results: Path | None = None,
    console: Console | None = None,
) -> Evaluation:
    """Run what `out` lacks of a plan, and write the report and whatever else is asked for.

    Args:
        plan: trackers, sequences and protocols.
        out: folder of the results; one that holds some is continued.
        title: what the sequences are, for the head of the report.
        command: the command line, for its foot.
        left_out: sentences on what is not available here, for the report.
        videos: which sequences become annotated videos.
        raw_results: folder for the boxes in the formats of the benchmarks' own toolkits; None: not written.
        console: draws progress and names what failed; None: silent.

    Raises:
        SettingError: a module that is needed is not installed, or a cluster cannot be reached.
        SequenceError: not one sequence could be evaluated, or nothing can be written to `out`.
    """
    missing = [name for name in PAGE_MODULES if find_spec(name) is None]
    left_out = [*left_out, *([_no_page(missing)] if missing else [])]
    if videos != "none" and find_spec("av") is None:
        raise SettingError("Annotated videos need PyAV, which is not installed: pip install av, or leave --video out.")
    folder = ResultsFolder(out)
    kept = run_plan(plan, folder, console)
    notes = {each.name: each.note for each in plan.specs}
    summary = summarize(folder, notes, [handle.name for handle in plan.handles], plan.protocols)
    for tracker, name, message in summary.errors:
        if console is not None:
            console.print("[bold red]failed[/]", end=" ")
            console.print(f"{tracker} on {name}: {message}", markup=False, highlight=False, soft_wrap=True)
    if not summary.trackers:
        raise SequenceError(f"None of the {len(plan.handles)} sequences could be evaluated; the reasons stand above.")
    info = RunInfo(title, plan.protocols, (*_conditions(plan, kept), *left_out), describe_system(), command)
    handles = {handle.name: handle for handle in plan.handles}
    cases = failure_cases(summary, handles) if not missing else []
    report = write_report(folder.path, summary, info, cases, page=not missing)
    files = {report: "Report"}
    if raw_results is not None:
        _write_raw_results(plan, summary, raw_results)
        files[raw_results] = "Raw results"
    if videos != "none":
        for name in worst_sequences(summary, WORST_VIDEOS) if videos == "worst" else list(summary.facts):
            path = folder.path / "videos" / f"{name}.mp4"
            write_video(path, summary, handles[name])
            files[path] = "Video"
    return Evaluation(summary, files, tuple(left_out))


def _no_page(missing: list[str]) -> str:
    return (
        f"The page report.html is left out: it needs {' and '.join(missing)} (pip install {' '.join(missing)}); "
        "report.json and the CSV files are complete."
    )


def _conditions(plan: Plan, kept: int) -> list[str]:
    """Return sentences on how the times were measured."""
    first = f"Step times leave out the decoding of the frame; CPU threads of a tracker: {threads_of(plan)}."
    conditions = [f"{first} {busy_note(plan.workers * threads_of(plan))}".rstrip()]
    if plan.cluster:
        conditions.append("They were measured on the cluster's machines, which this page does not describe.")
    elif plan.workers == 1:
        conditions.append("They were measured with one tracker running at a time.")
    elif "realtime" in plan.protocols:
        conditions.append(
            "They were measured alone over the first 50 frames of each sequence, before the parallel run."
        )
    else:
        conditions.append(
            f"They were measured with {plan.workers} trackers running at once, and are longer than alone."
        )
    if kept:
        conditions.append(f"The step times of {kept} one passes are those of the earlier run that they were kept from.")
    return conditions


def _write_raw_results(plan: Plan, summary: EvaluationSummary, root: Path) -> None:
    for tracker, table in summary.runs.items():
        for handle in plan.handles:
            track = table.get(handle.name, {}).get("ope")
            if isinstance(track, Track):
                write_result(root, handle.layout, tracker, handle.name, one_pass(track.boxes, track.step_s))
