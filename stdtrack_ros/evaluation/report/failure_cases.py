# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The worst moments of a tracker as small pictures, and whole sequences as annotated videos."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from stdtrack_ros.errors import SequenceError
from stdtrack_ros.evaluation.metrics.accuracy import FloatArray, overlaps
from stdtrack_ros.evaluation.metrics.failures import find_failures
from stdtrack_ros.evaluation.metrics.summary import EvaluationSummary
from stdtrack_ros.evaluation.protocols import Track
from stdtrack_ros.geometry import Box, Image
from stdtrack_ros.images import to_bgr8
from stdtrack_ros.sequences.catalog import SequenceHandle
from stdtrack_ros.sequences.recordings.video_writer import VideoWriter
from stdtrack_ros.sequences.sequence import Sequence
from stdtrack_ros.tracker.drawing import draw_text, line_width

Placing = Callable[[Box], Box]

TRUTH_COLOR = (255, 255, 255)
COLORS = ("#e0601a", "#2b8fd6", "#12a37d", "#cc79a7", "#e69f00", "#8a6fd1", "#9a9a00")
"""Of trackers in the order of the run, in pictures and plots; chosen for light and dark pages and for all eyes."""
THUMBNAIL_PX = 320, 240
"""Width and height."""
MARGIN = 3.0
"""Width of a thumbnail's window, in widths of what it must hold."""


@dataclass(frozen=True, slots=True)
class FailureCase:
    """A frame in which a tracker did badly.

    Attributes:
        quality: what the tracker thought of it; NaN if it gave none.
        picture: JPEG, base64.
    """

    sequence: str
    frame: int
    iou: float
    quality: float
    picture: str


def failure_cases(
    summary: EvaluationSummary, handles: Mapping[str, SequenceHandle], count: int = 12
) -> list[FailureCase]:
    """Return the worst frame of each of the first tracker's `count` worst sequences, with every tracker's box."""
    cases = []
    for name in worst_sequences(summary, count):
        tracker = summary.trackers[0].name
        track = summary.runs[tracker][name]["ope"]
        assert isinstance(track, Track)
        ious = overlaps(track.boxes, summary.facts[name].ground_truth)
        frame = worst_frame(ious, track.qualities)
        try:
            picture = _thumbnail(summary, handles[name].open(), name, frame)
        except (SequenceError, KeyError):
            continue
        cases.append(FailureCase(name, frame, float(ious[frame]), float(track.qualities[frame]), picture))
    return cases


def worst_sequences(summary: EvaluationSummary, count: int) -> list[str]:
    """Return the sequences with the lowest AUC of the first tracker, worst first; all have ground truth."""
    rows = summary.rows[summary.trackers[0].name] if summary.trackers else {}
    names = [name for name in rows if not np.isnan(rows[name]["auc"])]
    return sorted(names, key=lambda name: rows[name]["auc"])[:count]


def worst_frame(ious: FloatArray, qualities: FloatArray) -> int:
    """Return the frame to look at: where the longest failure begins, else the lowest IoU (of equals the surest)."""
    failures = find_failures(ious)
    if failures:
        longest = max(failures, key=lambda failure: (len(ious) if failure.end is None else failure.end) - failure.begin)
        return longest.begin
    return int(np.nanargmin(ious - 1e-3 * np.nan_to_num(qualities)))


def draw_boxes(image: Image, summary: EvaluationSummary, name: str, frame: int, place: Placing) -> None:
    """Draw ground truth (white) and each tracker's box (in its colour) in place; `place` maps boxes to the picture."""
    _draw_box(image, place(summary.facts[name].ground_truth[frame]), TRUTH_COLOR, 2)
    for number, (color, tracker) in reversed(list(enumerate(zip(_bgr(), summary.trackers, strict=False)))):
        track = summary.runs[tracker.name].get(name, {}).get("ope")
        if isinstance(track, Track):
            _draw_box(image, place(track.boxes[frame]), color, 2 if number == 0 else 1)


