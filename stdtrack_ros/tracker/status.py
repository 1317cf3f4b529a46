# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Is the target still there? TRACKING, UNCERTAIN and LOST, with hysteresis on calibrated quality and time."""

from __future__ import annotations

from stdtrack_ros.settings import StatusSettings
from stdtrack_ros.tracker.result import Status


class TrackStatusMachine:
    """The state of one target.

    TRACKING becomes UNCERTAIN after `uncertain_frames` frames in a row under `uncertain_quality`; UNCERTAIN becomes
    TRACKING at the first frame of at least `certain_quality`, and LOST when no frame has reached `uncertain_quality`
    for `lost_after` seconds and the current one is under `lost_quality`. LOST ends by `found` alone.
    """

    def __init__(self, settings: StatusSettings) -> None:
        self.settings = settings
        self.status = Status.TRACKING
        self._doubtful_frames = 0
        self._doubtful_s = 0.0

    def update(self, quality: float, elapsed_s: float) -> Status:
        """The status after a frame of this quality, `elapsed_s` after the one before."""
        if not self.settings.enabled:
            return self.status
        if quality >= self.settings.uncertain_quality:
            self._doubtful_frames, self._doubtful_s = 0, 0.0
        else:
            self._doubtful_frames += 1
            self._doubtful_s += elapsed_s
        if self.status is Status.TRACKING and self._doubtful_frames >= self.settings.uncertain_frames:
            self.status = Status.UNCERTAIN
        elif self.status is Status.UNCERTAIN and quality >= self.settings.certain_quality:
            self.status = Status.TRACKING
        if (
            self.status is Status.UNCERTAIN
            and self._doubtful_s >= self.settings.lost_after - 1e-9
            and quality < self.settings.lost_quality
        ):
            self.status = Status.LOST
        return self.status

    def found(self) -> None:
        """The target was found again: TRACKING."""
        self.status = Status.TRACKING
        self._doubtful_frames, self._doubtful_s = 0, 0.0
