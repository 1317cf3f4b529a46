# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Boxes ahead of their time, for a camera whose rotation is known."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stdtrack_ros.msg import TrackedBox
from stdtrack_ros.nodes.tracking.messages import predicted, seconds
from stdtrack_ros.settings import MotionSettings
from stdtrack_ros.tracker.motion import MotionModel

Shift = Callable[[float, float, float, float], NDArray[np.float64]]
"""(x, y) px, since and until (s) -> (2,) px that the camera's rotation moves what is seen there in that time."""
LONGEST_S = 1.0
"""Time between two boxes from which the velocity is estimated anew."""


@dataclass(slots=True)
class _Track:
    motion: MotionModel
    stamp_s: float
    frame_number: int


class SteadyPredictor:
    """Tells the motion of the targets from that of the camera.

    A velocity in the image is both together. A filter of the tracker's own kind, to which the camera's rotation is
    known, finds what is the target's; over the time ahead that velocity goes on, and the image moves as the camera
    turns.
    """

    def __init__(self) -> None:
        self._tracks: dict[str, _Track] = {}

    def forget(self) -> None:
        """Begin anew."""
        self._tracks.clear()

    def predict(self, box: TrackedBox, horizon_s: float, settings: MotionSettings, shift: Shift) -> TrackedBox:
        """Return what `messages.predicted` does, the camera's rotation taken into account.

        Raises:
            InputError: from `shift`; the target's velocity is then estimated anew.
        """
        place = np.array([box.x, box.y, box.width, box.height], dtype=np.float64)
        if not np.isfinite(place).all():
            self._tracks.pop(box.target_id, None)
            return predicted(box, horizon_s)
        track = self._tracks.pop(box.target_id, None)
        stamp_s, ahead_s = seconds(box.header.stamp), seconds(box.latency) + horizon_s
        x, y = (float(number) for number in place[:2] + place[2:] / 2)
        moved = shift(x, y, stamp_s, stamp_s + ahead_s)
        if track is None or box.frame_number <= track.frame_number or not 0 < stamp_s - track.stamp_s <= LONGEST_S:
            track = _Track(MotionModel(place, settings), stamp_s, box.frame_number)
            seen = np.array([box.velocity_x, box.velocity_y], dtype=np.float64)
            if np.isfinite(seen).all() and ahead_s > 0:
                track.motion.mean[4:] = seen - moved / ahead_s
        else:
            track.motion.predict(stamp_s - track.stamp_s, settings)
            x, y = (float(number) for number in track.motion.mean[:2])
            track.motion.mean[:2] += shift(x, y, track.stamp_s, stamp_s)
            if seconds(box.time_since_seen) == 0:
                track.motion.correct(place, box.quality, settings)
            track.stamp_s, track.frame_number = stamp_s, box.frame_number
        self._tracks[box.target_id] = track
        return predicted(box, horizon_s, track.motion.velocity, moved)
