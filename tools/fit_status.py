#!/usr/bin/env python3
# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Fits the limits of similarity and quality, by which the tracker accepts what it found, to a model.

    python tools/fit_status.py DATA/train_1.tar DATA/train_2.tar --model new.onnx --every 3 --out status.yaml

The tracker runs over the sequences as recorded, and over every `--stage`-th of them with the target staged to vanish,
with nothing rejected by its similarity. Of the frames on the target, at most a fraction of KEEP falls under the limits;
the table tells how many of the confident frames off the target the limits reject. Every sequence counts alike. Fit on
sequences that nothing is evaluated on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
import yaml
from numpy.typing import NDArray

from stdtrack_ros.cli.redetection import stage_all
from stdtrack_ros.evaluation.metrics.calibration import RIGHT_IOU
from stdtrack_ros.evaluation.metrics.failures import LOST_IOU
from stdtrack_ros.geometry import iou
from stdtrack_ros.sequences.annotated import open_annotated
from stdtrack_ros.sequences.sequence import Sequence as Frames
from stdtrack_ros.settings import TrackerSettings, make_settings
from stdtrack_ros.tracker import Tracker, load_model
from stdtrack_ros.tracker.distractor_filter import OVERLAP
from stdtrack_ros.tracker.models.model import Prediction

NO_LIMITS = {
    "status.memory_similarity": -1.0,
    "status.sparse_similarity": -1.0,
    "status.elsewhere_similarity": -1.0,
    "status.distractor_similarity": -1.0,
    "status.follow_similarity": 1.0,
    "redetection.enabled": False,
}
KEEP = {"memory_similarity": 0.005, "elsewhere_similarity": 0.03, "found_similarity": 0.1}
"""Fractions of right frames that may fall under a limit: where the target was expected, elsewhere, and after a loss."""
FALSE_FINDS = 0.02
"""Fraction of the frames off the target whose candidate may pass all limits of redetection."""


@dataclass(frozen=True)
class ScoredFrames:
    """Frames of many sequences, (N,) each.

    Attributes:
        quality: calibrated. memory: cosine with the most similar remembered frame.
        overlap: IoU with the ground truth, 0 if the target is absent. elsewhere: whether the box does not overlap the
            one before.
        weight: 1 over the frames of the sequence.
    """

    quality: NDArray[np.float64]
    memory: NDArray[np.float64]
    overlap: NDArray[np.float64]
    elsewhere: NDArray[np.bool_]
    weight: NDArray[np.float64]


class Recorder:
    """A model that keeps the last similarity; all else is the model's."""

    def __init__(self, model: Any) -> None:
        self.model, self.last = model, 1.0

    def __getattr__(self, name: str) -> Any:
        return getattr(self.model, name)

    def similarity(self, state: Any, prediction: Prediction) -> float:
        """See `Model`."""
        self.last = self.model.similarity(state, prediction)
        return self.last


def main(
    paths: list[Path],
    out: Annotated[Path, typer.Option(help="YAML of the settings that were found.")] = Path("status.yaml"),
    every: Annotated[int, typer.Option(min=1, help="Take every n-th sequence only.")] = 1,
    stage: Annotated[int, typer.Option(min=1, help="Stage every n-th of these.")] = 4,
    model: Annotated[str, typer.Option(help="Model file; empty: the one that ships.")] = "",
) -> None:
    """Run the tracker over the sequences, plain and staged, and fit."""
    settings = make_settings({"model.path": model, "model.threads": 1, **NO_LIMITS})
    network = load_model(settings)
    sequences: list[Frames] = [sequence for path in paths for sequence in open_annotated(path)][::every]
    whole = [sequence for sequence in sequences if np.isfinite(sequence.boxes).all()]
    frames = joined([record(network, settings, sequence) for sequence in [*sequences, *stage_all(whole[::stage])]])
    found = fit(frames)
    text = yaml.safe_dump(found, sort_keys=False)
    out.write_text(text, encoding="utf-8")
    typer.echo(text)
    typer.echo(table(frames, found))


