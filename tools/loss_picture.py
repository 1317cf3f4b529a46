# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Draw how a target is lost and found again, on the demo's clip: `python tools/loss_picture.py media/loss.png`.

A painted board stands in the image for a while and hides the target; the shipped tracker runs with its defaults.
"""

from __future__ import annotations

import sys
from pathlib import Path

import cv2
import matplotlib
import numpy as np

from stdtrack_ros.cli.demo import demo_clip
from stdtrack_ros.geometry import Image
from stdtrack_ros.sequences.recordings.videos import VideoSequence
from stdtrack_ros.settings import TrackerSettings
from stdtrack_ros.tracker import create_tracker
from stdtrack_ros.tracker.drawing import draw_given, draw_target
from stdtrack_ros.tracker.result import Status, TrackResult

matplotlib.use("Agg")
from matplotlib import pyplot

HIDDEN = range(45, 68)
"""Frames with the board."""
FRAMES = 130
BOARD = (70, 82, 88)
MARGIN = 2.2
"""Side of the board, in sizes of the first box."""
VIEW = np.s_[0:560, 180:800]
"""The part of the image that is shown."""
COLOURS = {Status.TRACKING: "#2a9d55", Status.UNCERTAIN: "#e0a100", Status.LOST: "#cc3333"}


def hide(image: Image, centre: np.ndarray, side: float) -> Image:
    """Return the image with a board of planks around a point."""
    hidden = image.copy()
    left, top = np.maximum(centre - side / 2, 0).astype(int)
    right, bottom = (centre + side / 2).astype(int)
    cv2.rectangle(hidden, (left, top), (right, bottom), BOARD, -1)
    for x in range(left, right, 40):
        cv2.line(hidden, (x, top), (x, bottom), (50, 60, 66), 2)
    return hidden


def run() -> tuple[list[Image], list[TrackResult], np.ndarray]:
    """Return the frames, the results from the second on, and the box that the target was started on."""
    clip = demo_clip()
    tracker = create_tracker(TrackerSettings())
    images: list[Image] = []
    results: list[TrackResult] = []
    box = np.asarray(clip.init, dtype=np.float64)
    video = VideoSequence("demo", clip.path)
    for index in range(FRAMES):
        image, stamp_s = video.frame(index), float(video.stamps_s[index])
        if index == 0:
            tracker.initialize(image, box, stamp_s)
        else:
            if index == HIDDEN.start:
                box = results[-1].box
            if index in HIDDEN:
                image = hide(image, box[:2] + box[2:] / 2, MARGIN * max(box[2:]))
            results.append(tracker.track(image, stamp_s))
        images.append(image)
    return images, results, clip.init


def draw(path: Path) -> None:
    """Write five moments over a curve of quality, coloured by status."""
    images, results, init = run()
    status = [result.status for result in results]
    lost = status.index(Status.LOST)
    found = status.index(Status.TRACKING, lost)
    moments = {"started": -1, "followed": HIDDEN.start - 8, "hidden": lost - 4, "lost": lost + 12}
    moments["found again"] = found + 4
    figure = pyplot.figure(figsize=(12, 3.9), dpi=100)
    grid = figure.add_gridspec(2, len(moments), height_ratios=(2, 1), hspace=0.1, wspace=0.03)
    for column, (title, index) in enumerate(moments.items()):
        shown = images[index + 1].copy()
        if index < 0:
            draw_given(shown, init)
        else:
            draw_target(shown, results[index].box, results[index].status, results[index].quality)
        axes = figure.add_subplot(grid[0, column])
        small = cv2.resize(shown[VIEW], None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
        axes.imshow(cv2.cvtColor(small, cv2.COLOR_BGR2RGB))
        axes.set_title(title, fontsize=11)
        axes.axis("off")
    axes = figure.add_subplot(grid[1, :])
    frames = np.arange(1, len(results) + 1)
    for kind, colour in COLOURS.items():
        held = [float(item is kind) for item in status]
        axes.bar(frames, held, width=1.0, color=colour, alpha=0.25, label=kind.name)
    axes.plot(frames, np.nan_to_num([result.quality for result in results]), color="#333333", label="quality")
    axes.set(xlim=(1, len(results)), ylim=(0, 1.02), xlabel="frame", ylabel="quality")
    axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False)
    figure.savefig(path, bbox_inches="tight")


if __name__ == "__main__":
    draw(Path(sys.argv[1]))
