# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Targets of the user's clips as a bank of objects: which are alike, and how to cut them out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from stdtrack_ros.errors import SequenceError
from stdtrack_ros.evaluation.arms import Clip
from stdtrack_ros.evaluation.metrics.accuracy import known
from stdtrack_ros.geometry import Box, Crop, Image
from stdtrack_ros.images import to_bgr8
from stdtrack_ros.sequences.sequence import Sequence as Frames

Rng = np.random.Generator
Mask = NDArray[np.uint8]

CUT_PX = 64
"""Cut-outs are this large, as the square root of width times height."""
MIN_CUT_PX = 20.0
"""Targets smaller than this in their frame are not cut out."""
MIN_PX, MAX_ASPECT = 8.0, 3.0
"""Targets that are smaller, or longer, are left out altogether."""
_HOG = cv2.HOGDescriptor((64, 64), (16, 16), (8, 8), (8, 8), 9)


@dataclass(frozen=True, eq=False)
class View:
    """A target in one frame of a clip.

    Attributes:
        other_frame: another frame of the clip in which the target is seen.
        descriptor: (D,) unit vector of its shape and colors, compared by the scalar product.
    """

    clip: Clip
    frame: int
    other_frame: int
    box: Box
    descriptor: NDArray[np.float32]

    @property
    def video(self) -> str:
        """The source video."""
        return self.clip.origin.video

    @property
    def size_px(self) -> float:
        """Square root of width times height."""
        return float(np.sqrt(self.box[2] * self.box[3]))


@dataclass(frozen=True, eq=False)
class CutOut:
    """An object without its surroundings: (h, w, 3) uint8 BGR and (h, w) uint8 opacity."""

    pixels: Image
    alpha: NDArray[np.uint8]


class ObjectBank:
    """The targets of all clips."""

    def __init__(self, clips: Sequence[Clip]) -> None:
        """Look at each clip's target in two frames.

        Raises:
            SequenceError: the targets come from fewer than six videos, or a clip cannot be read.
        """
        self.views = [view for clip in clips for view in _views(clip)]
        self.videos = sorted({view.video for view in self.views})
        if len(self.videos) < 6:
            raise SequenceError(
                f"The clips hold usable targets of {len(self.videos)} source videos; staging needs six or more, with "
                f"targets of {MIN_PX:g} px and more."
            )

    def draw(self, rng: Rng, without: Sequence[str] = (), cut: bool = False) -> View:
        """Return a target of any video but those of `without`.

        A group's chance grows with the square root of its videos; within it every video is as likely as another.

        Args:
            cut: only targets large enough to be cut out.
        """
        videos: dict[str, dict[str, list[View]]] = {}
        for view in self.views:
            if view.video not in without and (not cut or view.size_px >= MIN_CUT_PX):
                videos.setdefault(view.clip.origin.group, {}).setdefault(view.video, []).append(view)
        if not videos:
            raise SequenceError(
                f"Too few source videos hold a target of {MIN_CUT_PX:g} px or more, whole in the picture; add clips."
            )
        weights = np.sqrt([len(group) for group in videos.values()])
        group = list(videos.values())[int(rng.choice(len(videos), p=weights / weights.sum()))]
        views = list(group.values())[int(rng.integers(len(group)))]
        return views[int(rng.integers(len(views)))]

    def most_alike(self, view: View, cut: bool = False) -> View:
        """Return the target of another video that looks most like this one."""
        fit = [one for one in self.views if one.video != view.video and (not cut or one.size_px >= MIN_CUT_PX)]
        return max(fit, key=lambda one: float(one.descriptor @ view.descriptor))


