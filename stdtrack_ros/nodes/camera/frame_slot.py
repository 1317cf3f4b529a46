# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Frames on their way to the tracker: the newest one for the worker, and the last few for starts in the past."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass
from typing import Any

from stdtrack_ros.nodes.camera.video_stream import DecodedPicture


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
    """The last frames, bounded in number and in bytes."""

    def __init__(self, frames: int, megabytes: float) -> None:
        self._lock = threading.Lock()
        self._frames: deque[Frame] = deque()
        self._most_frames = frames
        self._most_bytes = megabytes * 1e6
        self._bytes = 0

    def append(self, frame: Frame) -> None:
        """Keep a frame; the oldest ones go. One frame stays however large it is."""
        with self._lock:
            self._frames.append(frame)
            self._bytes += frame.size_bytes
            while len(self._frames) > 1 and (len(self._frames) > self._most_frames or self._bytes > self._most_bytes):
                self._bytes -= self._frames.popleft().size_bytes

    def clear(self) -> None:
        """Forget all frames."""
        with self._lock:
            self._frames.clear()
            self._bytes = 0

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
