# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Two targets side by side in one search window: which one does the network take, and does its memory decide?

One step of the network, without the tracker around it: no window, no motion, no status. The memory is filled before,
by the tracker, over real frames.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from stdtrack_ros.evaluation.memory_bench.conditions import CONDITIONS, under
from stdtrack_ros.geometry import Box, Crop, Image, iou
from stdtrack_ros.tracker.models.model import Model

FOUND_IOU = 0.3
"""Overlap from which a box is on a thing; low, because a vague template tells little of the size."""
LOOKS = ("own", "vague", "half")
"""The template: the target's own; the mean of several other targets'; the mean of the target's and of the second's."""


def halves(first: tuple[Image, Box], second: tuple[Image, Box], factor: float, size: int) -> tuple[Image, Box, Box]:
    """Return a window whose left half shows one target and whose right half another, with the boxes of both.

    Each target is in the middle of its half, at the scale at which a search window of its own would show it.

    Args:
        first, second: (H, W, 3) uint8 BGR and (4,) box in it, px.
        factor, size: of the search window.
    """
    window = np.empty((size, size, 3), np.uint8)
    quarter, boxes = size // 4, []
    for (image, box), columns, shift in (
        (first, slice(0, size // 2), -quarter),
        (second, slice(size // 2, size), size // 2 - quarter),
    ):
        crop = Crop.around(box, factor, size)
        window[:, columns] = crop.extract(image)[:, quarter : quarter + size // 2]
        placed = crop.to_crop(box)
        placed[0] += shift
        boxes.append(placed)
    return window, boxes[0], boxes[1]


def query(
    model: Model, looks: Mapping[str, Any], learned: Any, other: Any, window: Image, target: Box, second: Box
) -> dict[tuple[str, str], bool | None]:
    """Return for each look and condition whether the target was taken; None if neither of the two was found.

    Args:
        looks: states at their start that lend their first look, by name; several to be averaged, as a sequence.
        learned: the target's state with its memory. other: a state of another video with its own memory.
        window: (S, S, 3) uint8 BGR. target, second: (4,) boxes in it, px.
    """
    keys, states = [], []
    for name, lent in looks.items():
        state = model.with_templates_of(learned, lent if isinstance(lent, Sequence) else [lent])
        for condition in CONDITIONS:
            keys.append((name, condition))
            states.append(under(model, state, condition, other))
    found = model.step(states, np.stack([window] * len(states)), [0.0] * len(states))
    return {key: is_first(one.box, target, second) for key, one in zip(keys, found, strict=True)}


def is_first(box: Box, first: Box, second: Box) -> bool | None:
    """Return whether a box is on the first of two things rather than on the second; None if it is on neither."""
    overlaps = np.nan_to_num(np.array([float(iou(box, first)), float(iou(box, second))]))
    return bool(overlaps[0] > overlaps[1]) if overlaps.max() >= FOUND_IOU else None
