#!/usr/bin/env python3
# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Trains the arms of the paper's ablation, part by part, and evaluates them on sequences and on the memory bench.

    python tools/train_ablation.py runs/ablation --settings config/training/clips.yaml --set start=runs/pairs/last.pt \
        --set "data.videos=[DATA/train]" --set minutes=30 --seed 1 --seed 2 --evaluate-on val2.tar --bench-on val2.tar

Every arm is trained with the same settings and seeds (`stdtrack train`, so that the same command goes on where it
stopped) and exported. The last arm is also tracked with other replacement rules and capacities of the STM. Each row is
compared with the one before it, clip by clip, on the mean over the seeds; errors are a bootstrap over source videos.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from compare_models import CACHE, figures

from stdtrack_ros.evaluation.arms import PUBLISHED, Arm, Clip, list_clips, run_arms
from stdtrack_ros.evaluation.memory_bench.bench import TASKS, Outcome, plan, run_bench
from stdtrack_ros.evaluation.memory_bench.conditions import NONE, OWN
from stdtrack_ros.evaluation.memory_bench.objects import ObjectBank
from stdtrack_ros.evaluation.metrics.paired import Estimated, estimate
from stdtrack_ros.settings import make_settings

BASE: Mapping[str, Any] = {"token": False, "memory": False, "mask": "off", "recall": False, "head": "plain"}
PARTS: Mapping[str, Mapping[str, Any]] = {
    "base": {},
    "+ token": {"token": True},
    "+ STM and MFIFM": {"memory": True},
    "+ mask": {"mask": "gate"},
    "+ multi-scale head": {"head": "multi_scale"},
    "+ recall": {"recall": True},
}
"""Arms that are trained, in the paper's order, and then ours: each adds to the switches of the one before."""
TRACKED: Mapping[str, Mapping[str, Any]] = {
    "FIFO": {"memory.policy": "fifo"},
    **{f"capacity {number}": {"memory.capacity": number} for number in (1, 2, 4, 6, 8)},
}
"""Settings with which the last of these is also tracked; each is compared with it."""


@dataclass(frozen=True)
class Candidate:
    """A row: a trained network with the settings to track with.

    Attributes:
        models: exported file of each seed.
        before: the row that it is compared with; empty: none.
    """

    name: str
    models: tuple[Path, ...]
    settings: Mapping[str, Any] = field(default_factory=dict)
    before: str = ""


def main(
    folder: Annotated[Path, typer.Argument(help="Folder of the runs and results.")],
    settings: Annotated[Path, typer.Option(help="YAML of training settings, the same for all arms.")],
    evaluate_on: Annotated[list[Path], typer.Option(help="Sequences that no training has seen.")],
    overrides: Annotated[list[str] | None, typer.Option("--set", help="A training setting as name=value.")] = None,
    bench_on: Annotated[list[Path] | None, typer.Option(help="Sequences for the memory bench; none: no bench.")] = None,
    seed: Annotated[list[int] | None, typer.Option(help="Seed of the trainings, may be repeated; default: 1.")] = None,
    part: Annotated[list[str] | None, typer.Option(help="Arms to train; default: all.")] = None,
    frames: Annotated[int, typer.Option(min=0, help="Frames per clip at most; 0: all.")] = 100,
    clips: Annotated[int, typer.Option(min=2, help="Staged clips per kind of the bench.")] = 100,
    workers: Annotated[int, typer.Option(min=1, help="Processes at once when judging.")] = 1,
) -> None:
    """Train, export, evaluate, and print one Markdown table."""
    chosen = [name for name in PARTS if part is None or name in part]
    trained = {
        name: tuple(
            train(
                folder / f"{_plain(name)}_{number}", settings, [*(overrides or []), f"seed={number}"], switches_of(name)
            )
            for number in (seed or [1])
        )
        for name in chosen
    }
    rows = candidates(trained)
    report = {row.name: {"before": row.before} for row in rows}
    evaluated = list_clips(evaluate_on, frames)
    values = {row.name: overlaps_of(row, evaluated, workers) for row in rows}
    videos, groups = ([getattr(clip.origin, key) for clip in evaluated] for key in ("video", "group"))
    for row in rows:
        report[row.name]["AUC"] = _pair(values[row.name], None, videos, groups)
        if row.before:
            report[row.name]["AUC step"] = _pair(values[row.name], values[row.before], videos, groups)
    if bench_on:
        tasks = plan(ObjectBank(list_clips(bench_on, pseudo=True)), TASKS, clips, 0)
        benched = {row.name: bench_of(row, tasks, workers) for row in rows}
        for row in rows:
            report[row.name].update(bench_figures(benched[row.name], benched.get(row.before)))
    (folder / "ablation.json").write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    typer.echo(table(report))


