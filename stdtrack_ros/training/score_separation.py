# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Does the score of a STARK network tell present from absent? On videos that it was not trained on.

python -m stdtrack_ros.training.score_separation runs/stark2/last.pt --videos DATA/val --picture presence.png
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, NamedTuple

import numpy as np
import torch
import typer
from matplotlib.figure import Figure
from numpy.typing import NDArray

from stdtrack_ros.evaluation.metrics.calibration import area_under_roc
from stdtrack_ros.network.boxes import iou
from stdtrack_ros.network.families import load_network
from stdtrack_ros.network.stark.model import Stark
from stdtrack_ros.training.data.clips import Clip, collate
from stdtrack_ros.training.data.dataset import ClipDataset, build_dataset
from stdtrack_ros.training.data.settings import DataSettings
from stdtrack_ros.training.settings import WindowSettings
from stdtrack_ros.training.stark import cut_triplet

BATCH = 32


class ScoredWindows(NamedTuple):
    """Scores and boxes that a network gave N search windows.

    Attributes:
        scores: (N,) float32, the score head's value in 0..1.
        present: (N,) bool, ground truth.
        overlaps: (N,) float32, IoU of the box with the ground truth; meaningless if the target is not present.
    """

    scores: NDArray[np.float32]
    present: NDArray[np.bool_]
    overlaps: NDArray[np.float32]

    @property
    def area(self) -> float:
        """Area under the ROC curve: how often a present target has the higher score than an absent one."""
        return area_under_roc(self.scores, self.present)

    @property
    def accuracy(self) -> float:
        """Fraction of windows that a threshold of 0.5 classifies correctly."""
        return float(((self.scores > 0.5) == self.present).mean())


@torch.no_grad()
def score_windows(
    network: Stark, clips: ClipDataset, windows: WindowSettings, seed: int, wrong: bool = False
) -> ScoredWindows:
    """Score one search window per clip, half of them those of clips of other sequences.

    Args:
        wrong: give each window the templates of another clip, so that a box can be found only by what stands out.
    """
    generator = torch.Generator().manual_seed(seed)
    parts = []
    for made in _batches(clips):
        batch = {name: torch.from_numpy(value) for name, value in collate(made).items()}
        triplet = cut_triplet(network.config, batch, windows, generator, negative_prob=0.0 if wrong else 0.5)
        templates, outside = triplet.templates, triplet.templates_outside
        if wrong:
            templates, outside = templates.roll(1, dims=0), outside.roll(1, dims=0)
        corners, logits, _ = network(templates, triplet.search, outside, triplet.search_outside)
        found = torch.cat([(corners[:, :2] + corners[:, 2:]) / 2, corners[:, 2:] - corners[:, :2]], dim=1)
        parts.append((logits.sigmoid().numpy(), triplet.present.numpy(), iou(found, triplet.box).numpy()))
    scores, present, overlaps = (np.concatenate(values) for values in zip(*parts, strict=True))
    return ScoredWindows(scores, present, overlaps)


def _batches(clips: ClipDataset) -> Iterator[list[Clip]]:
    """Yield clips in batches, without those whose neighbour, whose search window they may get, is of their sequence."""
    made: list[Clip] = []
    for index in range(len(clips)):
        clip = clips[index]
        if not made or clip.source not in (made[-1].source, made[0].source):
            made.append(clip)
        if len(made) == BATCH or (index + 1 == len(clips) and len(made) > 1):
            yield made
            made = []


def draw(scored: ScoredWindows, path: Path) -> None:
    """Write the histograms of the scores of present and of absent targets."""
    figure = Figure(figsize=(6, 2.8), layout="constrained")
    panel = figure.subplots()
    for name, chosen in (("present", scored.present), ("absent", ~scored.present)):
        panel.hist(scored.scores[chosen], bins=np.linspace(0, 1, 26).tolist(), alpha=0.6, label=name)
    panel.set_xlabel("score")
    panel.set_ylabel("search windows")
    panel.legend()
    figure.savefig(path, dpi=110)


def main(
    checkpoint: Path,
    videos: Annotated[list[Path], typer.Option(help="What `data.videos` takes.")],
    clips: Annotated[int, typer.Option(help="Search windows to score.")] = 1000,
    shift: Annotated[float, typer.Option(help="Largest shift of a window, in sizes of the target.")] = 1.5,
    stretch: Annotated[float, typer.Option(help="Standard deviation of the logarithm of its scale.")] = 0.1,
    seed: Annotated[int, typer.Option()] = 1,
    picture: Annotated[Path | None, typer.Option(help="Histogram of the scores, PNG.")] = None,
) -> None:
    """Print the separation, and the IoU with the right and with wrong templates."""
    network = load_network(checkpoint).network
    settings = DataSettings(videos=tuple(videos), absence_prob=0.0, pair_absence_prob=0.0, max_stride=15)
    dataset = build_dataset(settings, 2, seed, clips)
    dataset.augmented = False
    windows = WindowSettings(shift=shift, stretch=stretch)
    scored, misled = (
        score_windows(network, dataset, windows, seed),
        score_windows(network, dataset, windows, seed, wrong=True),
    )
    for name, chosen in (("present", scored.present), ("absent", ~scored.present)):
        quartiles = np.quantile(scored.scores[chosen], (0.25, 0.5, 0.75))
        print(
            f"{name}: {chosen.sum()} windows, quartiles of the score", " ".join(f"{value:.2f}" for value in quartiles)
        )
    print(f"area under the ROC curve {scored.area:.3f}, accuracy at 0.5 {scored.accuracy:.3f}")
    print(
        f"IoU {scored.overlaps[scored.present].mean():.3f},"
        f" with the templates of other clips {misled.overlaps[misled.present].mean():.3f}"
    )
    if picture is not None:
        draw(scored, picture)


if __name__ == "__main__":
    typer.run(main)
