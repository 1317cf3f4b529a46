# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Boxes and windows: computed by hand, and there and back."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stdtrack_ros.geometry import Crop, box_center, box_from_center, clip_box, iou, mean_color

PLACES = st.floats(-3000, 3000, allow_nan=False)
SIZES = st.floats(1, 4000)


def test_iou_by_hand() -> None:
    boxes = np.array([[0, 0, 10, 10], [5, 5, 10, 10], [20, 20, 5, 5], [0, 0, 10, 10], [0, 0, np.nan, 10]])
    found = iou(boxes[[0, 0, 0, 0]], boxes[[1, 2, 3, 4]])
    np.testing.assert_allclose(found, [25 / 175, 0.0, 1.0, np.nan])
    assert float(iou([0, 0, 0, 0], [0, 0, 0, 0])) == 0.0


@given(x=PLACES, y=PLACES, width=SIZES, height=SIZES, factor=st.floats(1, 8), size=st.integers(32, 512))
@settings(max_examples=200, deadline=None)
def test_boxes_go_into_a_crop_and_back(
    x: float, y: float, width: float, height: float, factor: float, size: int
) -> None:
    box = np.array([x, y, width, height])
    crop = Crop.around(box, factor, size)
    inside = crop.to_crop(box)
    np.testing.assert_allclose(box_center(inside), size / 2, atol=1e-6)
    assert np.sqrt(inside[2] * inside[3]) == pytest.approx(size / factor, rel=1e-6)
    np.testing.assert_allclose(crop.to_image(inside), box, rtol=1e-9, atol=1e-6)


@pytest.mark.parametrize("side_px", [40, 128, 256, 700, 1500])
def test_a_square_is_in_the_crop_where_its_box_says(side_px: int) -> None:
    """Crops that enlarge, that shrink a little, and that shrink so much that areas are averaged first."""
    image = np.zeros((900, 1600, 3), np.uint8)
    side = side_px // 3
    box = np.array([700, 300, side, side])
    image[300 : 300 + side, 700 : 700 + side] = 255
    crop = Crop(700 + side / 2 + 5, 300 + side / 2 - 3, side_px, 256)
    found = crop.extract(image)[..., 0] > 127
    rows, columns = np.nonzero(found)
    x, y, width, height = crop.to_crop(box)
    np.testing.assert_allclose(
        (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1), (x, y, x + width, y + height), atol=1.01
    )


def test_outside_the_image_is_the_mean_colour() -> None:
    image = np.zeros((100, 100, 3), np.uint8)
    image[:, 50:] = (10, 100, 200)
    assert mean_color(image) == (5, 50, 100)
    crop = Crop(0, 0, 100, 64).extract(image)
    np.testing.assert_array_equal(crop[0, 0], (5, 50, 100))
    np.testing.assert_array_equal(crop[-2, -2], (0, 0, 0))
    np.testing.assert_array_equal(Crop(-900, -900, 100, 64).extract(image), np.full((64, 64, 3), (5, 50, 100)))


@given(x=PLACES, y=PLACES, width=st.floats(0.5, 4000), height=st.floats(0.5, 4000))
@settings(max_examples=200, deadline=None)
def test_a_clipped_box_lies_in_the_image_and_keeps_a_part(x: float, y: float, width: float, height: float) -> None:
    left, top, clipped_width, clipped_height = clip_box([x, y, width, height], 640, 480)
    assert left >= 0 and top >= 0
    assert left + clipped_width <= 640 + 1e-6 and top + clipped_height <= 480 + 1e-6
    assert clipped_width >= min(width, 10) - 1e-6 and clipped_height >= min(height, 10) - 1e-6


def test_a_box_inside_the_image_is_not_clipped() -> None:
    np.testing.assert_array_equal(clip_box([10, 20, 30, 40], 640, 480), [10, 20, 30, 40])
    np.testing.assert_array_equal(box_from_center(25, 40, 30, 40), [10, 20, 30, 40])
