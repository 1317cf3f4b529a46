# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Small sequences painted in memory, and trackers simple enough that their results are known beforehand."""

from __future__ import annotations

import os
import time
from functools import partial
from pathlib import Path

import numpy as np

from stdtrack_ros.errors import SequenceError
from stdtrack_ros.evaluation.trackers.tracker_interface import Estimate, TrackerSpec
from stdtrack_ros.sequences.catalog import SequenceHandle

HEIGHT, WIDTH = 96, 128
RED = (0, 0, 255)


class PaintedClip:
    """A red rectangle of 20x16 px that moves 2 px per frame over grey noise, at 10 frames per second: 44 frames to the
    right, then 44 to the left, and so on.

    In the frames of `hidden` it is not painted and has no ground-truth box; frame `broken` cannot be read.
    """

    def __init__(self, name: str, length: int = 30, hidden: range = range(0), broken: int = -1, seed: int = 0) -> None:
        self.name, self._length, self._hidden, self._broken = name, length, hidden, broken
        self._noise = np.random.default_rng(seed).integers(60, 120, (HEIGHT, WIDTH, 1), dtype=np.uint8).repeat(3, 2)
        self.boxes = np.array([[10.0 + 2 * (44 - abs(44 - i % 88)), 40, 20, 16] for i in range(length)])
        self.boxes[list(hidden)] = np.nan
        self.stamps_s = 100.0 + np.arange(length) / 10
        self.attributes = frozenset({"occlusion"} if len(hidden) else {"plain"})
        self.notes = ("painted",)

    def __len__(self) -> int:
        return self._length

    def frame(self, index: int) -> np.ndarray:
        if index == self._broken:
            raise SequenceError(f"Frame {index} of {self.name} cannot be read.")
        image = self._noise.copy()
        if index not in self._hidden:
            x, y, w, h = self.boxes[index].astype(int)
            image[y : y + h, x : x + w] = RED
        return image


def clip(name: str, **options: object) -> SequenceHandle:
    return SequenceHandle(name, Path("/nowhere") / name, "painted", partial(PaintedClip, **options))


def broken_clip(name: str) -> SequenceHandle:
    return SequenceHandle(name, Path("/nowhere") / name, "painted", _refuse)


def _refuse(name: str) -> PaintedClip:
    raise SequenceError(f"The bag {name} is truncated.")


class RedTracker:
    """Finds what is red: right in every frame where there is some, without a box elsewhere."""

    def initialize(self, image: np.ndarray, box: np.ndarray, stamp_s: float) -> None:
        self.frames = 0

    def track(self, image: np.ndarray, stamp_s: float) -> Estimate:
        self.frames += 1
        rows, columns = np.nonzero((image == RED).all(axis=2))
        if not len(rows):
            return Estimate((np.nan,) * 4, 0.1)
        left, top = columns.min(), rows.min()
        box = (left, top, columns.max() + 1 - left, rows.max() + 1 - top)
        return Estimate(box, 0.9, (20.0, 0.0))


class StillTracker:
    """Says the first box for ever, and is sure of it. Answers with a plain pair."""

    def initialize(self, image: np.ndarray, box: np.ndarray, stamp_s: float) -> None:
        self.box = np.array(box)

    def track(self, image: np.ndarray, stamp_s: float) -> tuple[np.ndarray, float]:
        return self.box, 0.8


class FailingTracker(StillTracker):
    """Raises in its fifth frame."""

    def initialize(self, image: np.ndarray, box: np.ndarray, stamp_s: float) -> None:
        super().initialize(image, box, stamp_s)
        self.left = 4

    def track(self, image: np.ndarray, stamp_s: float) -> tuple[np.ndarray, float]:
        self.left -= 1
        if self.left < 0:
            raise RuntimeError("out of luck")
        return self.box, 0.8


class KillingTracker(StillTracker):
    """Takes its process down in frames that are dark in the corner (`painted` clips of seed 13)."""

    def track(self, image: np.ndarray, stamp_s: float) -> tuple[np.ndarray, float]:
        if np.array_equal(image[0, 0], PaintedClip("x", seed=13).frame(0)[0, 0]):
            os._exit(9)
        time.sleep(0.001)
        return self.box, 0.8


class ExitingTracker(StillTracker):
    """Ends its process in order, as a script does whose arguments are wrong."""

    def track(self, image: np.ndarray, stamp_s: float) -> tuple[np.ndarray, float]:
        raise SystemExit(3)


def spec(kind: type, identity: str = "1") -> TrackerSpec:
    return TrackerSpec(kind.__name__, partial(_make, kind), "for tests", identity)


def _make(kind: type, threads: int) -> object:
    return kind()


def growing_clip(name: str, recording: Path) -> PaintedClip:
    """Make a recording that is still being written: longer each time that it is opened."""
    with recording.open("ab") as file:
        file.write(bytes(10))
    return PaintedClip(name, length=20 + recording.stat().st_size)
