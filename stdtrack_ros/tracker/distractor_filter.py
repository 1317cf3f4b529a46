# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What was found may be something else, however sure the network is: a look-alike, or what stands there after a cut.

A target looks much as it did in some frame of the STM, the more so where it is not where it was expected; what does not
is refuted. A thing that the network took for the target and that was refuted is remembered by its place: as long as it
is seen there, and the target was expected elsewhere, it must be very much like the target to be believed.
"""

from __future__ import annotations

from stdtrack_ros.geometry import Box, iou
from stdtrack_ros.settings import StatusSettings

OVERLAP = 0.1
"""IoU under which two boxes are at different places."""
FORGET_S = 1.0
"""Time after which the place of a refuted thing that was not seen again says nothing any more."""


class Refutation:
    """Judges what was found by its likeness to the frames of the STM."""

    def __init__(self, settings: StatusSettings) -> None:
        self.settings = settings
        self._place: Box | None = None
        self._seen_s = 0.0

    def refutes(self, box: Box, quality: float, likeness: float, expected: Box) -> bool:
        """Whether the box of a followed target is something else.

        Args:
            box, expected: (4,) px, found and expected. quality: calibrated. likeness: cosine with the most alike frame
                of the STM.
        """
        rules = self.settings
        limit = rules.elsewhere_similarity if iou(box, expected) < OVERLAP else rules.memory_similarity
        if rules.enabled and likeness < limit:
            if quality >= rules.uncertain_quality:
                self._place, self._seen_s = box, 0.0
            return True
        return self.knows(box, likeness, expected)

    def knows(self, box: Box, likeness: float, expected: Box) -> bool:
        """Whether the box is that of the thing that was refuted last; its place moves on with it."""
        if self._place is None or likeness >= self.settings.refuted_similarity:
            return False
        if iou(box, self._place) < OVERLAP or iou(box, expected) >= OVERLAP:
            return False
        self._place, self._seen_s = box, 0.0
        return True

    def wait(self, elapsed_s: float) -> None:
        """Time goes on."""
        self._seen_s += elapsed_s
        if self._seen_s > FORGET_S:
            self._place = None

    def clear(self) -> None:
        """The target was seen: what was refuted before is no longer asked about."""
        self._place = None
