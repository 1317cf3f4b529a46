# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The search for a LOST target: windows around where it may be, of three sizes, tiles over the frame, then proof."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence

import numpy as np

from stdtrack_ros.geometry import Box, Crop, box_center, iou
from stdtrack_ros.settings import RedetectionSettings
from stdtrack_ros.tracker.candidate import Candidate
from stdtrack_ros.tracker.changed_look import UNCHANGED, Change
from stdtrack_ros.tracker.distractor_filter import APART
from stdtrack_ros.tracker.tiles import tiles

SIDES = (1.0, 0.6, 2.0)
"""Of the windows around the expected place, in units of the usual one: the target may be nearer now, or farther."""
MANY_TILES, COARSE = 16, 2.0
"""A frame of more tiles than this is searched in tiles of `COARSE` times their side first."""
GLIMPSE = 0.5
"""Quality, in units of `accept_quality`, from which a candidate deserves a close look next."""
LIKELY = 0.8
"""Quality, in units of `accept_quality`, from which one that is unlike the target may be the target, changed."""
SAME_IOU = 0.2
"""IoU above which two boxes in consecutive frames are of the same thing."""
MAX_SPEED, MAX_WAY = 20.0, 2.0
"""They may be, too, if its centre has moved by less than this: target sizes per second, and target sizes in all."""
SAME_AREA = 2.0
"""Factor by which the areas of two boxes of the same thing may differ then."""
SLACK = 0.08
"""A candidate that counted once counts again, in its place, with a similarity lower by up to this; so does one that is
where the target is expected, at once."""
CLOSER = 0.03
"""Elsewhere it must resemble a frame of the STM by this much more than anything else that the scene shows."""
APART_SLACK = 0.12
"""If it is more by `APART`, that is evidence as well: its similarity may be lower by up to this."""
LOWER_QUALITY = 0.75
"""Quality, in units of `accept_quality`, of a candidate that is apart, or counted before."""
FITTING_AREA = 3.0
"""Factor by which the area of what is found may differ from the target's."""
EXPECTED_DISTANCE, EXPECTED_AREA = 0.3, 2.0
"""A candidate is where the target is expected if its centre is nearer than this to the expected one, in target sizes,
and its area differs by less than this factor."""