def _views(clip: Clip) -> list[View]:
    sequence = open_clip(clip)
    seen = np.flatnonzero(known(sequence.boxes))
    if len(seen) < 2:
        return []
    pair = int(seen[len(seen) // 4]), int(seen[3 * len(seen) // 4])
    found = []
    for frame, other in (pair, pair[::-1]):
        box = sequence.boxes[frame]
        size, aspect = np.sqrt(box[2] * box[3]), max(box[2] / box[3], box[3] / box[2])
        image = to_bgr8(sequence.frame(frame))
        inside = (box[:2] >= 0).all() and (box[:2] + box[2:] <= np.array(image.shape[1::-1])).all()
        if size >= MIN_PX and aspect <= MAX_ASPECT and inside:
            found.append(View(clip, frame, other, box, describe(image, box)))
    return found


_open: dict[tuple[Path, str], Frames] = {}
"""The sequences that this process has opened."""


def open_clip(clip: Clip) -> Frames:
    """Return the clip's sequence; a process opens each clip once."""
    key = clip.handle.path, clip.name
    if key not in _open:
        _open[key] = clip.handle.open()
    return _open[key]


def describe(image: Image, box: Box) -> NDArray[np.float32]:
    """Return (D,) a unit vector of gradients and colors of what a box shows, for comparison by the scalar product.

    It is made without any network, so that the bench is the same for all of them.
    """
    side = 1.1 * max(box[2], box[3])
    patch = Crop(box[0] + box[2] / 2, box[1] + box[3] / 2, float(side), 64).extract(image)
    shape = np.ravel(_HOG.compute(patch)).astype(np.float64)
    colors = cv2.calcHist([cv2.cvtColor(patch, cv2.COLOR_BGR2LAB)], [0, 1, 2], None, [6, 6, 6], [0, 256] * 3)
    tone = np.sqrt(colors.ravel().astype(np.float64))
    parts = [part / max(float(np.linalg.norm(part)), 1e-9) for part in (shape, tone)]
    return np.asarray(np.concatenate(parts) / np.sqrt(2.0), dtype=np.float32)


_cuts: dict[tuple[Path, str, int], CutOut] = {}
"""What this process has cut out."""


def cut_out(view: View) -> CutOut:
    """Return the target of a view without its surroundings.

    The mask is GrabCut's, started from the box; that of the pixels unlike the box's surroundings, if GrabCut finds next
    to nothing; an ellipse, if that fails, too.
    """
    key = view.clip.handle.path, view.clip.name, view.frame
    if key not in _cuts:
        crop = Crop.around(view.box, 2.0, 2 * CUT_PX)
        pixels = crop.extract(to_bgr8(open_clip(view.clip).frame(view.frame)))
        x, y, width, height = (int(number) for number in np.round(crop.to_crop(view.box)))
        inside = np.zeros(pixels.shape[:2], np.uint8)
        inside[max(y, 0) : y + height, max(x, 0) : x + width] = 1
        masks = (_grab_cut(pixels, (x, y, width, height)), _unlike_surroundings(pixels, inside), _ellipse(inside))
        solid = next(mask for mask in masks if _fits(mask, width * height))
        left, top, wide, high = cv2.boundingRect(solid)
        rows, columns = slice(top, top + high), slice(left, left + wide)
        alpha = cv2.GaussianBlur(255 * solid, (0, 0), 0.8)
        _cuts[key] = CutOut(pixels[rows, columns].copy(), np.asarray(alpha[rows, columns], dtype=np.uint8))
    return _cuts[key]


def _fits(mask: Mask, area_px: int) -> bool:
    """Return whether a mask fills a box of this area well enough to be the thing in it."""
    _, _, width, height = cv2.boundingRect(mask)
    return bool(0.2 * area_px <= mask.sum() and 0.4 * area_px <= width * height)


def _grab_cut(pixels: Image, box: tuple[int, int, int, int]) -> Mask:
    mask = np.zeros(pixels.shape[:2], np.uint8)
    cv2.setRNGSeed(0)
    cv2.grabCut(pixels, mask, box, np.zeros((1, 65)), np.zeros((1, 65)), 4, cv2.GC_INIT_WITH_RECT)
    return _largest_part(((mask == cv2.GC_FGD) | (mask == cv2.GC_PR_FGD)).astype(np.uint8))


def _unlike_surroundings(pixels: Image, inside: Mask) -> Mask:
    colors = cv2.cvtColor(pixels, cv2.COLOR_BGR2LAB).astype(np.float64)
    distance = np.linalg.norm(colors - np.median(colors[inside == 0], axis=0), axis=2)
    limit, _ = cv2.threshold(np.clip(distance, 0, 255).astype(np.uint8)[inside == 1], 0, 255, cv2.THRESH_OTSU)
    mask = np.asarray((distance > limit) & (inside == 1), dtype=np.uint8)
    return _largest_part(np.asarray(cv2.dilate(mask, np.ones((3, 3), np.uint8)), dtype=np.uint8))


def _ellipse(inside: Mask) -> Mask:
    x, y, width, height = cv2.boundingRect(inside)
    mask = np.zeros_like(inside)
    cv2.ellipse(mask, (x + width // 2, y + height // 2), (max(width // 2, 2), max(height // 2, 2)), 0, 0, 360, 1, -1)
    return mask


def _largest_part(mask: Mask) -> Mask:
    """Return the largest connected part of a mask of 0 and 1, its holes filled."""
    contours, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    filled = np.zeros_like(mask)
    if contours:
        cv2.drawContours(filled, [max(contours, key=cv2.contourArea)], -1, 1, -1)
    return filled