def _bgr() -> list[tuple[int, int, int]]:
    """Return COLORS as OpenCV takes them, repeated."""
    return [(int(color[5:7], 16), int(color[3:5], 16), int(color[1:3], 16)) for color in 20 * COLORS]


def _draw_box(image: Image, box: Box, color: tuple[int, int, int], width: int) -> None:
    if np.isfinite(box).all():
        x, y, w, h = np.clip(box, -30000, 30000)
        low, high = (round(float(x)), round(float(y))), (round(float(x + w)) - 1, round(float(y + h)) - 1)
        cv2.rectangle(image, low, high, color, width * line_width(image), cv2.LINE_AA)


def _thumbnail(summary: EvaluationSummary, sequence: Sequence, name: str, frame: int) -> str:
    """Encode as base64 JPEG the part of the frame that holds the ground truth and the first tracker's box."""
    track = summary.runs[summary.trackers[0].name][name]["ope"]
    assert isinstance(track, Track)
    image = to_bgr8(sequence.frame(frame))
    x0, y0, scale = _window(image, np.stack([summary.facts[name].ground_truth[frame], track.boxes[frame]]))
    matrix = np.array([[scale, 0, -x0 * scale], [0, scale, -y0 * scale]])
    picture = cv2.warpAffine(image, matrix, THUMBNAIL_PX, flags=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
    draw_boxes(picture, summary, name, frame, lambda box: (box - np.array([x0, y0, 0, 0])) * scale)
    _, data = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 80])
    return base64.b64encode(data.tobytes()).decode("ascii")


def _window(image: Image, boxes: Box) -> tuple[float, float, float]:
    """Return left, top and scale of a window of the thumbnail's shape around boxes, inside the image if it fits."""
    height, width = image.shape[:2]
    columns, rows = THUMBNAIL_PX
    finite = boxes[np.isfinite(boxes).all(axis=1)]
    low, high = finite[:, :2].min(axis=0), (finite[:, :2] + finite[:, 2:]).max(axis=0)
    needed = float(max(high[0] - low[0], (high[1] - low[1]) * columns / rows))
    inside, whole = min(width, height * columns / rows), max(width, height * columns / rows)
    side = whole if needed > inside else min(max(MARGIN * needed, columns / 2), inside)
    center = (low + high) / 2
    return _corner(center[0], side, width), _corner(center[1], side * rows / columns, height), columns / side


def _corner(center: float, length: float, available: float) -> float:
    """Return where a window of that length begins: around the centre, inside if it fits, else around all there is."""
    return (
        float(np.clip(center - length / 2, 0, available - length)) if length < available else (available - length) / 2
    )


def write_video(path: Path, summary: EvaluationSummary, handle: SequenceHandle) -> None:
    """Write a sequence as an MP4 with its own stamps, the ground truth, every tracker's box and a legend.

    Raises:
        SequenceError: a frame cannot be read, or the file not be written.
    """
    sequence = handle.open()
    with VideoWriter(path) as writer:
        for frame, stamp_s in enumerate(sequence.stamps_s):
            canvas = to_bgr8(sequence.frame(frame)).copy()
            draw_boxes(canvas, summary, handle.name, frame, lambda box: box)
            _draw_legend(canvas, summary, handle.name, frame)
            writer.write(canvas, float(stamp_s))


def _draw_legend(image: Image, summary: EvaluationSummary, name: str, frame: int) -> None:
    height = 16 * line_width(image)
    draw_text(image, f"{name} {frame}", (0, height), TRUTH_COLOR)
    for row, (color, tracker) in enumerate(zip(_bgr(), summary.trackers, strict=False), start=2):
        track = summary.runs[tracker.name].get(name, {}).get("ope")
        if isinstance(track, Track):
            iou = overlaps(track.boxes[frame : frame + 1], summary.facts[name].ground_truth[frame : frame + 1])[0]
            words = [tracker.name, "" if np.isnan(iou) else f"IoU {iou:.2f}"]
            quality = track.qualities[frame]
            words.append("" if np.isnan(quality) else f"q {quality:.2f}")
            draw_text(image, " ".join(filter(None, words)), (0, row * height), color)
