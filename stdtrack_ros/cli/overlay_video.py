# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Pictures of a recorded run: each image with what the node said of it, and samples beside hand-made boxes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from stdtrack_ros.evaluation.report.box_log import BoxLog, newest_row, overlaps
from stdtrack_ros.geometry import Box, Image, box_center
from stdtrack_ros.images import to_bgr8
from stdtrack_ros.sequences.sequence import Sequence
from stdtrack_ros.tracker.drawing import PLATE, STATUS_COLORS, draw_given, draw_target, draw_text, draw_trail
from stdtrack_ros.tracker.result import Status

TRAIL_FRAMES = 25
SAMPLE_MARGIN = 0.6
"""Surroundings in a cut-out, as a fraction of the box's longer side, on each side."""
Window = tuple[slice, slice]
WHOLE: Window = (slice(None), slice(None))


def stamps_ns(recording: Sequence) -> list[int]:
    """Return the stamp of each image, as the results carry it."""
    return [round(stamp * 1e9) for stamp in recording.stamps_s]


def overlay_frames(
    recording: Sequence, log: BoxLog, init: Box, stride: int = 1, window: Window = WHOLE
) -> Iterator[Image]:
    """Yield each image with the newest box at that time and its path; a picture says so if the node dropped its image.

    Args:
        init: (4,) box that the target was started on, shown in the first image.
        stride: takes every so many images.
        window: the part of the images that is kept.
    """
    stamps, centers = stamps_ns(recording), box_center(log.boxes)
    for index in range(0, len(recording), stride):
        picture = to_bgr8(recording.frame(index)).copy()
        row = newest_row(log, stamps[index])
        words = f"{(stamps[index] - stamps[0]) * 1e-9:5.2f} s"
        if index == 0:
            draw_given(picture, init, "given")
        elif row is not None:
            status = Status(int(log.status[row]))
            draw_trail(picture, list(centers[max(row - TRAIL_FRAMES, 0) : row + 1]), STATUS_COLORS[status])
            draw_target(picture, log.boxes[row], status, float(log.quality[row]), log.velocity[row])
            dropped = log.stamps_ns[row] != stamps[index]
            words += "  image dropped, box before it" if dropped else f"  latency {1000 * log.latency_s[row]:.0f} ms"
        picture = np.ascontiguousarray(picture[window])
        draw_text(picture, words, (0, picture.shape[0]), PLATE)
        yield picture


def sample_pictures(
    recording: Sequence, log: BoxLog, ground_truth: Mapping[int, Box], count: int
) -> list[tuple[str, Image]]:
    """Return captions and cut-outs of some hand-annotated images: the node's box in colour, the hand's in white."""
    stamps, found = stamps_ns(recording), overlaps(log, ground_truth)
    chosen = [list(found)[i] for i in np.unique(np.linspace(0, len(found) - 1, count).astype(int))] if found else []
    samples = []
    for stamp in chosen:
        picture = to_bgr8(recording.frame(stamps.index(stamp))).copy()
        draw_given(picture, ground_truth[stamp])
        row = newest_row(log, stamp)
        if row is not None:
            draw_target(picture, log.boxes[row], Status(int(log.status[row])))
        caption = f"{(stamp - stamps[0]) * 1e-9:.2f} s, IoU {found[stamp]:.2f}"
        samples.append((caption, _cut_out(picture, ground_truth[stamp])))
    return samples


def close_up(log: BoxLog, width: int, height: int) -> Window:
    """Return the rows and columns of an image that hold all boxes and their surroundings."""
    low, high = log.boxes[:, :2].min(axis=0), (log.boxes[:, :2] + log.boxes[:, 2:]).max(axis=0)
    margin = SAMPLE_MARGIN * (high - low).max()
    x0, y0 = np.clip(low - margin, 0, (width - 2, height - 2)).astype(int)
    x1, y1 = np.clip(high + margin, (x0 + 2, y0 + 2), (width, height)).astype(int)
    return slice(int(y0), int(y1)), slice(int(x0), int(x1))


def _cut_out(image: Image, box: Box) -> Image:
    """Return the box and its surroundings, as far as the image goes."""
    center, reach = box_center(box), (0.5 + SAMPLE_MARGIN) * box[2:].max()
    x0, y0 = np.maximum(center - reach, 0).astype(int)
    x1, y1 = np.ceil(center + reach).astype(int)
    return image[y0:y1, x0:x1]
