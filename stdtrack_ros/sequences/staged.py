# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Real video in which the target is staged to vanish: covered, out of view, cut away, covered beside a look-alike."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from stdtrack_ros.errors import SequenceError
from stdtrack_ros.geometry import Box, Image
from stdtrack_ros.images import to_bgr8
from stdtrack_ros.sequences.sequence import Sequence

FPS = 30.0
VIEW = 0.45
"""Side of the view in `leave`, as a fraction of the picture."""
PAN_FRAMES = 8
"""Frames in which the view swings away, and back."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """When the target is away: frames `begin` to `end - 1` of `length`."""

    length: int = 150
    begin: int = 50
    end: int = 95


@dataclass
class StagedSequence:
    """A `Sequence` of forward and backward passes over another one, with one staged event.

    Frames in which the event has the target fully hidden have a row of NaN.
    """

    base: Sequence
    event: str
    schedule: Schedule = Schedule()
    other: Sequence | None = None
    attributes: frozenset[str] = field(init=False)
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.event not in EVENTS:
            raise SequenceError(f"There is no event '{self.event}'; allowed is one of {', '.join(EVENTS)}.")
        if len(self.base) < 2 or not np.isfinite(self.base.boxes).all():
            raise SequenceError(
                f"{self.base.name} cannot be staged: it needs two frames, and the target in all of them."
            )
        if self.event == "cut" and self.other is None:
            raise SequenceError(f"{self.base.name} cannot be staged to be cut away: there is no clip of another video.")
        self.attributes = frozenset({self.event})
        self._boxes = np.stack([self._stage(index)[1] for index in range(self.schedule.length)])

    @property
    def name(self) -> str:
        """`<base>_<event>`."""
        return f"{self.base.name}_{self.event}"

    @property
    def boxes(self) -> Box:
        """See `Sequence`."""
        return self._boxes

    @property
    def places(self) -> Box:
        """(N, 4) px: where the target is in each frame, also behind what covers it; NaN if that is nowhere."""
        if self.event not in {"occlusion", "look_alike"}:
            return self._boxes
        return np.stack([self.base.boxes[self._source(index)] for index in range(len(self))])

    @property
    def stamps_s(self) -> NDArray[np.float64]:
        """See `Sequence`; 30 frames per second."""
        return np.arange(self.schedule.length) / FPS

    def __len__(self) -> int:
        return self.schedule.length

    def frame(self, index: int) -> Image:
        """See `Sequence`."""
        picture = to_bgr8(self.base.frame(self._source(index)))
        return self._stage(index)[0](picture)

    def _source(self, index: int) -> int:
        period = 2 * (len(self.base) - 1)
        return (len(self.base) - 1) - abs((len(self.base) - 1) - index % period)

    def _stage(self, index: int) -> tuple[Callable[[Image], Image], Box]:
        box = self.base.boxes[self._source(index)]
        away = self.schedule.begin <= index < self.schedule.end
        return EVENTS[self.event](self, index, box, away)

    def _cover(self, index: int, box: Box, away: bool) -> tuple[Callable[[Image], Image], Box]:
        return (lambda picture: cover(picture, box) if away else picture), (np.full(4, np.nan) if away else box)

    def _cut(self, index: int, box: Box, away: bool) -> tuple[Callable[[Image], Image], Box]:
        other = self.other
        assert other is not None

        def change(picture: Image) -> Image:
            if not away:
                return picture
            shown = to_bgr8(other.frame((index - self.schedule.begin) % len(other)))
            return np.asarray(cv2.resize(shown, picture.shape[1::-1], interpolation=cv2.INTER_AREA), dtype=np.uint8)

        return change, np.full(4, np.nan) if away else box

    def _look_alike(self, index: int, box: Box, away: bool) -> tuple[Callable[[Image], Image], Box]:
        first = self.base.boxes[0]

        def change(picture: Image) -> Image:
            patch = _patch(to_bgr8(self.base.frame(0)), first)
            on_right = bool(first[0] + first[2] / 2 < picture.shape[1] / 2)
            staged = paste_beside(picture, box, look_alike(patch), on_right) if patch.size else picture
            return cover(staged, box) if away else staged

        return change, np.full(4, np.nan) if away else box

    def _leave(self, index: int, box: Box, away: bool) -> tuple[Callable[[Image], Image], Box]:
        """Return the picture through a smaller view that follows the target, swings away and comes back."""
        height, width = self.base.frame(0).shape[:2]
        view = np.array([VIEW * width, VIEW * height])
        room = np.array([width, height]) - view
        center = box[:2] + box[2:] / 2
        follow = np.clip(center - view / 2, 0, room)
        # Towards the corner that is farthest from the target.
        far = np.where(center < np.array([width, height]) / 2, room, 0.0)
        swing = min(
            np.clip((index - self.schedule.begin + PAN_FRAMES) / PAN_FRAMES, 0, 1),
            np.clip((self.schedule.end + PAN_FRAMES - 1 - index) / PAN_FRAMES, 0, 1),
        )
        x, y = np.round(follow + (far - follow) * float(swing)).astype(int)
        size = np.round(view).astype(int)
        moved = box - np.array([x, y, 0, 0])
        outside = (moved[:2] >= size).any() or (moved[:2] + moved[2:] <= 0).any()
        if away and not outside:
            raise SequenceError(f"{self.base.name} cannot be staged to leave the view: its target is too large.")
        return (lambda picture: picture[y : y + size[1], x : x + size[0]].copy()), (
            np.full(4, np.nan) if outside else moved
        )


EVENTS: dict[str, Callable[[StagedSequence, int, Box, bool], tuple[Callable[[Image], Image], Box]]] = {
    "occlusion": StagedSequence._cover,
    "leave": StagedSequence._leave,
    "cut": StagedSequence._cut,
    "look_alike": StagedSequence._look_alike,
}


def cover(picture: Image, box: Box) -> Image:
    """Return the picture with a board, brushed like wood, over the box and a fifth of its size around."""
    x, y, width, height = box
    left, top = max(int(x - 0.2 * width), 0), max(int(y - 0.2 * height), 0)
    right = min(int(np.ceil(x + 1.2 * width)), picture.shape[1])
    bottom = min(int(np.ceil(y + 1.2 * height)), picture.shape[0])
    covered = picture.copy()
    if right > left and bottom > top:
        grain = np.random.default_rng(0).normal(0, 12, (bottom - top, 1, 1)) + np.array([70.0, 105.0, 140.0])
        covered[top:bottom, left:right] = np.clip(grain, 0, 255).astype(np.uint8)
    return covered


def look_alike(patch: Image) -> Image:
    """Return a patch mirrored, a tenth smaller and of a shifted hue: of the same kind, not the same thing."""
    size = max(round(patch.shape[1] * 0.9), 1), max(round(patch.shape[0] * 0.9), 1)
    smaller = cv2.resize(patch[:, ::-1], size, interpolation=cv2.INTER_AREA)
    colors = cv2.cvtColor(smaller, cv2.COLOR_BGR2HSV)
    colors[..., 0] = (colors[..., 0].astype(np.int32) + 25) % 180
    return np.asarray(cv2.cvtColor(colors, cv2.COLOR_HSV2BGR), dtype=np.uint8)


def paste_beside(picture: Image, box: Box, patch: Image, on_right: bool) -> Image:
    """Return the picture with a patch half the box's width beside the box, on its right or on its left."""
    x = int(box[0] + (1.5 * box[2] if on_right else -0.5 * box[2] - patch.shape[1]))
    y = int(box[1])
    left, top = max(x, 0), max(y, 0)
    bottom, right = max(picture.shape[0] - y, 0), max(picture.shape[1] - x, 0)
    part = patch[top - y : bottom, left - x : right]
    staged = picture.copy()
    if part.size:
        staged[top : top + part.shape[0], left : left + part.shape[1]] = part
    return staged


def _patch(picture: Image, box: Box) -> Image:
    x, y, width, height = box
    return picture[max(int(y), 0) : int(y + height), max(int(x), 0) : int(x + width)]
