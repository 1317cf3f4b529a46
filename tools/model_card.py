#!/usr/bin/env python3
# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Pictures and the score table of the model card.

    python tools/model_card.py EVALUATION --runs runs/pairs --runs runs/clips --sequences DATA/val --failures 'air_*'

EVALUATION is the folder of `stdtrack evaluate`. Writes `curves.png`, `reliability.png` and `failures.png` into `model/`
and prints the table. Pictures of failures are taken only from sequences whose names match: few may be shown to others.
"""

from __future__ import annotations

import csv
import json
from fnmatch import fnmatch
from pathlib import Path
from typing import Annotated

import cv2
import numpy as np
import typer
from matplotlib.figure import Figure

from stdtrack_ros.evaluation.metrics.accuracy import overlaps
from stdtrack_ros.evaluation.metrics.calibration import BINS, calibrate
from stdtrack_ros.geometry import Crop
from stdtrack_ros.images import to_bgr8
from stdtrack_ros.network.checkpoint import load_checkpoint
from stdtrack_ros.sequences.catalog import open_sequences

COLUMNS = {"auc": "AUC", "precision": "P20", "norm_precision": "NP", "ao": "AO", "sr50": "SR0.5", "sr75": "SR0.75"}
TILE_PX = 200


def main(
    evaluation: Path,
    runs: Annotated[list[Path], typer.Option()],
    sequences: Annotated[Path, typer.Option()],
    failures: Annotated[str, typer.Option()],
    out: Annotated[Path, typer.Option()] = Path("model"),
    tracker: Annotated[str, typer.Option()] = "stdtrack",
) -> None:
    """Draw the pictures, print the table."""
    draw_curves(runs, out / "curves.png")
    tracks = read_tracks(evaluation, tracker)
    draw_reliability(tracks, out / "reliability.png")
    draw_failures(tracks, sequences, failures, out / "failures.png")
    print_table(json.loads((evaluation / "report.json").read_text()))


Tracks = dict[str, tuple[np.ndarray, np.ndarray, np.ndarray]]


def read_tracks(evaluation: Path, tracker: str) -> Tracks:
    """Read boxes, qualities and ground truth of each sequence."""
    tracks = {}
    for path in sorted((evaluation / "raw" / tracker).glob("*/ope.npz")):
        with np.load(path) as run, np.load(evaluation / "sequences" / f"{path.parent.name}.npz") as facts:
            tracks[path.parent.name] = run["boxes"], run["qualities"], facts["ground_truth"]
    return tracks


def draw_curves(runs: list[Path], path: Path) -> None:
    """Draw loss and IoU of the runs, one after the other, over the frames seen."""
    figure = Figure(figsize=(9, 3), layout="constrained")
    panels = figure.subplots(1, 2)
    seen = 0.0
    for run in runs:
        with (run / "log.csv").open(newline="") as file:
            rows = [{name: float(value) for name, value in row.items()} for row in csv.DictReader(file)]
        length = load_checkpoint(run / "last.pt")["settings"]["length"]
        frames = [seen + row["samples"] * length / 1000 for row in rows]
        for panel, name in zip(panels, ("loss", "iou"), strict=True):
            panel.plot(frames, [row[name] for row in rows], label=f"{run.name} ({length} frames per clip)")
        seen = frames[-1]
    for panel, title in zip(panels, ("Loss", "IoU of the peak's box (training clips)"), strict=True):
        panel.set_title(title, fontsize=10)
        panel.set_xlabel("thousand search frames")
        panel.grid(alpha=0.3)
    panels[0].legend(fontsize=8)
    figure.savefig(path, dpi=110)


def draw_reliability(tracks: Tracks, path: Path) -> None:
    """Draw the fraction of frames with IoU >= 0.5 over the published quality; frames without the target are wrong."""
    qualities = np.concatenate([quality[1:] for _, quality, _ in tracks.values()])
    ious = np.concatenate(
        [np.nan_to_num(overlaps(boxes, ground_truth))[1:] for boxes, _, ground_truth in tracks.values()]
    )
    found = calibrate(qualities, ious)
    figure = Figure(figsize=(4.2, 4.2), layout="constrained")
    panel = figure.subplots()
    edges = np.arange(BINS) / BINS
    panel.bar(edges, np.nan_to_num(found.fraction_right), 1 / BINS, align="edge", alpha=0.7, label="right frames")
    panel.plot([0, 1], [0, 1], "k--", linewidth=1, label="perfect")
    for edge, fraction, count in zip(edges, np.nan_to_num(found.fraction_right), found.counts, strict=True):
        if count:
            panel.text(edge + 0.05, fraction + 0.01, str(count), ha="center", fontsize=7)
    panel.set(xlabel="published quality", ylabel="fraction of frames with IoU >= 0.5", xlim=(0, 1), ylim=(0, 1.08))
    panel.set_title(f"ECE {found.ece:.3f}, Brier {found.brier:.3f}, {found.counts.sum()} frames", fontsize=10)
    panel.legend(fontsize=8, loc="upper left")
    figure.savefig(path, dpi=110)


def draw_failures(tracks: Tracks, sequences: Path, pattern: str, path: Path) -> None:
    """Draw the worst frame of each of the six worst sequences that may be shown: ground truth white, ours red."""
    handles = {handle.name: handle for handle in open_sequences([sequences])}
    scored = []
    for name, (boxes, quality, ground_truth) in tracks.items():
        if fnmatch(name, pattern):
            ious = overlaps(boxes, ground_truth)
            ious[0] = np.nan
            frame = int(np.nanargmin(ious))
            scored.append((float(np.nanmean(ious)), name, frame, float(ious[frame]), float(quality[frame])))
    tiles = []
    for mean, name, frame, worst, quality in sorted(scored)[:6]:
        boxes, _, ground_truth = tracks[name]
        crop = Crop.around(ground_truth[frame], 6.0, TILE_PX)
        tile = crop.extract(to_bgr8(handles[name].open().frame(frame)))
        for box, color in ((ground_truth[frame], (255, 255, 255)), (boxes[frame], (60, 60, 240))):
            x, y, width, height = crop.to_crop(box).round().astype(int)
            cv2.rectangle(tile, (x, y), (x + width, y + height), color, 1)
        tile = cv2.copyMakeBorder(tile, 0, 34, 2, 2, cv2.BORDER_CONSTANT)
        lines = (f"{name} #{frame}", f"IoU {worst:.2f}, quality {quality:.2f}, AO {mean:.2f}")
        for row, text in enumerate(lines):
            cv2.putText(tile, text, (4, TILE_PX + 13 + 15 * row), cv2.FONT_HERSHEY_SIMPLEX, 0.36, (220,) * 3, 1)
        tiles.append(tile)
    cv2.imwrite(str(path), np.hstack(tiles))


def print_table(report: dict) -> None:
    """Print Markdown, in percent."""
    print("| tracker | " + " | ".join(COLUMNS.values()) + " |")
    print("| --- |" + " --- |" * len(COLUMNS))
    for tracker in sorted(report["trackers"], key=lambda one: -one["metrics"]["auc"]):
        values = " | ".join(f"{100 * tracker['metrics'][name]:.1f}" for name in COLUMNS)
        print(f"| {tracker['name']} | {values} |")


if __name__ == "__main__":
    typer.run(main)
