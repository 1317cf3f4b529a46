#!/usr/bin/env python3
# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Compares settings and models over the same sequences (OPE), the first arm being what the others are held against.

    python tools/ablation.py DATA/val --arm "as it ships=" --arm "FIFO=memory.policy=fifo" \
        --arm "one token=memory.capacity=1" --arm "without token=model.path=runs/base/last.pt"

An arm is `name=setting=value,setting=value`. The table gives the means over the sequences, their spread, and the
difference in AUC sequence by sequence with its standard error: a difference within two of those is no difference.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import numpy as np
import typer
import yaml
from numpy.typing import NDArray

from stdtrack_ros.evaluation.metrics.accuracy import score
from stdtrack_ros.evaluation.runner import run_ope
from stdtrack_ros.evaluation.trackers.tracker_interface import OwnTracker
from stdtrack_ros.sequences.annotated import open_annotated
from stdtrack_ros.settings import make_settings

COLUMNS = ("auc", "precision", "ao", "sr50", "sr75")
PUBLISHED = {"status.enabled": False, "motion.enabled": False, "redetection.enabled": False}
"""The tracker alone, as trackers are compared in the literature."""


def main(sequences: Path, arm: Annotated[list[str], typer.Option()], threads: int = 1) -> None:
    """Run the arms and print the table as Markdown."""
    print("| arm | AUC | spread | P20 | AO | SR0.5 | SR0.75 | difference in AUC | better / worse |")
    print("| --- |" + " --- |" * 8)
    first = None
    for one in arm:
        name, _, changes = one.partition("=")
        scores = run_arm(sequences, changes, threads)
        first = scores if first is None else first
        print(row(name, scores, first), flush=True)


def run_arm(folder: Path, changes: str, threads: int) -> NDArray[np.float64]:
    """(N, 5) scores of each sequence, in percent."""
    pairs = (change.split("=", 1) for change in changes.split(",") if change)
    values = {name: yaml.safe_load(value) for name, value in pairs}
    settings = make_settings({**PUBLISHED, "model.threads": threads, **values})
    sequences = list(open_annotated(folder))
    tracks = run_ope(lambda: OwnTracker(settings), sequences)
    scores = [score(tracks[sequence.name].boxes, sequence.boxes) for sequence in sequences]
    return 100 * np.array([[getattr(one, column) for column in COLUMNS] for one in scores])


def row(name: str, scores: NDArray[np.float64], first: NDArray[np.float64]) -> str:
    """One line of the table."""
    means, change = scores.mean(axis=0), scores[:, 0] - first[:, 0]
    error = change.std(ddof=1) / np.sqrt(len(change))
    cells = [name, f"{means[0]:.1f}", f"{scores[:, 0].std(ddof=1):.1f}", *(f"{value:.1f}" for value in means[1:])]
    if first is not scores:
        cells += [f"{change.mean():+.1f} ± {error:.1f}", f"{(change > 0.5).sum()} / {(change < -0.5).sum()}"]
    else:
        cells += ["", ""]
    return "| " + " | ".join(cells) + " |"


if __name__ == "__main__":
    typer.run(main)
