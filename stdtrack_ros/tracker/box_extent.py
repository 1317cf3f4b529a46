# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What belongs to a target: the box of its start says so, and later boxes are drawn alike.

Whether a car's mirrors, a bird's wings or a runner's feet belong in the box is for whoever starts the target to say;
the network cannot know. The box of the start tells, set beside the first boxes that the network draws.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from stdtrack_ros.geometry import Box, box_center, box_from_center

EXTENT_FRAMES = 3
"""Frames that are compared with the start: few, since the target itself changes."""
MAX_LOG_RATIO = 0.35
"""Limit of what is taken over: a side changes by a factor of 1.42 at most."""


@dataclass(slots=True)
class BoxExtent:
    """Ratios of the sides of the box of the start to those of the first boxes that the network draws.

    Attributes:
        start_size: (2,) px, width and height of the box of the start.
        known: no edge of the image cut that box; otherwise it says nothing, and nothing is compared.
        log_ratio: (2,) mean logarithm of its ratio to those of the network.
        frames: compared so far.
    """

    start_size: NDArray[np.float64]
    known: bool
    log_ratio: NDArray[np.float64] = field(default_factory=lambda: np.zeros(2))
    frames: int = 0

    def compare(self, box: Box) -> None:
        """Compare one of the first boxes, (4,) px as the network draws it, with the start; later ones are left out."""
        if self.known and self.frames < EXTENT_FRAMES:
            self.frames += 1
            self.log_ratio = self.log_ratio + (np.log(self.start_size / box[2:]) - self.log_ratio) / self.frames

    def adapt(self, box: Box, weight: float) -> Box:
        """Return a (4,) box of the network with its sides changed by this part of the ratio, about its centre."""
        change = np.clip(weight * self.log_ratio, -MAX_LOG_RATIO, MAX_LOG_RATIO)
        return box_from_center(*box_center(box), *(box[2:] * np.exp(change)))