def record(network: Any, settings: TrackerSettings, sequence: Frames) -> NDArray[np.float64]:
    """Return (N, 4) quality, similarity, overlap and elsewhere of a pass from the first box."""
    recorder = Recorder(network)
    tracker = Tracker(recorder, settings)
    before = np.asarray(sequence.boxes[0])
    tracker.initialize(sequence.frame(0), before, float(sequence.stamps_s[0]))
    rows = []
    for index in range(1, len(sequence)):
        result = tracker.track(sequence.frame(index), float(sequence.stamps_s[index]))
        overlap = float(np.nan_to_num(iou(result.box, sequence.boxes[index])))
        rows.append((result.quality, recorder.last, overlap, float(iou(result.box, before) < OVERLAP)))
        before = result.box
    return np.array(rows, dtype=np.float64).reshape(-1, 4)


def joined(passes: Sequence[NDArray[np.float64]]) -> ScoredFrames:
    """Return the frames of all passes, every pass weighing the same."""
    rows = np.concatenate(passes)
    weight = np.concatenate([np.full(len(each), 1.0 / max(len(each), 1)) for each in passes])
    return ScoredFrames(rows[:, 0], rows[:, 1], rows[:, 2], rows[:, 3] > 0, weight)


def fit(frames: ScoredFrames) -> dict[str, dict[str, float]]:
    """Return the settings by group and name."""
    right, wrong = frames.overlap >= RIGHT_IOU, frames.overlap < LOST_IOU
    near = limit(frames.memory, frames.weight, right & ~frames.elsewhere, KEEP["memory_similarity"])
    far = max(limit(frames.memory, frames.weight, right & frames.elsewhere, KEEP["elsewhere_similarity"], near), near)
    sure = wrong & (frames.quality >= 0.4)
    memory = limit(frames.memory, frames.weight, right, KEEP["found_similarity"])
    passing = wrong & (frames.memory >= memory)
    allowed = FALSE_FINDS * frames.weight[wrong].sum() / max(frames.weight[passing].sum(), 1e-9)
    quality = limit(frames.quality, frames.weight, passing, 1.0 - allowed, 0.5) if allowed < 1 else 0.5
    return {
        "status": {
            "memory_similarity": round(near, 2),
            "elsewhere_similarity": round(far, 2),
            "distractor_similarity": round(max(equal_error(frames, right, sure), far), 2),
        },
        "redetection": {
            "accept_quality": round(float(np.clip(quality, 0.5, 0.9)), 2),
            "memory_similarity": round(memory, 2),
        },
    }


def limit(
    values: NDArray[np.float64],
    weights: NDArray[np.float64],
    chosen: NDArray[np.bool_],
    fraction: float,
    otherwise: float = -1.0,
) -> float:
    """Return the value under which a fraction of the chosen frames lies; `otherwise` if none is chosen."""
    if not chosen.any():
        return otherwise
    order = np.argsort(values[chosen])
    total = np.cumsum(weights[chosen][order])
    return float(values[chosen][order][min(int(np.searchsorted(total, fraction * total[-1])), len(order) - 1)])


def equal_error(frames: ScoredFrames, right: NDArray[np.bool_], wrong: NDArray[np.bool_]) -> float:
    """Return the similarity at which as large a fraction of right frames lies below as of wrong ones above."""
    if not wrong.any():
        return -1.0
    grid = np.linspace(0.0, 1.0, 201)
    below, above = (
        np.array([np.average(test(frames.memory[some], value), weights=frames.weight[some]) for value in grid])
        for some, test in ((right, np.less), (wrong, np.greater_equal))
    )
    return float(grid[np.abs(below - above).argmin()])


def table(frames: ScoredFrames, found: dict[str, dict[str, float]]) -> str:
    """Return how many right and wrong frames each limit rejects, as Markdown."""
    right, sure = frames.overlap >= RIGHT_IOU, (frames.overlap < LOST_IOU) & (frames.quality >= 0.4)
    lines = ["| limit | right frames under it | confident frames off the target under it |", "| --- | --- | --- |"]
    for group, name, values in (
        ("status", "memory_similarity", frames.memory),
        ("status", "elsewhere_similarity", frames.memory),
        ("status", "distractor_similarity", frames.memory),
        ("redetection", "memory_similarity", frames.memory),
    ):
        under = values < found[group][name]
        fractions = [
            np.average(under[some], weights=frames.weight[some]) if some.any() else np.nan for some in (right, sure)
        ]
        lines.append(
            f"| {group}.{name} {found[group][name]} | {100 * fractions[0]:.1f} % | {100 * fractions[1]:.1f} % |"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    typer.run(main)
