# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Painted frames to measure on."""

from __future__ import annotations

import numpy as np

from stdtrack_ros.benchmark.footage import painted_footage


def test_painted_footage_moves_its_target_inside_the_frame() -> None:
    footage = painted_footage(320, 240, 30)
    assert len(footage.frames) == 31 and footage.frames[0].shape == (240, 320, 3)
    x, y, side, _ = footage.box.astype(int)
    patch = footage.frames[0][y : y + side, x : x + side]
    found = [
        (np.lib.stride_tricks.sliding_window_view(frame, patch.shape)[..., 0, :, :, :][::1] == patch).all((-1, -2, -3))
        for frame in (footage.frames[0], footage.frames[30])
    ]
    assert [each.sum() for each in found] == [1, 1]
    assert not np.array_equal(np.argwhere(found[0]), np.argwhere(found[1]))
