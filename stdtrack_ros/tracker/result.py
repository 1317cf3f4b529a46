# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What comes out of a tracker for one frame."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from stdtrack_ros.geometry import Box


class Status(IntEnum):
    """State of a target, with the numbers of `TrackedBox.msg`."""

    NONE = 0
    TRACKING = 1
    UNCERTAIN = 2
    LOST = 3


@dataclass(frozen=True, slots=True)
class TrackResult:
    """Where a target is in one frame.

    Attributes:
        box: (4,) float64 x, y, width, height in pixels of the frame; while LOST the motion model's best guess.
        status: TRACKING, UNCERTAIN or LOST.
        quality: 0..1, calibrated: the chance that the IoU with the truth is at least 0.5; 0 where what was found does
            not look like the target.
        token_quality: the paper's Q_t of this frame; NaN where a model has none.
        covariance: (4, 4) float64 of the box's (centre x, centre y, width, height) in px²: by its quality where it was
            seen, by the motion model where it was not; NaN where not estimated.
        velocity: (2,) float64 of the box centre in px/s; NaN where not known.
        time_since_seen_s: since the last frame with status TRACKING; 0 in such a frame.
        frame_number: 1 for the first frame after the initialisation.
        timings_ms: what each stage of this frame cost, by name.
    """

    box: Box
    status: Status
    quality: float
    token_quality: float
    covariance: NDArray[np.float64]
    velocity: NDArray[np.float64]
    time_since_seen_s: float
    frame_number: int
    timings_ms: Mapping[str, float]
