# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What every source of frames with boxes looks like, whatever it is read from."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from stdtrack_ros.geometry import Box, Pixels


class Sequence(Protocol):
    """Frames of one video with the boxes of one target."""

    @property
    def name(self) -> str:
        """Unique within its data set, fit for a file name."""

    @property
    def boxes(self) -> Box:
        """(N, 4) float64, x, y, width, height in pixels, one row per frame; a row of NaN: absent, or not known."""

    @property
    def stamps_s(self) -> NDArray[np.float64]:
        """(N,) capture times in seconds, not decreasing; frame rate assumed if the source has none."""

    @property
    def attributes(self) -> frozenset[str]:
        """The benchmark's attribute tags of this sequence; empty if there are none."""

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences on what was odd in the source and how it was handled, for reports; empty if nothing was."""

    def __len__(self) -> int:
        """Return the number of frames N."""

    def frame(self, index: int) -> Pixels:
        """Return (H, W, 3) BGR, uint8 or, for sources of more than 8 bits, uint16 (`images.to_bgr8` makes it 8 bits).

        Raises:
            SequenceError: the frame cannot be read, with its file and the reason.
        """
