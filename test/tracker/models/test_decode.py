# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""From maps to a box."""

from __future__ import annotations

import numpy as np

from stdtrack_ros.tracker.models.decode import decode, hann


def test_decoding_names_the_cell_and_its_box() -> None:
    score, size, offset = (
        np.zeros((16, 16), np.float32),
        np.zeros((2, 16, 16), np.float32),
        np.zeros((2, 16, 16), np.float32),
    )
    score[4, 10] = 0.9
    size[:, 4, 10], offset[:, 4, 10] = (0.25, 0.5), (0.5, -0.25)
    box = decode(score, size, offset, 256, 0.5)
    np.testing.assert_allclose(box, ((10.5 + 0.5) * 16 - 32, (4.5 - 0.25) * 16 - 64, 64, 128))


def test_the_window_prefers_the_middle_only_as_far_as_it_is_asked_to() -> None:
    score = np.zeros((16, 16), np.float32)
    score[8, 8], score[1, 1] = 0.6, 0.7
    none = np.zeros((2, 16, 16), np.float32)
    centers = [decode(score, none, none, 256, influence)[:2] for influence in (0.0, 1.0)]
    assert centers[0][0] < 64 and centers[1][0] > 100
    assert hann(16, 16).min() > 0
