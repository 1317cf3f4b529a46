# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Clips that cannot be followed by the template alone: another clip's target beside the target, looks that change.

Canvases show sqrt(w h) of the target at the same scale in every clip, so that one clip's picture fits into another's.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from stdtrack_ros.geometry import Box, box_center
from stdtrack_ros.training.data.clips import Clip
from stdtrack_ros.training.data.settings import MixingSettings

Rng = np.random.Generator
Points = NDArray[np.float64]

SEAM_PX = 5
"""Width over which one picture turns into the other."""
THUMBNAIL_PX = 6
"""Templates are compared by thumbnails of this size."""


def mix(rng: Rng, clip: Clip, settings: MixingSettings, earlier: Callable[[int], Clip]) -> None:
    """Put another clip beside or into a clip, in place, as often as the settings say.

    Args:
        earlier: gives another clip of the same length by its number, 1 to `MixingSettings.choice`; it is not changed.
    """
    chance = rng.random()
    numbers = [int(rng.integers(1, settings.choice + 1))]
    if chance < settings.companion_prob:
        if rng.random() < settings.similar_prob:
            numbers = list(range(1, settings.choice + 1))
        others = [other for other in map(earlier, numbers) if other.source != clip.source]
        if others:
            own = _thumbnail(clip)
            add_companion(rng, clip, min(others, key=lambda one: float(np.abs(_thumbnail(one) - own).mean())))
    elif chance < settings.companion_prob + settings.metamorphosis_prob and len(clip.boxes) > 2:
        other = earlier(numbers[0])
        if other.source != clip.source:
            metamorphose(rng, clip, other)


def add_companion(rng: Rng, clip: Clip, other: Clip) -> None:
    """Show the other clip's target beside the target, in place, in all frames in which both are known."""
    frames = len(clip.boxes)
    angle = (
        rng.uniform(0, 2 * np.pi) + np.cumsum(rng.normal(0.0, 0.2, frames)) + np.arange(frames) * rng.normal(0, 0.15)
    )
    gap = np.clip(rng.uniform(0.0, 0.8) + np.cumsum(rng.normal(0.0, 0.1, frames)), 0.0, 1.2)
    own, theirs = _boxes_on_canvas(clip), _boxes_on_canvas(other)
    for frame in range(frames):
        if not (clip.valid[frame] and other.valid[frame]):
            continue
        direction = np.array([np.cos(angle[frame]), np.sin(angle[frame])])
        edge = _extent(own[frame], direction) * 1.05 + 3
        distance = edge + _extent(theirs[frame], direction) * 1.05 + 3 + gap[frame] * 64
        wanted = box_center(own[frame]) + distance * direction
        shift = np.round(wanted - box_center(theirs[frame])).astype(int)
        border = edge + rng.uniform(0.2, 0.8) * (distance - edge - _extent(theirs[frame], direction))
        weight = _half_plane(clip.canvases.shape[1], box_center(own[frame]), direction, border)
        clip.canvases[frame] = _blended(clip.canvases[frame], _shifted(other.canvases[frame], shift), weight)
        if other.present[frame]:
            moved = theirs[frame].copy()
            moved[:2] += shift
            clip.companions[frame] = clip.crop(frame).to_image(moved)


def metamorphose(rng: Rng, clip: Clip, other: Clip) -> None:
    """Let the target, with its surroundings, turn into the other clip's target over a few frames, in place."""
    frames = len(clip.boxes)
    start = int(rng.integers(1, max(frames - 3, 2)))
    progress = np.clip((np.arange(frames) - start + 1) / rng.integers(3, 6), 0.0, 1.0)
    own, theirs = _boxes_on_canvas(clip), _boxes_on_canvas(other)
    for frame in range(start, frames):
        center = box_center(own[frame])
        shift = np.round(center - box_center(theirs[frame])).astype(int)
        weight = np.full((*clip.canvases.shape[1:3], 1), progress[frame], np.float32)
        clip.canvases[frame] = _blended(clip.canvases[frame], _shifted(other.canvases[frame], shift), weight)
        size = (1 - progress[frame]) * own[frame, 2:] + progress[frame] * theirs[frame, 2:]
        clip.boxes[frame] = clip.crop(frame).to_image(np.concatenate([center - size / 2, size]))
        clip.present[frame] &= other.present[frame] or progress[frame] < 0.5
        clip.valid[frame] &= other.valid[frame]
        if frame + 1 < frames:
            clip.previous_boxes[frame + 1] = clip.boxes[frame]


def _thumbnail(clip: Clip) -> NDArray[np.float32]:
    """Return the middle of the template, small: (THUMBNAIL_PX, THUMBNAIL_PX, 3)."""
    side = clip.template.shape[0]
    middle = clip.template[side // 4 : -side // 4, side // 4 : -side // 4]
    return cv2.resize(middle, (THUMBNAIL_PX, THUMBNAIL_PX), interpolation=cv2.INTER_AREA).astype(np.float32)


def _boxes_on_canvas(clip: Clip) -> Box:
    """Return the (F, 4) true boxes in pixels of the canvases."""
    return np.stack([clip.crop(frame).to_crop(box.astype(np.float64)) for frame, box in enumerate(clip.boxes)])


def _extent(box: Box, direction: Points) -> float:
    """Return half of a box's extent along a unit vector."""
    return float(np.abs(direction) @ box[2:]) / 2


def _shifted(picture: NDArray[np.uint8], shift: NDArray[np.int_]) -> NDArray[np.uint8]:
    """Move the picture by whole pixels; its mirror image fills what comes in."""
    matrix = np.array([[1, 0, shift[0]], [0, 1, shift[1]]], np.float64)
    size = picture.shape[1::-1]
    return np.asarray(cv2.warpAffine(picture, matrix, size, flags=cv2.INTER_NEAREST, borderMode=cv2.BORDER_REFLECT_101))


def _half_plane(side: int, origin: Points, direction: Points, border: float) -> NDArray[np.float32]:
    """Return (side, side, 1): 0 on this side of a line, 1 beyond; `border` px from the origin, across the direction."""
    across = np.arange(side) + 0.5
    depth = (across[None, :] - origin[0]) * direction[0] + (across[:, None] - origin[1]) * direction[1] - border
    return np.clip(depth / SEAM_PX + 0.5, 0.0, 1.0).astype(np.float32)[..., None]


def _blended(first: NDArray[np.uint8], second: NDArray[np.uint8], weight: NDArray[np.float32]) -> NDArray[np.uint8]:
    mixed = first + weight * (second.astype(np.float32) - first)
    return np.asarray(mixed.round(), dtype=np.uint8)
