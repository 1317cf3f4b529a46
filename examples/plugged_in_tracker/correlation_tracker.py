# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A small tracker of one's own for `stdtrack evaluate --plugin correlation`: it looks for the first frame's patch."""

import cv2
import numpy as np

REACH = 1.0
"""How far around the last box the patch is looked for, in sizes of the box."""


class CorrelationTracker:
    """Normalised cross-correlation with the patch of the first frame; the size never changes."""

    def initialize(self, image: np.ndarray, box: np.ndarray, stamp_s: float) -> None:
        """Take the patch in the box (x, y, width, height in px) of a (H, W, 3) uint8 BGR image."""
        self._box = np.round(box).astype(int)
        x, y, width, height = self._box
        self._patch = image[y : y + height, x : x + width].copy()

    def track(self, image: np.ndarray, stamp_s: float) -> tuple[np.ndarray, float]:
        """Return the box in the next image, and a confidence of 0 to 1."""
        x, y, width, height = self._box
        left, top = max(int(x - REACH * width), 0), max(int(y - REACH * height), 0)
        window = image[top : int(y + (1 + REACH) * height), left : int(x + (1 + REACH) * width)]
        if window.shape[0] < height or window.shape[1] < width:
            return np.full(4, np.nan), 0.0
        _, score, _, place = cv2.minMaxLoc(cv2.matchTemplate(window, self._patch, cv2.TM_CCOEFF_NORMED))
        self._box = np.array([left + place[0], top + place[1], width, height])
        return self._box.astype(float), max(score, 0.0)
