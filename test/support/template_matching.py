# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A `Model` without weights: normalised cross-correlation at a few sizes. A real tracker of square, rigid targets.

Run as a program it is `tracker_node` with this model.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from stdtrack_ros.geometry import Box, Image
from stdtrack_ros.settings import TrackerSettings
from stdtrack_ros.tracker.frame_view import FrameView
from stdtrack_ros.tracker.models.model import ModelInfo, Prediction

PATCH = 32
"""Side of the target in both crops: the template's window is 2 targets wide, the search's 4."""
SCALES = (0.97, 1.0, 1.03)


INFO = ModelInfo(
    name="template_matching",
    backend="opencv",
    provider="CPU",
    precision="fp32",
    note="",
    sha256="0" * 64,
    template_size=2 * PATCH,
    template_factor=2.0,
    search_size=4 * PATCH,
    search_factor=4.0,
    large_search_factor=4.0,
)


@dataclass
class TemplateMatching:
    """Finds the patch of the first frame; `delay_s` stands for a slow network."""

    delay_s: float = 0.0
    info: ModelInfo = INFO

    def start(self, frame: FrameView, box: Box) -> Image:
        """Cut the middle of the template's crop."""
        template = frame.extract_around(box, self.info.template_factor, self.info.template_size)
        return template[PATCH // 2 : -PATCH // 2, PATCH // 2 : -PATCH // 2].copy()

    def step(self, states: Sequence[Image], searches: Image, window_influences: Sequence[float]) -> list[Prediction]:
        """Find the best place in each search crop; quality 0 at a correlation of 0.5, 1 at 1."""
        time.sleep(self.delay_s)
        return [self._find(patch, search) for patch, search in zip(states, searches, strict=True)]

    def remember(self, state: Image, prediction: Prediction, frame: FrameView, box: Box) -> Image:
        """Keep the patch of the first frame."""
        return state

    def similarity(self, state: Image, prediction: Prediction) -> float:
        """Return 1: there is no appearance to compare."""
        return 1.0

    def without_memory(self, state: Image) -> Image:
        """There is none."""
        return state

    def with_memory_of(self, state: Image, other: Image) -> Image:
        """There is none."""
        return state

    def with_templates_of(self, state: Image, others: Sequence[Image]) -> Image:
        """Return the mean patch."""
        return np.mean(others, axis=0).astype(np.uint8)

    def _find(self, patch: Image, search: Image) -> Prediction:
        best = (-1.0, (0, 0), PATCH)
        for scale in SCALES:
            side = round(PATCH * scale)
            scores = cv2.matchTemplate(search, cv2.resize(patch, (side, side)), cv2.TM_CCOEFF_NORMED)
            _, score, _, place = cv2.minMaxLoc(np.nan_to_num(scores, nan=-1.0, posinf=-1.0, neginf=-1.0))
            best = max(best, (score, place, side))
        score, (x, y), side = best
        quality = float(np.clip(2.0 * score - 1.0, 0.0, 1.0))
        return Prediction(np.array([x, y, side, side], dtype=np.float64), quality, quality)


def load(settings: TrackerSettings) -> TemplateMatching:
    """Load the model; it takes `model.threads` milliseconds longer if that is over 1."""
    return TemplateMatching(settings.model.threads / 1000.0 if settings.model.threads > 1 else 0.0)


if __name__ == "__main__":
    from stdtrack_ros.nodes.tracking.tracker_node import main

    main(load=load)
