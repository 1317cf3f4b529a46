# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The search for a LOST target: growing windows around where it may be, then tiles over the frame, then proof."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np

from stdtrack_ros.geometry import Box, Crop, box_center, iou
from stdtrack_ros.settings import RedetectionSettings

GROWTH = (1.0, 1.5, 2.0)
"""Sides of the windows around the expected place, in units of the usual search window."""
TILE_STEP = 0.5
"""Distance between two tiles, in units of their side: every target lies well inside some tile."""
MAX_TILES = 64
"""A frame is never cut into more tiles than this; small targets in large frames are searched in larger tiles."""


@dataclass(frozen=True, slots=True)
class Sighting:
    """What one window showed.

    Attributes:
        box: (4,) in the image. quality: calibrated. similarity: cosine with the template's appearance.
        memory_similarity: cosine with the most alike frame of the STM; 1 where there is none to compare with.
    """

    box: Box
    quality: float
    similarity: float
    memory_similarity: float


class Redetection:
    """Which windows to look at in each frame while LOST, and when a sighting is the target.

    A sighting counts if its quality, its similarity to the template and its similarity to the STM all suffice; the same
    place must count in `accept_frames` of the last `window_frames` frames (of as many, where those are fewer).
    """

    def __init__(self, settings: RedetectionSettings, search_factor: float, search_size: int) -> None:
        self.settings = settings
        self._factor, self._size = search_factor, search_size
        self._turn = 0
        self._candidate: Box | None = None
        self._votes: deque[bool] = deque()

    @property
    def candidate(self) -> Box | None:
        """(4,) box that is being watched, if any."""
        return self._candidate

    def windows(self, expected: Box, image_width: int, image_height: int) -> list[Crop]:
        """The next windows, at most `crops_per_frame`: on the candidate first, then on in the round."""
        chosen = [] if self._candidate is None else [Crop.around(self._candidate, self._factor, self._size)]
        places = self._round(expected, image_width, image_height)
        while len(chosen) < self.settings.crops_per_frame:
            chosen.append(places[self._turn % len(places)])
            self._turn += 1
        return chosen

    def judge(self, sightings: list[Sighting]) -> Box | None:
        """The target's box once enough frames agree, else None; `sightings` are those of `windows`, in order."""
        if self._candidate is not None:
            return self._confirm(sightings)
        best = max((one for one in sightings if self._counts(one)), key=lambda one: one.quality, default=None)
        if best is None:
            return None
        self._candidate = best.box
        self._votes.clear()
        return self._vote(best.box, True)

    def _confirm(self, sightings: list[Sighting]) -> Box | None:
        watched = sightings[0]
        same = bool(iou(watched.box, self._candidate) > 0.2) if self._candidate is not None else False
        return self._vote(watched.box, same and self._counts(watched))

    def _vote(self, box: Box, agreed: bool) -> Box | None:
        needed = self.settings.accept_frames
        window = max(self.settings.window_frames, needed)
        self._votes.append(agreed)
        while len(self._votes) > window:
            self._votes.popleft()
        if agreed:
            self._candidate = box
        if sum(self._votes) >= needed:
            return box
        missed = len(self._votes) - sum(self._votes)
        if missed > window - needed:
            self._candidate = None
            self._votes.clear()
        return None

    def _counts(self, sighting: Sighting) -> bool:
        return (
            sighting.quality >= self.settings.accept_quality
            and sighting.similarity >= self.settings.template_similarity
            and sighting.memory_similarity >= self.settings.memory_similarity
        )

    def _round(self, expected: Box, image_width: int, image_height: int) -> list[Crop]:
        near = [Crop.around(expected, self._factor * growth, self._size) for growth in GROWTH]
        return near + self._tiles(expected, image_width, image_height)

    def _tiles(self, expected: Box, image_width: int, image_height: int) -> list[Crop]:
        side = Crop.around(expected, self._factor, self._size).side_px
        while _count(image_width, side) * _count(image_height, side) > MAX_TILES:
            side *= 1.25
        columns, rows = _count(image_width, side), _count(image_height, side)
        centers = [
            ((column + 0.5) * image_width / columns, (row + 0.5) * image_height / rows)
            for row in range(rows)
            for column in range(columns)
        ]
        home = box_center(expected)
        centers.sort(key=lambda center: float(np.hypot(center[0] - home[0], center[1] - home[1])))
        return [Crop(x, y, side, self._size) for x, y in centers]


def _count(length_px: int, side_px: float) -> int:
    return max(int(np.ceil(length_px / (side_px * TILE_STEP))) - 1, 1)
