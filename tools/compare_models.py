#!/usr/bin/env python3
# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Compares models and settings clip by clip; the first arm is the one that the others are compared with.

    python tools/compare_models.py DATA/val DATA/val2.tar --arm "shipped=" --arm "new=model.path=runs/new.onnx" \
        --frames 50 --workers 2 --out comparison.json

An arm is `name=setting=value,setting=value`. Each path is a set of its own. Every figure is the mean within each group
of clips, then over groups; the standard error is a bootstrap over source videos. A difference within two of its errors
is no difference. Clips labeled by a tracker are left out unless `--pseudo`. Passes are kept in a cache, under a hash of
model, settings, tracker code and clip.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import Progress

from stdtrack_ros.evaluation.arms import PUBLISHED, Clip, list_clips, parse_arm, run_arms
from stdtrack_ros.evaluation.metrics.accuracy import known, score
from stdtrack_ros.evaluation.metrics.paired import Estimated, estimate
from stdtrack_ros.evaluation.redetection import StatusRun
from stdtrack_ros.tracker.result import Status

COLUMNS = {"auc": "AUC", "precision": "P20", "ao": "AO", "sr50": "SR0.5", "sr75": "SR0.75", "lost": "in view, LOST"}
CACHE = Path("~/.cache/stdtrack_ros/passes")


def main(
    sets: list[Path],
    arm: Annotated[list[str], typer.Option(help="name=setting=value,setting=value")],
    frames: Annotated[int, typer.Option(min=0, help="Frames per clip at most; 0: all.")] = 0,
    stride: Annotated[int, typer.Option(min=1, help="Take every n-th frame: a slower camera.")] = 1,
    shake: Annotated[float, typer.Option(min=0, help="Shake the camera: standard deviation, target sizes.")] = 0.0,
    loss_detection: Annotated[bool, typer.Option(help="As shipped; else the tracker alone.")] = False,
    pseudo: Annotated[bool, typer.Option(help="Take clips labeled by a tracker, too.")] = False,
    workers: Annotated[int, typer.Option(min=1, help="Processes at once, each with one thread.")] = 1,
    cache: Annotated[Path, typer.Option(help="Folder of the passes that are done.")] = CACHE,
    out: Annotated[Path | None, typer.Option(help="JSON file with every figure, also clip by clip.")] = None,
) -> None:
    """Run the arms over the sets and print one Markdown table per set."""
    base = {"model.threads": 1, **({} if loss_detection else PUBLISHED)}
    arms = [parse_arm(text, base) for text in arm]
    clips = {path.name: list_clips([path], frames, pseudo, stride, shake) for path in sets}
    report = {}
    with Progress(console=Console(stderr=True)) as progress:
        task = progress.add_task("tracking", total=len(arms) * sum(map(len, clips.values())))
        for name, some in clips.items():
            runs = run_arms(arms, some, cache.expanduser(), workers, lambda: progress.advance(task))
            report[name] = compare(some, {each.name: runs[each.name] for each in arms})
    for name, found in report.items():
        typer.echo(table(name, found))
    if out is not None:
        out.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")


def compare(clips: list[Clip], runs: dict[str, dict[str, StatusRun]]) -> dict[str, object]:
    """Return every figure of one set: of the arms, of their differences to the first, by group, and clip by clip."""
    values = {name: np.array([figures(some[clip.name]) for clip in clips]) for name, some in runs.items()}
    videos, groups = ([getattr(clip.origin, key) for clip in clips] for key in ("video", "group"))
    first = next(iter(values.values()))
    arms: dict[str, object] = {}
    for name, scores in values.items():
        change = 100 * (scores[:, 0] - first[:, 0])
        by_group = {
            group: _pair(estimate(change[chosen], np.array(videos)[chosen].tolist()))
            for group in sorted(set(groups))
            if (chosen := np.array(groups) == group).any()
        }
        arms[name] = {
            "figures": {
                key: _pair(estimate(100 * scores[:, column], videos, groups)) for column, key in enumerate(COLUMNS)
            },
            "difference": _pair(estimate(change, videos, groups)),
            "difference_by_group": by_group,
            "better": int((change > 0.5).sum()),
            "worse": int((change < -0.5).sum()),
            "clips": {clip.name: round(float(auc), 5) for clip, auc in zip(clips, scores[:, 0], strict=True)},
        }
    return {"clips": len(clips), "videos": len(set(videos)), "groups": sorted(set(groups)), "arms": arms}


def figures(run: StatusRun) -> NDArray[np.float64]:
    """Return (6,) the figures of one pass, in the order of COLUMNS, as fractions."""
    scores = asdict(score(np.vstack((run.ground_truth[:1], run.boxes[1:])), run.ground_truth))
    in_view = known(run.ground_truth)
    scores["lost"] = float((run.statuses[in_view] == int(Status.LOST)).mean())
    return np.array([scores[key] for key in COLUMNS])


def _pair(found: Estimated) -> dict[str, float]:
    return {"mean": round(found.mean, 3), "error": round(found.error, 3)}


def table(name: str, found: dict) -> str:  # type: ignore[type-arg]
    """Return one set's figures as Markdown, in percent."""
    header = ["arm", *COLUMNS.values(), "difference in AUC", "better / worse", *found["groups"]]
    lines = [f"\n{name}: {found['clips']} clips of {found['videos']} videos\n", "| " + " | ".join(header) + " |"]
    lines.append("| --- |" + " --- |" * (len(header) - 1))
    for number, (arm, facts) in enumerate(found["arms"].items()):
        cells = [arm, *(f"{facts['figures'][key]['mean']:.1f}" for key in COLUMNS)]
        cells[1] += f" ± {facts['figures']['auc']['error']:.1f}"
        later = [_text(facts["difference"]), f"{facts['better']} / {facts['worse']}"]
        later += [_text(facts["difference_by_group"][group]) for group in found["groups"]]
        lines.append("| " + " | ".join(cells + (later if number else [""] * len(later))) + " |")
    return "\n".join(lines)


def _text(pair: dict[str, float]) -> str:
    return f"{pair['mean']:+.1f} ± {pair['error']:.1f}"


if __name__ == "__main__":
    typer.run(main)
