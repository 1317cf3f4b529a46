# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A box around a point: what a tap on an image means, from the image alone.

At several sizes the surroundings of the point are cut into the thing at the point and its background (GrabCut), and the
bounding box of the thing is a candidate. A linear score picks one: the thing should lie around the point, keep its
shape from one size to the next, and not be a mere patch of one colour. Its weights were fitted on training clips.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from stdtrack_ros.errors import InputError
from stdtrack_ros.geometry import Box, Image, box_from_center, iou

SIZES = 13
SMALLEST_PX, LARGEST_FRACTION = 8.0, 0.75
"""Sizes of the things that are looked for: from pixels to a fraction of the shorter side, evenly in scale."""
WINDOW_PX, WINDOW_FACTOR = 60, 3.0
"""Side of the window that is cut into two, in px, and in units of the size that is looked for."""
BORDER_PX = 4
"""Of the window: background for sure."""
ITERATIONS = 2
SIMILAR = 4
"""Number of the most similar other candidates with which one has to agree."""
WEIGHTS = {
    "edge": -0.412,
    "offset": -9.73,
    "variation": 4.906,
    "agreement": 5.525,
    "size": 0.338,
    "size_squared": -0.102,
}
"""Of the score, fitted by a softmax over the candidates of 148 training clips."""


@dataclass(frozen=True, slots=True)
class _Candidate:
    """One thing at the point.

    Attributes:
        box: (4,) px of the image.
        edge: mean gradient on its outline, in units of the window's.
        offset: of the point from the box centre, in units of the box.
        variation: standard deviation of its colours (Lab), in units of 30.
    """

    box: Box
    edge: float
    offset: float
    variation: float


def propose_box(image: Image, x: float, y: float) -> Box:
    """Propose a (4,) box around the thing at a point of an (H, W, 3) uint8 BGR image; all in px.

    Raises:
        InputError: the point lies outside the image.
    """
    height, width = image.shape[:2]
    if not (0 <= x < width and 0 <= y < height):  # also if one is NaN
        raise InputError(f"The point x={x:g} y={y:g} lies outside the image of {width}x{height} px.")
    shorter = min(height, width)
    sizes = np.geomspace(min(SMALLEST_PX, LARGEST_FRACTION * shorter), LARGEST_FRACTION * shorter, SIZES)
    candidates = [_candidate(image, x, y, float(size)) for size in sizes]
    boxes = np.array([candidate.box for candidate in candidates])
    best = candidates[int(np.argmax(_scores(candidates, boxes, shorter)))].box
    # People tap the middle: the box is moved half of the way to where the point is its centre.
    sides = np.abs(best[:2] - (x, y)), np.abs(best[:2] + best[2:] - (x, y))
    around = box_from_center(x, y, *(sides[0] + sides[1]))
    box: Box = (best + around) / 2
    return box


def _scores(candidates: list[_Candidate], boxes: NDArray[np.float64], shorter_px: int) -> NDArray[np.float64]:
    overlaps = np.sort(iou(boxes[:, None], boxes[None]), axis=1)[:, ::-1]
    size = np.log(np.sqrt(boxes[:, 2] * boxes[:, 3]) / shorter_px)
    features = {
        "edge": np.array([candidate.edge for candidate in candidates]),
        "offset": np.array([candidate.offset for candidate in candidates]),
        "variation": np.array([candidate.variation for candidate in candidates]),
        "agreement": overlaps[:, 1 : 1 + SIMILAR].mean(axis=1),
        "size": size,
        "size_squared": size**2,
    }
    scores: NDArray[np.float64] = np.sum([WEIGHTS[name] * feature for name, feature in features.items()], axis=0)
    return scores


def _candidate(image: Image, x: float, y: float, size_px: float) -> _Candidate:
    window, left, top, scale = _window(image, x, y, WINDOW_FACTOR * size_px)
    thing = _segment(window)
    columns, rows = np.flatnonzero(thing.any(axis=0)), np.flatnonzero(thing.any(axis=1))
    low = np.array([columns[0], rows[0]])
    size = np.array([columns[-1], rows[-1]]) + 1 - low
    grey = cv2.cvtColor(window, cv2.COLOR_BGR2GRAY)
    gradient = np.hypot(cv2.Sobel(grey, cv2.CV_32F, 1, 0), cv2.Sobel(grey, cv2.CV_32F, 0, 1))
    outline = cv2.morphologyEx(thing.astype(np.uint8), cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8)) > 0
    colors = cv2.cvtColor(window, cv2.COLOR_BGR2LAB)[thing].astype(np.float32)
    return _Candidate(
        box=np.concatenate(((left, top) + low * scale, size * scale)),
        edge=float(gradient[outline].mean() / (gradient.mean() + 5.0)),
        offset=float(np.hypot(*((low + size / 2 - WINDOW_PX / 2) / size))),
        variation=float(colors.std(axis=0).mean() / 30.0),
    )


def _window(image: Image, x: float, y: float, side_px: float) -> tuple[Image, int, int, float]:
    """Cut (WINDOW_PX, WINDOW_PX, 3) around the point; return it, its left and top, and image px per px."""
    height, width = image.shape[:2]
    side = max(round(side_px), 4)
    left, top = round(x - side / 2), round(y - side / 2)
    part = image[max(top, 0) : top + side, max(left, 0) : left + side]
    edges = max(-top, 0), max(top + side - height, 0), max(-left, 0), max(left + side - width, 0)
    if any(edges):
        part = cv2.copyMakeBorder(part, *edges, cv2.BORDER_REPLICATE)
    method = cv2.INTER_AREA if side > WINDOW_PX else cv2.INTER_LINEAR
    return cv2.resize(part, (WINDOW_PX, WINDOW_PX), interpolation=method), left, top, side / WINDOW_PX


def _segment(window: Image) -> NDArray[np.bool_]:
    """Return the (WINDOW_PX, WINDOW_PX) mask of the connected thing in the middle of a window."""
    rows, columns = np.mgrid[:WINDOW_PX, :WINDOW_PX] + 0.5 - WINDOW_PX / 2
    distance, radius = np.hypot(rows, columns), WINDOW_PX / WINDOW_FACTOR / 2
    mask = np.full((WINDOW_PX, WINDOW_PX), cv2.GC_PR_BGD, dtype=np.uint8)
    mask[distance < radius] = cv2.GC_PR_FGD
    mask[distance < 0.35 * radius] = cv2.GC_FGD
    inside = np.s_[BORDER_PX:-BORDER_PX, BORDER_PX:-BORDER_PX]
    framed = np.full_like(mask, cv2.GC_BGD)
    framed[inside] = mask[inside]
    cv2.setRNGSeed(0)  # its colour models start from random clusters: the same tap gives the same box
    cv2.grabCut(window, framed, None, np.zeros((1, 65)), np.zeros((1, 65)), ITERATIONS, cv2.GC_INIT_WITH_MASK)
    _, labels = cv2.connectedComponents((framed & 1).astype(np.uint8), connectivity=4)
    thing: NDArray[np.bool_] = labels == labels[WINDOW_PX // 2, WINDOW_PX // 2]
    return thing
