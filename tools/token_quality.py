#!/usr/bin/env python3
# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""How well each form of Q_t, and the published quality, tell right frames (IoU >= 0.5) from wrong ones.

    python tools/token_quality.py DATA/val

Prints the area under the ROC curve: 0.5 is chance, 1 is perfect. One pass (OPE), no loss detection.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
import typer

from stdtrack_ros.evaluation.metrics.calibration import RIGHT_IOU, area_under_roc
from stdtrack_ros.geometry import Box, Image, iou
from stdtrack_ros.network.stdtrack.quality import token_quality
from stdtrack_ros.sequences.annotated import open_annotated
from stdtrack_ros.settings import make_settings
from stdtrack_ros.tracker import load_model
from stdtrack_ros.tracker.models.model import Prediction
from stdtrack_ros.tracker.tracker import Tracker

FORMS = ("saliency", "peak", "psr", "margin")


class Recorder:
    """A model that keeps its last prediction; all else is the model's."""

    def __init__(self, model: object) -> None:
        self.model, self.last = model, None

    def __getattr__(self, name: str) -> object:
        return getattr(self.model, name)

    def step(self, states: Sequence[object], searches: Image, influences: Sequence[float]) -> list[Prediction]:
        """See `Model.step`."""
        found = self.model.step(states, searches, influences)
        self.last = found[0]
        return found


def main(sequences: Path, model: str = "", threads: int = 1) -> None:
    """Print the table as Markdown."""
    settings = make_settings({"model.path": model, "model.threads": threads, "status.enabled": False})
    recorder = Recorder(load_model(settings))
    values: dict[str, list[float]] = {name: [] for name in (*FORMS, "published quality")}
    right: list[bool] = []
    for sequence in open_annotated(sequences):
        tracker = Tracker(recorder, settings)
        tracker.initialize(sequence.frame(0), sequence.boxes[0], float(sequence.stamps_s[0]))
        for index in range(1, len(sequence)):
            result = tracker.track(sequence.frame(index), float(sequence.stamps_s[index]))
            right.append(is_right(result.box, sequence.boxes[index]))
            score = torch.from_numpy(recorder.last.score_map)[None, None]
            for form in FORMS:
                values[form].append(float(token_quality(score, form)[0]))
            values["published quality"].append(result.quality)
    print("| quality | area under the ROC curve |\n| --- | --- |")
    for name, numbers in values.items():
        print(f"| {name} | {area_under_roc(np.array(numbers), np.array(right)):.3f} |")


def is_right(box: Box, ground_truth: Box) -> bool:
    """Return whether the box covers the target well; never if there is none."""
    return bool(np.nan_to_num(float(iou(box, ground_truth))) >= RIGHT_IOU)


if __name__ == "__main__":
    typer.run(main)
