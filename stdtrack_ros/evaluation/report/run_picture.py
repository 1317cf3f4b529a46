# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""One picture of a recorded run: where the target went, how sure the tracker was, how long each frame took."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from stdtrack_ros.evaluation.report.box_log import BoxLog
from stdtrack_ros.geometry import Image, box_center
from stdtrack_ros.tracker.drawing import STATUS_COLORS
from stdtrack_ros.tracker.result import Status

PATH_COLORS = "plasma"


def draw_run(path: Path, log: BoxLog, background: Image, samples: Sequence[tuple[str, Image]], title: str) -> None:
    """Write the picture as a PNG.

    Args:
        background: (H, W, 3) uint8 BGR image of the run, under the trajectory.
        samples: a caption and a picture of the target each, shown as a strip; may be empty.
    """
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure = pyplot.figure(figsize=(14, 9.5 if samples else 6.5), layout="constrained")
    figure.suptitle(title)
    whole = figure.add_gridspec(2 if samples else 1, 1, height_ratios=[6, 2.6] if samples else [1])
    upper = whole[0].subgridspec(2, 2, width_ratios=[1.45, 1])
    _trajectory(figure, figure.add_subplot(upper[:, 0]), log, background)
    _quality(figure.add_subplot(upper[0, 1]), log)
    _latency(figure.add_subplot(upper[1, 1]), log)
    if samples:
        strip = whole[1].subgridspec(1, len(samples))
        for place, (caption, image) in zip(strip, samples, strict=False):
            axes = figure.add_subplot(place)
            axes.imshow(cv2.cvtColor(image, cv2.COLOR_BGR2RGB))
            axes.set_title(caption, fontsize=9)
            axes.set_axis_off()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=100)
    pyplot.close(figure)


def _trajectory(figure: Any, axes: Any, log: BoxLog, background: Image) -> None:
    axes.imshow(cv2.cvtColor(background, cv2.COLOR_BGR2RGB), alpha=0.75)
    centers = box_center(log.boxes)
    axes.plot(centers[:, 0], centers[:, 1], color="white", linewidth=3, alpha=0.6)
    points = axes.scatter(centers[:, 0], centers[:, 1], c=log.times_s, cmap=PATH_COLORS, s=14, zorder=3)
    for row in np.linspace(0, len(log) - 1, min(len(log), 6)).astype(int):
        x, y, width, height = log.boxes[row]
        color = points.to_rgba(log.times_s[row])
        axes.add_patch(_rectangle((x, y), width, height, fill=False, edgecolor=color, linewidth=1.5))
    axes.set_xlim(0, background.shape[1])
    axes.set_ylim(background.shape[0], 0)
    axes.set_title("Trajectory of the box's centre, and six of the boxes")
    axes.set_xlabel("x [px]")
    axes.set_ylabel("y [px]")
    figure.colorbar(points, ax=axes, label="time [s]", orientation="horizontal", fraction=0.04, pad=0.02)


def _quality(axes: Any, log: BoxLog) -> None:
    _status_bands(axes, log)
    axes.plot(log.times_s, log.quality, color="black", linewidth=1.2)
    axes.set_ylim(0, 1.02)
    axes.set_title("Quality, over the status")
    axes.set_ylabel("quality [0..1]")
    axes.legend(loc="lower left", fontsize=8, ncols=3)


def _latency(axes: Any, log: BoxLog) -> None:
    milliseconds = 1000 * log.latency_s
    axes.plot(log.times_s, milliseconds, color="tab:blue", linewidth=1, marker=".", markersize=3)
    for percent, style in ((50, "--"), (95, ":")):
        level = float(np.percentile(milliseconds, percent))
        axes.axhline(level, color="tab:gray", linestyle=style, label=f"p{percent}: {level:.0f} ms")
    axes.set_ylim(0, None)
    axes.set_title("Latency: image in the node to box published")
    axes.set_xlabel("time [s]")
    axes.set_ylabel("latency [ms]")
    axes.legend(fontsize=8)


def _status_bands(axes: Any, log: BoxLog) -> None:
    """Draw one coloured band per stretch of the same status, named once each."""
    edges = [0, *(np.flatnonzero(np.diff(log.status)) + 1), len(log) - 1]
    named = set()
    for first, last in pairwise(edges):
        status = Status(int(log.status[first]))
        blue, green, red = STATUS_COLORS[status]
        label = None if status in named else status.name
        named.add(status)
        axes.axvspan(
            log.times_s[first], log.times_s[last], color=(red / 255, green / 255, blue / 255), alpha=0.3, label=label
        )


def _rectangle(*arguments: Any, **options: Any) -> Any:
    from matplotlib.patches import Rectangle

    return Rectangle(*arguments, **options)
