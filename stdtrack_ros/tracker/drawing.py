# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Pictures for people: a target's box, state, quality and velocity drawn into an image."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from stdtrack_ros.geometry import Image, box_center
from stdtrack_ros.tracker.result import Status

Color = tuple[int, int, int]

STATUS_COLORS: dict[Status, Color] = {
    Status.NONE: (160, 160, 160),
    Status.TRACKING: (90, 210, 60),
    Status.UNCERTAIN: (0, 190, 255),
    Status.LOST: (70, 60, 235),
}
"""BGR; told apart by people who do not see red and green alike through the word beside the box."""
WHITE: Color = (255, 255, 255)
PLATE: Color = (40, 40, 40)
"""Behind words that belong to the whole picture, not to a target."""
ARROW_S = 0.5
"""The velocity's arrow ends where the centre would be after this time."""


def draw_target(
    image: Image,
    box: ArrayLike,
    status: Status,
    quality: float = float("nan"),
    velocity: ArrayLike | None = None,
    label: str = "",
) -> None:
    """Draw one target into an image, in place.

    Args:
        image: (H, W, 3) uint8 BGR, contiguous.
        box: (4,) x, y, width, height in px of this image; nothing is drawn if one of them is NaN.
        quality: 0..1; NaN leaves it out.
        velocity: (2,) px/s of the box centre; None or NaN draws no arrow.
        label: a word before the status, such as the target's id.
    """
    corners = np.asarray(box, dtype=np.float64)
    if not np.all(np.isfinite(corners)):
        return
    color, line = STATUS_COLORS[status], line_width(image)
    _draw_corners(image, corners, color, line)
    if velocity is not None and np.all(np.isfinite(velocity)):
        _draw_arrow(image, corners, np.asarray(velocity, dtype=np.float64), color, line)
    words = [label, status.name, "" if np.isnan(quality) else f"{quality:.2f}"]
    draw_text(image, " ".join(filter(None, words)), (corners[0], corners[1]), color)


def draw_given(image: Image, box: ArrayLike, words: str = "") -> None:
    """Draw a (4,) box that a person gave, in white, with words above it, in place; nothing if it is NaN."""
    corners = np.asarray(box, dtype=np.float64)
    if not np.all(np.isfinite(corners)):
        return
    low, size = corners[:2], corners[2:]
    cv2.rectangle(image, _pixel(low), _pixel(low + size - 1), WHITE, line_width(image))
    if words:
        draw_text(image, words, (float(low[0]), float(low[1])), WHITE)


def draw_trail(image: Image, centers: Sequence[ArrayLike], color: Color) -> None:
    """Draw the last positions of a target into an image, in place, thinner with age; (2,) px each, newest last."""
    points = np.asarray(centers, dtype=np.float64).reshape(-1, 2)
    widest = 2 * line_width(image)
    for number, (start, end) in enumerate(pairwise(points), start=1):
        if np.all(np.isfinite(start)) and np.all(np.isfinite(end)):
            width = max(round(widest * number / len(points)), 1)
            cv2.line(image, _pixel(start), _pixel(end), color, width, cv2.LINE_AA)


def draw_text(image: Image, text: str, anchor: tuple[float, float], color: Color) -> None:
    """Write one line of text on a plate, in place; it stands above `anchor` (px), and always inside the image."""
    scale, line = 0.3 * line_width(image), max(line_width(image) // 2, 1)
    (width, height), base = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, scale, line)
    plate_height = height + base + 2 * line
    x = int(np.clip(anchor[0], 0, max(image.shape[1] - width - 4 * line, 0)))
    y = int(np.clip(anchor[1] - plate_height - line, 0, max(image.shape[0] - plate_height, 0)))
    cv2.rectangle(image, (x, y), (x + width + 4 * line, y + plate_height), color, cv2.FILLED)
    ink = (0, 0, 0) if sum(color) > 300 else (255, 255, 255)
    cv2.putText(image, text, (x + 2 * line, y + height + line), cv2.FONT_HERSHEY_SIMPLEX, scale, ink, line, cv2.LINE_AA)


def line_width(image: Image) -> int:
    """Return the width of lines in px that looks the same on small and large images."""
    return max(round(image.shape[0] / 300), 1)


def _draw_corners(image: Image, box: NDArray[np.float64], color: Color, line: int) -> None:
    low, high = box[:2], box[:2] + box[2:]
    cv2.rectangle(image, _pixel(low), _pixel(high - 1), color, line)
    length = min(box[2], box[3]) / 4
    for corner, inward in (
        ((low[0], low[1]), (1, 1)),
        ((high[0] - 1, low[1]), (-1, 1)),
        ((low[0], high[1] - 1), (1, -1)),
        ((high[0] - 1, high[1] - 1), (-1, -1)),
    ):
        for axis in ((1, 0), (0, 1)):
            end = np.asarray(corner) + length * np.asarray(inward) * np.asarray(axis)
            cv2.line(image, _pixel(corner), _pixel(end), color, 2 * line + 1)


def _draw_arrow(image: Image, box: NDArray[np.float64], velocity: NDArray[np.float64], color: Color, line: int) -> None:
    start = box_center(box)
    end = start + ARROW_S * velocity
    if np.linalg.norm(end - start) >= 2 * line:
        cv2.arrowedLine(image, _pixel(start), _pixel(end), color, line, cv2.LINE_AA, tipLength=0.25)


def _pixel(point: ArrayLike) -> tuple[int, int]:
    # OpenCV's coordinates are 32-bit; a lost target's guess may lie far outside the image.
    x, y = np.clip(np.asarray(point, dtype=np.float64), -30000, 30000).round().astype(int)
    return int(x), int(y)
