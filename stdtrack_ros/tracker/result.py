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
from stdtrack_ros.intensity import IntensityRange


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
        quality: 0..1, calibrated: the probability that the IoU with the ground truth is at least 0.5; 0 if what was
            found does not look like the target.
        token_quality: the paper's Q_t of this frame; NaN if the model has none.
        covariance: (4, 4) float64 of the box's (centre x, centre y, width, height) in px²: by its quality if it was
            seen, by the motion model if not; NaN if not estimated.
        velocity: (2,) float64 of the box centre in px/s; NaN if not known.
        time_since_seen_s: since the last frame with status TRACKING; 0 in such a frame.
        frame_number: 1 for the first frame after the initialisation.
        timings_ms: what each stage of this frame cost, by name.
        intensity: what of the sensor's numbers the network was shown as 8 bits; None: 8 bits as they were.
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
    intensity: IntensityRange | None = None