def switches_of(name: str) -> dict[str, Any]:
    """Return the network's switches of an arm: the base's, and what the arms up to it add."""
    switches = dict(BASE)
    for part, added in PARTS.items():
        switches |= added
        if part == name:
            return switches
    raise KeyError(name)


def candidates(trained: Mapping[str, tuple[Path, ...]]) -> list[Candidate]:
    """Return the rows: the trained arms, each after the one before it, and other settings of the last one's STM."""
    names = list(trained)
    rows = [
        Candidate(name, trained[name], before=names[index - 1] if index else "") for index, name in enumerate(names)
    ]
    last = names[-1]
    if switches_of(last)["memory"]:
        rows += [Candidate(name, trained[last], values, last) for name, values in TRACKED.items()]
    return rows


def train(folder: Path, settings: Path, overrides: Sequence[str], switches: Mapping[str, Any]) -> Path:
    """Train, or go on with, a run, and return its exported model."""
    model = folder / "model.onnx"
    if not model.is_file():
        arguments = ["train", str(folder), "--settings", str(settings), "--set", f"switches={json.dumps(switches)}"]
        _verb([*arguments, *(word for text in overrides for word in ("--set", text))])
        _verb(["export", str(folder / "last.pt"), "--out", str(model)])
    return model


def _verb(arguments: Sequence[str]) -> None:
    subprocess.run([sys.executable, "-m", "stdtrack_ros.cli.main", *arguments], check=True)


def overlaps_of(row: Candidate, clips: Sequence[Clip], workers: int) -> np.ndarray:
    """Return (N,) the success AUC of each clip in percent, mean over the seeds, without loss detection."""
    arms = [Arm(str(model), _settings(row, model, PUBLISHED)) for model in row.models]
    runs = run_arms(arms, clips, CACHE.expanduser(), workers, lambda: None)
    return 100 * np.mean([[figures(runs[arm.name][clip.name])[0] for clip in clips] for arm in arms], axis=0)


def bench_of(row: Candidate, tasks: Sequence[Any], workers: int) -> list[list[Outcome]]:
    """Return the outcomes of each seed."""
    return [run_bench(tasks, _settings(row, model, {}), (OWN, NONE), workers) for model in row.models]


def _settings(row: Candidate, model: Path, base: Mapping[str, Any]) -> Any:
    return make_settings({"model.threads": 1, "model.path": str(model), **base, **row.settings})


def bench_figures(
    seeds: Sequence[Sequence[Outcome]], before: Sequence[Sequence[Outcome]] | None
) -> dict[str, dict[str, float]]:
    """Return per question of the bench the fraction on the target with own memory, and the step from the row before."""
    found = {}
    values, videos = _by_task(seeds)
    earlier = _by_task(before)[0] if before else {}
    for question in dict.fromkeys(key[0] for key in values):
        keys = [key for key in values if key[0] == question]
        array, names = np.array([values[key] for key in keys]), [videos[key] for key in keys]
        found[question] = _pair(100 * array, None, names, None)
        if earlier:
            found[f"{question} step"] = _pair(100 * array, 100 * np.array([earlier[key] for key in keys]), names, None)
    return found


def _by_task(seeds: Sequence[Sequence[Outcome]]) -> tuple[dict[tuple[str, str], float], dict[tuple[str, str], str]]:
    """Return the mean over seeds by question and task, and the source videos."""
    values: dict[tuple[str, str], list[float]] = {}
    videos = {}
    for one in (outcome for outcomes in seeds for outcome in outcomes if outcome.condition == OWN):
        key = (f"{one.kind}: {one.variant}" if one.kind == "two targets" else one.kind, one.task)
        values.setdefault(key, []).append(one.on_target)
        videos[key] = one.video
    return {key: float(np.mean(some)) for key, some in values.items()}, videos


def _pair(
    values: np.ndarray, before: np.ndarray | None, videos: Sequence[str], groups: Sequence[str] | None
) -> dict[str, float]:
    found: Estimated = estimate(values if before is None else values - before, videos, groups)
    return {"mean": round(found.mean, 2), "error": round(found.error, 2)}


def table(report: Mapping[str, Mapping[str, Any]]) -> str:
    """Return the rows as Markdown: every figure, and behind it the step from the row that it is compared with."""
    names = [name for name in next(iter(report.values())) if name != "before"]
    lines = ["| " + " | ".join(["arm", "compared with", *names]) + " |", "| --- " * (len(names) + 2) + "|"]
    for arm, facts in report.items():
        cells = [arm, facts["before"]]
        for name in names:
            text = f"{facts[name]['mean']:.1f} ± {facts[name]['error']:.1f}"
            step = facts.get(f"{name} step")
            cells.append(f"{text} ({step['mean']:+.1f} ± {step['error']:.1f})" if step else text)
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _plain(name: str) -> str:
    return "".join(letter if letter.isalnum() else "_" for letter in name).strip("_")


if __name__ == "__main__":
    typer.run(main)
