# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Is the target still there? TRACKING, UNCERTAIN and LOST, with hysteresis on calibrated quality and time."""

from __future__ import annotations

from dataclasses import dataclass

from stdtrack_ros.settings import StatusSettings
from stdtrack_ros.tracker.result import Status


@dataclass(slots=True)
class TrackStatusMachine:
    """The status of one target.

    TRACKING becomes UNCERTAIN after `uncertain_frames` frames in a row under `uncertain_quality`; UNCERTAIN becomes
    TRACKING at the first frame of at least `certain_quality`, and LOST when no frame has reached `uncertain_quality`
    for `lost_after` seconds and the current one is under `lost_quality`. Only `reacquire` ends LOST.

    Attributes:
        low_frames, low_s: frames, and seconds, since the last frame of at least `uncertain_quality`.
    """

    status: Status = Status.TRACKING
    low_frames: int = 0
    low_s: float = 0.0

    def update(self, quality: float, elapsed_s: float, settings: StatusSettings) -> Status:
        """Return the status after a frame of this quality, `elapsed_s` after the one before."""
        if not settings.enabled:
            return self.status
        if quality >= settings.uncertain_quality:
            self.low_frames, self.low_s = 0, 0.0
        else:
            self.low_frames += 1
            self.low_s += elapsed_s
        if self.status is Status.TRACKING and self.low_frames >= settings.uncertain_frames:
            self.status = Status.UNCERTAIN
        elif self.status is Status.UNCERTAIN and quality >= settings.certain_quality:
            self.status = Status.TRACKING
        overdue = self.low_s >= settings.lost_after - 1e-9
        if self.status is Status.UNCERTAIN and overdue and quality < settings.lost_quality:
            self.status = Status.LOST
        return self.status

    def reacquire(self) -> None:
        """Return to TRACKING: the target was found again."""
        self.status, self.low_frames, self.low_s = Status.TRACKING, 0, 0.0
