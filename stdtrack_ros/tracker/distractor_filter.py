# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Reject distractors: what was found may be a look-alike, or the background after a cut, however sure the network is.

The target resembles itself in some frame of the STM. What does not is rejected, sooner if it is not where it was
expected. A distractor that the network took for the target is remembered by its place: as long as it is seen there, and
the target was expected elsewhere, it must resemble the target closely to be believed.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from stdtrack_ros.geometry import Box, iou
from stdtrack_ros.settings import StatusSettings

OVERLAP = 0.1
"""IoU under which two boxes are at different places."""
APART = 0.1
"""By this much more than anything else that the scene shows, the target resembles a frame of the STM."""
FORGET_S = 1.0
"""Time after which the place of a distractor that was not seen again is forgotten."""


@dataclass(slots=True)
class DistractorFilter:
    """Compares what was found with the frames of the STM by similarity, and keeps the place of the last distractor.

    Attributes:
        place: (4,) px box of the last distractor that the network took for the target, None if there is none.
        unseen_s: seconds since it was seen there.
    """

    place: Box | None = None
    unseen_s: float = 0.0

    def rejects(
        self,
        box: Box,
        quality: float,
        similarity: float,
        expected: Box,
        settings: StatusSettings,
        sparse: bool = False,
    ) -> bool:
        """Return whether the box found for a followed target is something else.

        Args:
            box, expected: (4,) px, found and expected.
            quality: calibrated, 0..1.
            similarity: cosine with the most similar frame of the STM.
            sparse: the frame before was long ago.
        """
        here = settings.sparse_similarity if sparse else settings.memory_similarity
        elsewhere = bool(iou(box, expected) < OVERLAP)
        limit = settings.elsewhere_similarity if elsewhere else here
        if settings.enabled and similarity < limit:
            if quality >= settings.uncertain_quality:
                self.place, self.unseen_s = box, 0.0
            return True
        return self.is_known_distractor(box, similarity, expected, settings)

    def is_known_distractor(
        self, box: Box, similarity: float, expected: Box, settings: StatusSettings, other: float = math.nan
    ) -> bool:
        """Return whether the box is that of the last distractor; if so, its place moves on with it.

        Args:
            box, similarity, expected: as in `rejects`.
            other: cosine with the most similar of the other things that the scene shows; NaN if none is known.
        """
        if self.place is None or similarity >= settings.distractor_similarity or similarity - other >= APART:
            return False
        if iou(box, self.place) < OVERLAP or iou(box, expected) >= OVERLAP:
            return False
        self.place, self.unseen_s = box, 0.0
        return True

    def advance(self, elapsed_s: float) -> None:
        """Let time pass; a distractor that is not seen is forgotten."""
        self.unseen_s += elapsed_s
        if self.unseen_s > FORGET_S:
            self.place = None

    def clear(self) -> None:
        """Forget the distractor: the target itself was seen."""
        self.place = None
