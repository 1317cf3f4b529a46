# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""How large a search window a target needs: the small one while it is sure and slow, the large one otherwise.

Both are resampled to the same network input: the large one reaches further and shows the target with fewer pixels.
"""

from __future__ import annotations

from dataclasses import dataclass

from stdtrack_ros.settings import SearchSettings

LOW_RATE_S = 0.125
"""Interval from which a target may have gone anywhere in between, whatever its speed was."""
DROPPED = 1.8
"""Interval in units of the usual one from which frames were dropped."""
CALM_FRAMES = 5
"""Frames in a row without any need for the large window after which the small one does."""


@dataclass(slots=True)
class SearchWindow:
    """The choice of one target, with hysteresis: large at once, small only after `CALM_FRAMES`.

    Attributes:
        large: the last choice.
        calm_frames: frames in a row without need for it.
        interval_s: the usual interval between frames; 0 before the first.
    """

    large: bool = False
    calm_frames: int = CALM_FRAMES
    interval_s: float = 0.0

    def choose(self, doubtful: bool, speed: float, elapsed_s: float, settings: SearchSettings) -> bool:
        """Choose for the next frame; return whether the window is the large one.

        Args:
            doubtful: the target was not surely seen in the frame before.
            speed: of its centre, target sizes/s.
            elapsed_s: from the frame before to this one.
        """
        dropped = self.interval_s > 0 and elapsed_s > DROPPED * self.interval_s
        self.interval_s += (elapsed_s - self.interval_s) * (0.1 if self.interval_s > 0 else 1.0)
        fast = speed * elapsed_s > settings.fast_motion
        self.calm_frames = 0 if doubtful or dropped or fast or elapsed_s >= LOW_RATE_S else self.calm_frames + 1
        if settings.window == "auto":
            self.large = self.calm_frames < CALM_FRAMES
        else:
            self.large = settings.window == "large"
        return self.large
