# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Reject distractors: what was found may be a look-alike, or the background after a cut, however sure the network is.

The target resembles itself in some frame of the STM. What does not is rejected, sooner if it is not where it was
expected. A distractor that the network took for the target is remembered by its place: as long as it is seen there, and
the target was expected elsewhere, it must resemble the target closely to be believed.
"""

from __future__ import annotations

from stdtrack_ros.geometry import Box, iou
from stdtrack_ros.settings import StatusSettings

OVERLAP = 0.1
"""IoU under which two boxes are at different places."""
FORGET_S = 1.0
"""Time after which the place of a rejected thing that was not seen again says nothing any more."""


class DistractorFilter:
    """Judges what was found by its similarity to the frames of the STM."""

    def __init__(self, settings: StatusSettings) -> None:
        self.settings = settings
        self._place: Box | None = None
        self._seen_s = 0.0

    def rejects(self, box: Box, quality: float, similarity: float, expected: Box) -> bool:
        """Whether the box of a followed target is something else.

        Args:
            box, expected: (4,) px, found and expected.
            quality: calibrated.
            similarity: cosine with the most similar frame of the STM.
        """
        rules = self.settings
        limit = rules.elsewhere_similarity if iou(box, expected) < OVERLAP else rules.memory_similarity
        if rules.enabled and similarity < limit:
            if quality >= rules.uncertain_quality:
                self._place, self._seen_s = box, 0.0
            return True
        return self.is_known_distractor(box, similarity, expected)

    def is_known_distractor(self, box: Box, similarity: float, expected: Box) -> bool:
        """Whether the box is that of the thing that was rejected last; its place moves on with it."""
        if self._place is None or similarity >= self.settings.distractor_similarity:
            return False
        if iou(box, self._place) < OVERLAP or iou(box, expected) >= OVERLAP:
            return False
        self._place, self._seen_s = box, 0.0
        return True

    def advance(self, elapsed_s: float) -> None:
        """Time goes on."""
        self._seen_s += elapsed_s
        if self._seen_s > FORGET_S:
            self._place = None

    def clear(self) -> None:
        """The target was seen: what was rejected before is no longer asked about."""
        self._place = None