class Redetection:
    """Which windows to look at in each frame while LOST, and when what they show is the target.

    A candidate counts if its quality and its similarity to the STM suffice, and it is more like the target than like
    the other things that the scene shows; the same place must count in `accept_frames` of the last `window_frames`
    frames (of as many, if those are fewer), after the first time with slightly less, as the target moves on. Less
    similarity is needed as well of one that is where the target is expected, and as large, and of one that is much less
    like the other things. One that does not quite count, or that a coarse tile shows, is looked at closely next: a
    glimpse. Close looks are as large as the windows in which a sure target is followed, and in which the STM saw it:
    how similar two looks are depends on how much lies around them.

    What does not count, but has the quality, is looked at as if it had turned, or were in another light
    (`changed_look.py`). It counts if it is then much less like the other things, and, as it is, no more like one of
    them than like the target; the close looks that follow are as if it had changed in that way.
    """

    def __init__(self, search_factor: float, close_factor: float, search_size: int) -> None:
        """Start a search: factors are sides of windows in units of sqrt(w h) of the target, usual ones and close."""
        self._factor, self._close_factor, self._size = search_factor, close_factor, search_size
        self._turn = 0
        self._expected: Box | None = None
        self._watched: Box | None = None
        self._change = UNCHANGED
        self._likely: Candidate | None = None
        self._glimpse: Box | None = None
        self._looks_closely = False
        self._coarse: list[bool] = []  # of the windows last chosen
        self._votes: deque[bool] = deque()

    @property
    def watched(self) -> Box | None:
        """(4,) box of the candidate under observation, None if there is none."""
        return self._watched

    @property
    def change(self) -> Change:
        """What is to be undone in the first of the windows last chosen."""
        return self._change

    @property
    def looks_closely(self) -> bool:
        """Whether the first of the windows last chosen is a close one."""
        return self._looks_closely

    def windows(self, expected: Box, image_width: int, image_height: int, count: int) -> list[Crop]:
        """Choose the next `count` windows: on the candidate or glimpse first, then near and far in turn.

        The windows near the expected place are of each size in turn; those far from it are the next tiles of the frame,
        coarse ones first. So neither has to wait for a whole round of the other.
        """
        self._expected = expected
        place, self._glimpse = self._glimpse if self._watched is None else self._watched, None
        self._looks_closely = place is not None
        self._change = self._change if self._watched is not None else UNCHANGED
        chosen = [] if place is None else [Crop.around(place, self._close_factor, self._size)]
        self._coarse = [False] * len(chosen)
        side = Crop.around(expected, self._factor, self._size).side_px
        home = box_center(expected)
        fine = tiles(home, image_width, image_height, side, self._size)
        many = len(fine) > MANY_TILES
        coarse = tiles(home, image_width, image_height, COARSE * side, self._size) if many else []
        far_ones = coarse + fine
        while len(chosen) < count:
            number, far = divmod(self._turn, 2)
            near = Crop.around(expected, self._factor * SIDES[number % len(SIDES)], self._size)
            chosen.append(far_ones[number % len(far_ones)] if far else near)
            self._coarse.append(bool(far) and number % len(far_ones) < len(coarse))
            self._turn += 1
        return chosen

    def update(
        self, candidates: Sequence[Candidate], elapsed_s: float, settings: RedetectionSettings
    ) -> Candidate | None:
        """Take in what `windows` showed; return the target once enough frames agree, else None.

        Args:
            candidates: in the order of the windows.
            elapsed_s: from the frame before to this one.
        """
        if self._watched is not None:
            seen = candidates[0]
            same = _may_be_same(seen.box, self._watched, elapsed_s) and self._fits(seen.box)
            return self._vote(seen, same and _counts(seen, settings, again=True), settings)
        shown = zip(candidates, self._coarse, strict=True)
        counting = [candidate for candidate, coarse in shown if not coarse and self._begins(candidate, settings)]
        if counting:
            return self._watch(max(counting, key=lambda candidate: candidate.quality), settings)
        self._likely = max((*self._likely_ones(candidates, settings), self._likely), key=_quality_seen)
        best = max(candidates, key=lambda candidate: candidate.quality)
        if not self._looks_closely and best.quality >= GLIMPSE * settings.accept_quality:
            self._glimpse = best.box
        return None

    def take_likely(self) -> Box | None:
        """Return the (4,) box of what is most likely the target, changed, of all since the last call; None if none."""
        likely, self._likely = self._likely, None
        return None if likely is None or self._watched is not None else likely.box

    def update_changed(self, candidate: Candidate, settings: RedetectionSettings) -> bool:
        """Take in what a close window shows with a change undone; return whether that is the target's look."""
        closer = candidate.memory_similarity - candidate.other_similarity
        same = (
            candidate.quality >= settings.accept_quality and candidate.memory_similarity >= settings.memory_similarity
        )
        if not same or not self._fits(candidate.box) or closer < APART:  # NaN: no other is known
            return False
        self._watch(candidate, settings)
        return True

    def _watch(self, candidate: Candidate, settings: RedetectionSettings) -> Candidate | None:
        """Begin to count the frames that agree."""
        self._votes.clear()
        self._change = candidate.change
        return self._vote(candidate, True, settings)

    def _likely_ones(self, candidates: Sequence[Candidate], settings: RedetectionSettings) -> list[Candidate]:
        least = LIKELY * settings.accept_quality
        return [
            one
            for one in candidates
            if one.prediction.quality >= least
            and one.prediction.embedding is not None
            and not one.memory_similarity < one.other_similarity  # not if no other is known
            and self._fits(one.box)
        ]

    def _begins(self, candidate: Candidate, settings: RedetectionSettings) -> bool:
        """Return whether a candidate counts for the first time."""
        if self._is_expected(candidate.box):
            return _counts(candidate, settings, SLACK)
        closer = candidate.memory_similarity - candidate.other_similarity
        return self._fits(candidate.box) and not closer < CLOSER and _counts(candidate, settings)  # NaN: no other

    def _fits(self, box: Box) -> bool:
        return self._expected is None or _is_near(box, self._expected, math.inf, FITTING_AREA)

    def _is_expected(self, box: Box) -> bool:
        if self._expected is None:
            return False
        return _is_near(box, self._expected, EXPECTED_DISTANCE, EXPECTED_AREA)

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


def _quality_seen(candidate: Candidate | None) -> float:
    return -math.inf if candidate is None else candidate.prediction.quality


def _may_be_same(box: Box, before: Box, elapsed_s: float) -> bool:
    way = min(MAX_SPEED * elapsed_s, MAX_WAY)
    return bool(iou(box, before) > SAME_IOU) or _is_near(box, before, way, SAME_AREA)


def _is_near(box: Box, other: Box, distance: float, factor: float) -> bool:
    """Return whether two centres are nearer than `distance` sizes, and the areas alike within `factor`."""
    area, found = (float(one[2] * one[3]) for one in (other, box))
    apart = float(np.hypot(*(box_center(box) - box_center(other))))
    return apart < distance * area**0.5 and 1 / factor < found / area < factor


def _counts(candidate: Candidate, settings: RedetectionSettings, slack: float = 0.0, again: bool = False) -> bool:
    apart = candidate.memory_similarity - candidate.other_similarity >= APART  # not if no other is known
    quality = settings.accept_quality * (LOWER_QUALITY if apart or again else 1.0)
    similarity = settings.memory_similarity - max(slack, SLACK if again else 0.0, APART_SLACK if apart else 0.0)
    return candidate.quality >= quality and candidate.memory_similarity >= similarity
