# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Is the target still there? TRACKING, UNCERTAIN and LOST, with hysteresis on calibrated quality and time."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from stdtrack_ros.settings import StatusSettings
from stdtrack_ros.tracker.result import Status

RECENT_FRAMES = 6
"""Frames among which those of no worth are counted."""
PATIENCE = 5.0
"""Times `lost_after` until a target is LOST while the current frame shows something that resembles it."""
WHOLE_FRAMES, CUT_FRAMES = 5, 30
"""Certain frames in a row that confirm a doubtful start: if all show the target whole, or however it is cut."""


@dataclass(slots=True)
class TrackStatusMachine:
    """The status of one target.

    TRACKING becomes UNCERTAIN after `uncertain_frames` frames in a row under `uncertain_quality`; UNCERTAIN becomes
    TRACKING at the first frame of at least `certain_quality`, and LOST when no frame has reached `uncertain_quality`
    for `lost_after` seconds and `lost_frames` frames (few are little evidence), and the current one is under
    `lost_quality`; if that shows something that resembles the target, it takes `PATIENCE` times as long: its look may
    have changed. Only `reacquire` ends LOST. A frame under `lost_quality` is UNCERTAIN, too, if there were
    `uncertain_frames` such frames among the last few, however good frames lie between them. What is
    `reported` of a target of a doubtful start is UNCERTAIN until frames of at least `certain_quality` confirm it; it
    is followed as any other (without its memory it would soon be lost).

    Attributes:
        low_frames, low_s: frames, and seconds, since the last frame of at least `uncertain_quality`.
        recent: whether each of the last few frames was under `lost_quality`, the newest last.
        confirmed: the start was not doubtful, or was confirmed since.
        certain_frames, whole_frames: certain frames in a row, and those of them that show the target whole, while the
            start is not confirmed.
    """

    status: Status = Status.TRACKING
    low_frames: int = 0
    low_s: float = 0.0
    recent: deque[bool] = field(default_factory=lambda: deque(maxlen=RECENT_FRAMES))
    confirmed: bool = True
    certain_frames: int = 0
    whole_frames: int = 0

    @property
    def reported(self) -> Status:
        """The status that users are told."""
        return Status.UNCERTAIN if self.status is Status.TRACKING and not self.confirmed else self.status

    def update(
        self, quality: float, elapsed_s: float, settings: StatusSettings, whole: bool = True, resembles: bool = False
    ) -> Status:
        """Return the status after a frame of this quality, `elapsed_s` after the one before.

        Args:
            whole: no edge of the image cuts the target.
            resembles: what was found resembles the target as the STM remembers it, however low the quality.
        """
        if not settings.enabled:
            return self.status
        if not self.confirmed:
            certain = quality >= settings.certain_quality
            self.certain_frames = self.certain_frames + 1 if certain else 0
            self.whole_frames = self.whole_frames + 1 if certain and whole else 0
            self.confirmed = self.whole_frames >= WHOLE_FRAMES or self.certain_frames >= CUT_FRAMES
        if quality >= settings.uncertain_quality:
            self.low_frames, self.low_s = 0, 0.0
        else:
            self.low_frames += 1
            self.low_s += elapsed_s
        worthless = quality < settings.lost_quality
        self.recent.append(worthless)
        flickers = worthless and sum(self.recent) >= settings.uncertain_frames
        if self.status is Status.TRACKING and (self.low_frames >= settings.uncertain_frames or flickers):
            self.status = Status.UNCERTAIN
        elif self.status is Status.UNCERTAIN and quality >= settings.certain_quality:
            self.status = Status.TRACKING
        patience = settings.lost_after * (PATIENCE if resembles else 1.0)
        overdue = self.low_s >= patience - 1e-9 and self.low_frames >= settings.lost_frames
        if self.status is Status.UNCERTAIN and overdue and worthless:
            self.status = Status.LOST
        return self.status

    def reacquire(self) -> None:
        """Return to TRACKING: the target was found again."""
        self.status, self.low_frames, self.low_s = Status.TRACKING, 0, 0.0
        self.recent.clear()
        self.confirmed = True
