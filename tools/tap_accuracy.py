# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""How often a tap finds its target: `python tools/tap_accuracy.py FOLDER_OF_SEQUENCES`.

Taps the centre of each sequence's first true box (or beside it, with --jitter), tracks five frames, and compares.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from stdtrack_ros.geometry import Box, iou
from stdtrack_ros.sequences.catalog import open_sequences
from stdtrack_ros.sequences.sequence import Sequence
from stdtrack_ros.settings import TrackerSettings
from stdtrack_ros.tracker import Tracker, create_tracker
from stdtrack_ros.tracker.box_proposal import propose_box

FRAMES = 5


def main(
    folder: Annotated[Path, typer.Argument(help="Folder of sequences with ground truth.")],
    jitter: Annotated[float, typer.Option(help="Largest offset of the tap, as a fraction of the box.")] = 0.0,
) -> None:
    """Print one line per sequence, then the fractions."""
    tracker, random = create_tracker(TrackerSettings()), np.random.default_rng(0)
    rows, times = [], []
    for handle in open_sequences([folder]):
        sequence = handle.open()
        boxes, image = sequence.boxes, sequence.frame(0)
        x, y = boxes[0, :2] + boxes[0, 2:] * (0.5 + jitter * random.uniform(-1, 1, 2))
        started = time.perf_counter()
        box = propose_box(image, float(x), float(y))
        times.append(time.perf_counter() - started)
        overlaps = [float(iou(box, boxes[0])), *(_after(tracker, sequence, first) for first in (box, boxes[0]))]
        rows.append(overlaps)
        box_iou, later, true = overlaps
        print(f"{sequence.name:28} box {box_iou:.2f}, after {FRAMES} frames {later:.2f} (true start {true:.2f})")
    fraction = (np.array(rows) >= 0.5).mean(axis=0)
    at_once, later_on, true = (f"{100 * p:.0f} % ± {100 * np.sqrt(p * (1 - p) / len(rows)):.0f}" for p in fraction)
    print(
        f"{len(rows)} targets: IoU of 0.5 or more at once {at_once}, after {FRAMES} frames {later_on} "
        f"(started on the true box: {true}); ±: standard error; {1e3 * np.median(times):.0f} ms per tap"
    )


def _after(tracker: Tracker, sequence: Sequence, box: Box) -> float:
    """Return the IoU with the ground truth some frames after a start on a box."""
    tracker.initialize(sequence.frame(0), box, sequence.stamps_s[0])
    for index in range(1, FRAMES + 1):
        result = tracker.track(sequence.frame(index), sequence.stamps_s[index])
    return float(iou(result.box, sequence.boxes[FRAMES]))


if __name__ == "__main__":
    typer.run(main)
