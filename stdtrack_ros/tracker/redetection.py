# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The search for a LOST target: windows around where it may be, of three sizes, tiles over the frame, then proof."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

import numpy as np

from stdtrack_ros.geometry import Box, Crop, box_center, iou
from stdtrack_ros.settings import RedetectionSettings
from stdtrack_ros.tracker.candidate import Candidate
from stdtrack_ros.tracker.tiles import tiles

SIDES = (1.0, 0.6, 2.0)
"""Of the windows around the expected place, in units of the usual one: the target may be nearer now, or farther."""
MANY_TILES, COARSE = 16, 2.0
"""A frame of more tiles than this is searched in tiles of `COARSE` times their side first."""
GLIMPSE = 0.5
"""Quality, in units of `accept_quality`, from which a candidate deserves a close look in the next frame."""
SAME_IOU = 0.2
"""IoU above which two boxes in consecutive frames are of the same thing."""
SLACK = 0.08
"""A candidate that counted once counts again, in its place, with similarities lower by up to this; so does one that is
where the target is expected, or unlike all others, at once."""
APART = 0.2
"""It is unlike the other things that the scene shows if its cosine with the STM is this much above those with them."""
EXPECTED_DISTANCE, EXPECTED_AREA = 0.3, 2.0
"""It is there if its centre is nearer than this to the expected one, in target sizes, and its area differs by less than
this factor."""


class Redetection:
    """Which windows to look at in each frame while LOST, and when what they show is the target.

    A candidate counts if its quality, its similarity to the template and its similarity to the STM all suffice; the
    same place must count in `accept_frames` of the last `window_frames` frames (of as many, if those are fewer), after
    the first time with slightly lower similarities, as the target moves on; the same holds for one that is where the
    target is expected, and as large, and for one that is much less like the other things that the scene shows. One that
    does not quite count, or that a coarse tile shows, is looked at closely in the next frame: a glimpse.
    """

    def __init__(self, search_factor: float, search_size: int) -> None:
        self._factor, self._size = search_factor, search_size
        self._turn = 0
        self._expected: Box | None = None
        self._watched: Box | None = None
        self._glimpse: Box | None = None
        self._looks_closely = False
        self._coarse: list[bool] = []  # of the windows last chosen
        self._votes: deque[bool] = deque()

    @property
    def watched(self) -> Box | None:
        """(4,) box of the candidate under observation, None if there is none."""
        return self._watched

    def windows(self, expected: Box, image_width: int, image_height: int, settings: RedetectionSettings) -> list[Crop]:
        """Choose the next `crops_per_frame` windows: on the candidate or glimpse first, then near and far in turn.

        The windows near the expected place are of each size in turn; those far from it are the next tiles of the frame,
        coarse ones first. So neither has to wait for a whole round of the other, and each frame costs the same.
        """
        self._expected = expected
        place, self._glimpse = self._glimpse if self._watched is None else self._watched, None
        self._looks_closely = place is not None
        chosen = [] if place is None else [Crop.around(place, self._factor, self._size)]
        self._coarse = [False] * len(chosen)
        side = Crop.around(expected, self._factor, self._size).side_px
        home = box_center(expected)
        fine = tiles(home, image_width, image_height, side, self._size)
        many = len(fine) > MANY_TILES
        coarse = tiles(home, image_width, image_height, COARSE * side, self._size) if many else []
        far_ones = coarse + fine
        while len(chosen) < settings.crops_per_frame:
            number, far = divmod(self._turn, 2)
            near = Crop.around(expected, self._factor * SIDES[number % len(SIDES)], self._size)
            chosen.append(far_ones[number % len(far_ones)] if far else near)
            self._coarse.append(bool(far) and number % len(far_ones) < len(coarse))
            self._turn += 1
        return chosen

    def update(self, candidates: Sequence[Candidate], settings: RedetectionSettings) -> Candidate | None:
        """Take in what `windows` showed, in their order; return the target once enough frames agree, else None."""
        if self._watched is not None:
            seen = candidates[0]
            same = bool(iou(seen.box, self._watched) > SAME_IOU)
            return self._vote(seen, same and _counts(seen, settings, SLACK), settings)
        shown = zip(candidates, self._coarse, strict=True)
        counting = [
            candidate
            for candidate, coarse in shown
            if not coarse and _counts(candidate, settings, SLACK if self._is_likely(candidate) else 0.0)
        ]
        if counting:
            self._votes.clear()
            return self._vote(max(counting, key=lambda candidate: candidate.quality), True, settings)
        best = max(candidates, key=lambda candidate: candidate.quality)
        if not self._looks_closely and best.quality >= GLIMPSE * settings.accept_quality:
            self._glimpse = best.box
        return None

    def _is_likely(self, candidate: Candidate) -> bool:
        """Return whether a candidate is where the target is expected, or is like it and like nothing else there."""
        apart = candidate.memory_similarity - candidate.other_similarity >= APART  # not if no other is known
        return apart or self._is_expected(candidate.box)

    def _is_expected(self, box: Box) -> bool:
        if self._expected is None:
            return False
        area, found = (float(one[2] * one[3]) for one in (self._expected, box))
        distance = float(np.hypot(*(box_center(box) - box_center(self._expected))))
        return distance < EXPECTED_DISTANCE * area**0.5 and 1 / EXPECTED_AREA < found / area < EXPECTED_AREA

    def _vote(self, candidate: Candidate, agreed: bool, settings: RedetectionSettings) -> Candidate | None:
        needed = settings.accept_frames
        window = max(settings.window_frames, needed)
        self._votes.append(agreed)
        while len(self._votes) > window:
            self._votes.popleft()
        if agreed:
            self._watched = candidate.box
        if sum(self._votes) >= needed:
            return candidate
        missed = len(self._votes) - sum(self._votes)
        if missed > window - needed:
            self._watched = None
            self._votes.clear()
        return None


def _counts(candidate: Candidate, settings: RedetectionSettings, slack: float = 0.0) -> bool:
    return (
        candidate.quality >= settings.accept_quality
        and candidate.template_similarity >= settings.template_similarity - slack
        and candidate.memory_similarity >= settings.memory_similarity - slack
    )
