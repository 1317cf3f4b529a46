# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The curves of a run as a picture, from its `log.csv` and `validation.csv`."""

from __future__ import annotations

import csv
from pathlib import Path

from matplotlib.figure import Figure

PANELS = (("loss", "Loss"), ("iou", "IoU of the peak's box, training clips"), ("learning_rate", "Learning rate"))


def draw_curves(folder: Path) -> Path | None:
    """Write `curves.png` into the folder of a run; None if there is no log yet."""
    rows = _read(folder / "log.csv")
    if not rows:
        return None
    scores = _read(folder / "validation.csv")
    figure = Figure(figsize=(12, 3.2), layout="constrained")
    for panel, (name, title) in zip(figure.subplots(1, 4), (*PANELS, ("auc", "Success AUC, validation")), strict=True):
        source = scores if name == "auc" else rows
        points = [(row["samples"] / 1000, row[name]) for row in source if name in row]
        if points:
            panel.plot(*zip(*points, strict=True), marker="o" if name == "auc" else "")
        panel.set_title(title, fontsize=10)
        panel.set_xlabel("thousand clips")
        panel.grid(alpha=0.3)
    path = folder / "curves.png"
    figure.savefig(path, dpi=110)
    return path


def _read(path: Path) -> list[dict[str, float]]:
    if not path.is_file():
        return []
    with path.open(newline="") as file:
        return [{name: float(value) for name, value in row.items()} for row in csv.DictReader(file)]
