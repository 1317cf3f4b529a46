# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Another sequence, through a camera that shakes."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from stdtrack_ros.geometry import Box, Pixels
from stdtrack_ros.sequences.sequence import Sequence


class ShakingSequence:
    """A `Sequence` whose pictures are moved by whole pixels, each for itself; the first one stays.

    What comes in at the edges is the edge's own row or column again. The same sequence is always moved alike.
    """

    def __init__(self, base: Sequence, deviation: float) -> None:
        """Move pictures by a standard deviation along each axis, in units of sqrt(width * height) of the first box."""
        self.base = base
        self.name, self.attributes, self.notes = base.name, base.attributes, base.notes
        size = float(np.sqrt(base.boxes[0, 2:].prod()))
        self.shifts = np.round(np.random.default_rng(len(base)).normal(0.0, deviation * size, (len(base), 2)))
        self.shifts[0] = 0.0

    @property
    def boxes(self) -> Box:
        """See `Sequence`."""
        return self.base.boxes + np.hstack((self.shifts, np.zeros_like(self.shifts)))

    @property
    def stamps_s(self) -> NDArray[np.float64]:
        """See `Sequence`."""
        return self.base.stamps_s

    def __len__(self) -> int:
        return len(self.base)

    def frame(self, index: int) -> Pixels:
        """See `Sequence`."""
        picture, shift = self.base.frame(index), np.hstack((np.eye(2), self.shifts[index][:, None]))
        size = (picture.shape[1], picture.shape[0])
        moved: Pixels = cv2.warpAffine(picture, shift, size, flags=cv2.INTER_NEAREST, borderMode=cv2.BORDER_REPLICATE)
        return moved
