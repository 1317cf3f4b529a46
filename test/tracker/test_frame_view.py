# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""An image as the network sees it: windows by value, and more than 8 bits in the held range."""

from __future__ import annotations

import numpy as np

from stdtrack_ros.geometry import Crop
from stdtrack_ros.intensity import IntensityRange
from stdtrack_ros.tracker.frame_view import FrameView


def test_a_window_of_the_same_scale_is_the_part_of_the_image() -> None:
    image = np.random.default_rng(0).integers(0, 256, (40, 60, 3), dtype=np.uint8)
    view = FrameView(image)
    assert (view.width, view.height) == (60, 40)
    # A box of 8x8 px and a factor of 2: the window of 16 px around its centre (20, 14).
    assert np.array_equal(view.extract_around(np.array([16.0, 10, 8, 8]), 2.0, 16), image[6:22, 12:28])


def test_grey_of_16_bits_is_shown_in_its_range() -> None:
    image = np.full((32, 32), 3000, np.uint16)
    image[:, 16:] = 4000
    shown = FrameView(image, IntensityRange(2000.0, 4000.0)).extract(Crop.around(np.array([8.0, 8, 16, 16]), 1.0, 16))
    assert shown.shape == (16, 16, 3) and shown.dtype == np.uint8
    assert (shown[:, 0] == 128).all() and (shown[:, -1] == 255).all()
