# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Frames on their way to the tracker: the newest one for the worker, and the last few for starts in the past."""

from __future__ import annotations

import threading
import time
from collections import deque
from dataclasses import dataclass
from typing import Any

from stdtrack_ros.nodes.camera.video_stream import DecodedPicture

HOLD_S = 60.0
"""Longest time that a frame is held."""
NEAR_STAMP_S = 0.1
"""A kept frame this near to a stamp that is asked for is the one that was meant."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One image message as it arrived.

    Attributes:
        message: sensor_msgs Image or CompressedImage, or a `DecodedPicture`, not yet converted.
        index: counts the frames that arrived, from 1.
        arrived_s: monotonic time of arrival.
        stamp_s: stamp of the message; if the camera gives none, the node's clock at arrival.
        time_s: capture time if the stamps cannot be trusted, else None or the stamp.
    """

    message: Any
    index: int
    arrived_s: float
    stamp_s: float
    time_s: float | None = None

    @property
    def taken_s(self) -> float:
        """Capture time on the clock that the tracker goes by."""
        return self.stamp_s if self.time_s is None else self.time_s

    @property
    def size_bytes(self) -> int:
        """Memory of its pixels."""
        return self.message.size_bytes if isinstance(self.message, DecodedPicture) else len(self.message.data)


class FrameSlot:
    """Room for one frame. A new frame takes the place of one that was not fetched, so that nothing queues up."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._frame: Frame | None = None
        self._woken = False
        self.dropped = 0

    def put(self, frame: Frame) -> None:
        """Offer a frame; never waits."""
        with self._condition:
            self.dropped += self._frame is not None
            self._frame = frame
            self._condition.notify()

    def take(self, timeout_s: float) -> Frame | None:
        """Wait for a frame and return it; None after `timeout_s` or `wake` without one."""
        with self._condition:
            if self._frame is None and not self._woken:
                self._condition.wait(timeout_s)
            self._woken = False
            frame, self._frame = self._frame, None
            return frame

    def wake(self) -> None:
        """Let a waiting `take` return."""
        with self._condition:
            self._woken = True
            self._condition.notify()

    def clear(self) -> None:
        """Forget the waiting frame."""
        with self._condition:
            self._frame = None


class FrameRing:
    """The last frames, bounded in number and in bytes; one frame can be held while an operator looks at it."""

    def __init__(self, frames: int, megabytes: float) -> None:
        self._lock = threading.Lock()
        self._frames: deque[Frame] = deque()
        self._most_frames = frames
        self._most_bytes = megabytes * 1e6
        self._bytes = 0
        self._held: tuple[float, float] | None = None

    def append(self, frame: Frame) -> None:
        """Keep a frame; the oldest ones go. One frame stays however large it is."""
        with self._lock:
            self._frames.append(frame)
            self._bytes += frame.size_bytes
            while len(self._frames) > 1 and (len(self._frames) > self._most_frames or self._bytes > self._most_bytes):
                index = self._spare()
                self._bytes -= self._frames[index].size_bytes
                del self._frames[index]

    def hold(self, stamp_s: float) -> None:
        """Hold the frame of that stamp (or the nearest within NEAR_STAMP_S) for HOLD_S, in place of one held before.

        The frames after it are thinned out evenly instead, so that a target started on it can be followed to the newest
        one. Without such a frame nothing is held.
        """
        with self._lock:
            self._held = stamp_s, time.monotonic() + HOLD_S

    def let_go(self, frame: Frame | None = None) -> None:
        """Hold that frame no more; None: whichever is held."""
        with self._lock:
            if frame is None or self._is_held(frame):
                self._held = None

    def clear(self) -> None:
        """Forget all frames."""
        with self._lock:
            self._frames.clear()
            self._bytes = 0
            self._held = None

    def _is_held(self, frame: Frame) -> bool:
        if self._held is None:
            return False
        stamp_s, until_s = self._held
        return abs(frame.stamp_s - stamp_s) <= NEAR_STAMP_S and time.monotonic() < until_s

    def _is_nearer(self, one: Frame, other: Frame) -> bool:
        assert self._held is not None
        return abs(one.stamp_s - self._held[0]) < abs(other.stamp_s - self._held[0])

    def _spare(self) -> int:
        """Return the place of the frame that goes first: the oldest, or the one whose neighbors are nearest."""
        frames = list(self._frames)
        if len(frames) < 3 or not self._is_held(frames[0]) or self._is_nearer(frames[1], frames[0]):
            return 0
        return min(range(1, len(frames) - 1), key=lambda place: frames[place + 1].index - frames[place - 1].index)

    def frames(self) -> list[Frame]:
        """Return all kept frames, oldest first."""
        with self._lock:
            return list(self._frames)

    def nearest(self, stamp_s: float) -> Frame | None:
        """Return the frame whose stamp is nearest, or None if the ring is empty."""
        return min(self.frames(), key=lambda frame: abs(frame.stamp_s - stamp_s), default=None)

    def newer(self, index: int) -> list[Frame]:
        """Return the frames after that index, oldest first."""
        return [frame for frame in self.frames() if frame.index > index]

    @property
    def newest(self) -> Frame | None:
        """The last frame that arrived."""
        with self._lock:
            return self._frames[-1] if self._frames else None

    def __len__(self) -> int:
        return len(self._frames)
