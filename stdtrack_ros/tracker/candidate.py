# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What one window showed, after distractors were rejected."""

from __future__ import annotations

from dataclasses import dataclass

from stdtrack_ros.geometry import Box
from stdtrack_ros.tracker.changed_look import UNCHANGED, Change
from stdtrack_ros.tracker.models.model import Prediction


@dataclass(frozen=True, slots=True, eq=False)
class Candidate:
    """What one window showed.

    Attributes:
        box: (4,) px, in the image; its size is kept steady.
        shown: (4,) px, the same as this frame alone shows it.
        quality: calibrated, 0..1; 0 if it was rejected.
        memory_similarity: cosine with the most similar frame of the STM, the last trusted one included; 1 if unknown.
        other_similarity: cosine with the most similar of the other things that the scene shows; NaN if none is known.
        prediction: what the model said of the window.
        rejected: it is a distractor, not the target.
        change: of its look, undone in the window.
    """

    box: Box
    shown: Box
    quality: float
    memory_similarity: float
    other_similarity: float
    prediction: Prediction
    rejected: bool = False
    change: Change = UNCHANGED

    def resembles(self, similarity: float) -> bool:
        """Return whether it was not rejected and is known to be at least as similar as this to a frame of the STM."""
        return not self.rejected and self.prediction.embedding is not None and self.memory_similarity >= similarity
