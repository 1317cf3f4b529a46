# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What belongs to a target: the box of its start says so, and later boxes are drawn alike.

Whether a car's mirrors, a bird's wings or a runner's feet belong in the box is for whoever starts the target to say;
the network cannot know. The box of the start tells, set beside what the network draws in that same frame, in a small
search window and in a large one, and beside the first boxes that it draws later.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from stdtrack_ros.geometry import Box, box_center, box_from_center, iou

EXTENT_FRAMES = 3
"""Frames that are compared with the start: few, since the target itself changes."""
MAX_LOG_RATIO = 0.35
"""Limit of what is taken over: a side changes by a factor of 1.42 at most."""
START_FRAMES = 1.0
"""Frames for which the frame of the start counts, in which nothing has moved, but template and search are one."""
SAME_IOU = 0.3
"""IoU with the box of the start from which the network has found the target in its own frame."""


@dataclass(slots=True)
class BoxExtent:
    """Ratios of the sides of the box of the start to those that the network draws, as logarithms.

    Attributes:
        start: (4,) px, the box of the start.
        known: no edge of the image cut that box; otherwise it says nothing, and nothing is compared.
        at_start: (2, 2) of width and height in the frame of the start, in a small window and in a large one.
        found_at_start: (2,) whether the network found the target there.
        later: (2,) mean of what the ratios in the first frames differ by from those.
        frames: compared after the start so far.
    """

    start: Box
    known: bool
    at_start: NDArray[np.float64] = field(default_factory=lambda: np.zeros((2, 2)))
    found_at_start: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(2, np.bool_))
    later: NDArray[np.float64] = field(default_factory=lambda: np.zeros(2))
    frames: int = 0

    def compare_at_start(self, box: Box, large: bool) -> None:
        """Compare the (4,) px box that the network draws in the frame of the start, in one of the windows."""
        if self.known and iou(box, self.start) >= SAME_IOU:
            self.at_start[int(large)] = self._log_ratio(box)
            self.found_at_start[int(large)] = True

    def compare(self, box: Box, large: bool) -> None:
        """Compare one of the first boxes, (4,) px as the network draws it, with the start; later ones are left out."""
        if self.known and self.frames < EXTENT_FRAMES:
            self.frames += 1
            self.later = (
                self.later + (self._log_ratio(box) - self._log_ratio_at_start(large) - self.later) / self.frames
            )

    def adapt(self, box: Box, weight: float, large: bool) -> Box:
        """Return a (4,) box of the network with its sides changed by this part of the ratio, about its centre.

        Args:
            box: px, found in a large search window or in a small one.
            weight: 0..1.
            large: which.
        """
        counted = self.frames + START_FRAMES * self.found_at_start.any()
        log_ratio = self._log_ratio_at_start(large) + self.later * self.frames / max(counted, 1)
        change = np.clip(weight * log_ratio, -MAX_LOG_RATIO, MAX_LOG_RATIO)
        return box_from_center(*box_center(box), *(box[2:] * np.exp(change)))

    def _log_ratio_at_start(self, large: bool) -> NDArray[np.float64]:
        """Return (2,) of a window or, if the target was found only in the other one, of that; 0 if in none."""
        found = bool(self.found_at_start[int(large)])
        ratio: NDArray[np.float64] = self.at_start[int(large if found else not large)]
        return ratio

    def _log_ratio(self, box: Box) -> NDArray[np.float64]:
        return np.asarray(np.log(self.start[2:] / np.maximum(box[2:], 1e-3)), np.float64)
