# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What else the scene shows: things that the network might take for the target, and that are not it.

While the target is surely in sight, whatever is found elsewhere is something else. So it is known before the target
hides or leaves, and what resembles one of these others more than every frame of the STM is not the target.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, field

import numpy as np

from stdtrack_ros.geometry import Box, Crop, box_center
from stdtrack_ros.settings import SearchSettings
from stdtrack_ros.tracker.models.model import FloatArray, Prediction
from stdtrack_ros.tracker.tiles import tiles

KEPT = 96
"""Others that are known at most; the oldest is forgotten first."""
MIN_QUALITY = 0.25
"""Quality from which what was found elsewhere is worth knowing: less is not taken for the target."""
FIRST_LOOKS, FIRST_INTERVAL_S = 48, 0.03
"""Looks that come sooner after one another than the others: what the scene shows is known soon after a start."""
GAP = 0.05
"""Between the target's box and a window beside it, in units of the box's side in that direction."""
BESIDE = ((1, 0), (-1, 0), (0, 1), (0, -1), (1, 1), (-1, -1), (1, -1), (-1, 1))
"""Where windows beside the target lie: right, left, below, above, and between these."""


@dataclass(slots=True)
class Surroundings:
    """The others that one target has, and where to look for more.

    Attributes:
        appearances: (d,) unit vector of each.
        looks: how many windows were looked at.
        waited_s: since the last one.
    """

    appearances: deque[FloatArray] = field(default_factory=lambda: deque(maxlen=KEPT))
    looks: int = 0
    waited_s: float = 0.0

    def advance(self, elapsed_s: float) -> None:
        """Let a frame pass."""
        self.waited_s += elapsed_s

    def is_due(self, settings: SearchSettings) -> bool:
        """Return whether it is time for a look; with an interval of 0 it never is."""
        interval = settings.elsewhere_interval
        usual = min(interval, FIRST_INTERVAL_S) if self.looks < FIRST_LOOKS else interval
        return interval > 0 and self.waited_s >= usual - 1e-9

    def next_window(self, target: Box, image_width: int, image_height: int, factor: float, size: int) -> Crop | None:
        """Choose where to look: beside the target and at a tile of the frame in turn, where nothing of it is seen.

        Args:
            target: (4,) px. factor: side of a window in units of sqrt(w h) of the target. size: its pixels.

        Returns:
            None if the target fills the frame.
        """
        side = Crop.around(target, factor, size).side_px
        center, reach = box_center(target), side / 2 + (0.5 + GAP) * target[2:]
        places = center + reach * np.array(BESIDE)
        beside = [Crop(float(x), float(y), side, size) for x, y in places]
        beside = [crop for crop in beside if 0 <= crop.center_x < image_width and 0 <= crop.center_y < image_height]
        far = [crop for crop in tiles(center, image_width, image_height, side, size) if not _shows(crop, target)]
        number, turn = divmod(self.looks, 2)
        chosen = (far if turn else beside) or far or beside
        self.looks += 1
        self.waited_s = 0.0
        return chosen[number % len(chosen)] if chosen else None

    def add(self, found: Prediction) -> bool:
        """Take in what was found elsewhere while the target was in sight; return whether it is worth knowing."""
        if found.embedding is None or found.quality < MIN_QUALITY:
            return False
        self.appearances.append(_unit(found.embedding))
        return True

    def similarity(self, found: Prediction) -> float:
        """Return the cosine of something found with the most similar of the others; NaN if there is none to compare."""
        if not self.appearances or found.embedding is None:
            return math.nan
        return float((np.stack(self.appearances) @ _unit(found.embedding)).max())


def _shows(crop: Crop, box: Box) -> bool:
    """Return whether a part of the box lies in the window."""
    center, half = np.array((crop.center_x, crop.center_y)), crop.side_px / 2
    return bool((box[:2] < center + half).all() and (box[:2] + box[2:] > center - half).all())


def _unit(vector: FloatArray) -> FloatArray:
    return np.asarray(vector / max(float(np.linalg.norm(vector)), 1e-9), np.float32)
