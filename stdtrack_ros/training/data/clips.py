# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What the training loop is fed with: a template and a few frames around the target, with ground truth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from stdtrack_ros.geometry import Box, Crop, Image, box_center, mean_color

TEMPLATE_FACTOR, TEMPLATE_SIZE = 2.0, 128
CANVAS_FACTOR, CANVAS_SIZE = 7.0, 448
"""A canvas is wide enough to hold every search window (factor 4, 256 px) on the previous box, at the same scale.

These are STDTrack's; with another factor, the size is such that the scale stays.
"""


@dataclass
class Clip:
    """One training sample of F frames. Boxes are x, y, width, height in pixels of the source image.

    Attributes:
        template: (128, 128, 3) uint8 BGR, the target in some frame of the same video.
        canvases: (F, S, S, 3) uint8 BGR, 64 px for sqrt(w * h) of the target in the frame before; S is 448 if nothing
            else was asked for.
        windows: (F, 3) float32, centre x, centre y and side of each canvas in pixels of the source image.
        boxes: (F, 4) float32, ground truth; where the target is not present, its last or hidden position.
        previous_boxes: (F, 4) float32, ground truth one frame before each (for frame 0: its own).
        present: (F,) bool, False: left the frame, fully covered, or another object in its place.
        valid: (F,) bool, False: the label is not known, no loss.
        companions: (F, 4) float32, the box of another target beside it; NaN if there is none.
        source: what it was made from.
    """

    template: NDArray[np.uint8]
    canvases: NDArray[np.uint8]
    windows: NDArray[np.float32]
    boxes: NDArray[np.float32]
    previous_boxes: NDArray[np.float32]
    present: NDArray[np.bool_]
    valid: NDArray[np.bool_]
    companions: NDArray[np.float32]
    source: str

    def crop(self, frame: int) -> Crop:
        """Return the map between the source image and the canvas of a frame."""
        center_x, center_y, side = (float(value) for value in self.windows[frame])
        return Crop(center_x, center_y, side, self.canvases.shape[1])


class ClipSource(Protocol):
    """Whatever clips can be drawn from."""

    def sample(self, rng: np.random.Generator, length: int) -> Clip:
        """Draw a clip of `length` frames; the same state of `rng` gives the same clip."""


def collate(clips: Sequence[Clip]) -> dict[str, NDArray[np.generic]]:
    """Stack the clips' arrays along a new first axis; names as in `Clip`, without `source`."""
    names = [field.name for field in fields(Clip) if field.name != "source"]
    return {name: np.stack([getattr(clip, name) for clip in clips]) for name in names}


def canvas_size(factor: float) -> int:
    """Side of a canvas that is `factor` targets wide, px."""
    return round(factor * CANVAS_SIZE / CANVAS_FACTOR)


def canvas_crops(boxes: Box, factor: float = CANVAS_FACTOR) -> list[Crop]:
    """Place the canvas of every frame of a clip, `factor` targets wide, for (F, 4) true boxes: see `Clip.canvases`.

    Their edges lie between pixels, so that plain resizing, much faster than a warp, makes them.
    """
    crops = []
    size = canvas_size(factor)
    for box, before in zip(boxes, np.concatenate([boxes[:1], boxes[:-1]]), strict=True):
        center_x, center_y = (box_center(box) + box_center(before)) / 2
        side = float(max(round(factor * np.sqrt(before[2] * before[3])), factor))
        left, top = round(center_x - side / 2), round(center_y - side / 2)
        crops.append(Crop(left + side / 2, top + side / 2, side, size))
    return crops


def extract_canvas(image: Image, crop: Crop, canvas: Image) -> None:
    """Fill a canvas, (S, S, 3), as `Crop.extract` would, for one of `canvas_crops`."""
    side = int(crop.side_px)
    left, top = int(crop.center_x - crop.side_px / 2), int(crop.center_y - crop.side_px / 2)
    height, width = image.shape[:2]
    x0, y0, x1, y1 = max(left, 0), max(top, 0), min(left + side, width), min(top + side, height)
    if x1 <= x0 or y1 <= y0:
        canvas[:] = mean_color(image)
        return
    part = image[y0:y1, x0:x1]
    if part.shape[:2] != (side, side):
        border = y0 - top, top + side - y1, x0 - left, left + side - x1
        part = cv2.copyMakeBorder(part, *border, cv2.BORDER_CONSTANT, value=mean_color(image))
    smooth = cv2.INTER_AREA if crop.scale < 0.5 else cv2.INTER_LINEAR
    cv2.resize(part, (crop.size, crop.size), dst=canvas, interpolation=smooth)


def template_crop(rng: np.random.Generator, box: Box) -> Crop:
    """Place the template's window on a box that is off by a few per cent, as a user's box is."""
    x, y, width, height = box
    shift = rng.normal(0.0, 0.03, 2) * (width, height)
    stretch = np.exp(rng.normal(0.0, 0.05, 2))
    center = np.array([x + width / 2, y + height / 2]) + shift
    size = np.array([width, height]) * stretch
    return Crop.around(np.concatenate([center - size / 2, size]), TEMPLATE_FACTOR, TEMPLATE_SIZE)


def assemble(
    template: NDArray[np.uint8],
    canvases: NDArray[np.uint8],
    crops: Sequence[Crop],
    boxes: Box,
    present: NDArray[np.bool_],
    valid: NDArray[np.bool_],
    source: str,
) -> Clip:
    """Make a clip from its pictures and (F, 4) boxes, whose canvases are those of `canvas_crops`."""
    windows = np.array([(crop.center_x, crop.center_y, crop.side_px) for crop in crops], np.float32)
    previous = np.concatenate([boxes[:1], boxes[:-1]])
    return Clip(
        template=template,
        canvases=canvases,
        windows=windows,
        boxes=boxes.astype(np.float32),
        previous_boxes=previous.astype(np.float32),
        present=present,
        valid=valid,
        companions=np.full((len(boxes), 4), np.nan, np.float32),
        source=source,
    )
