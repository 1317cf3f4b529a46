# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Boxes around a point."""

from __future__ import annotations

import numpy as np
import pytest

from stdtrack_ros.errors import InputError
from stdtrack_ros.geometry import iou
from stdtrack_ros.tracker.box_proposal import propose_box


def painted(box: tuple[int, int, int, int], seed: int = 0) -> np.ndarray:
    """Paint a speckled thing on a smooth ground."""
    random = np.random.default_rng(seed)
    image = np.full((240, 320, 3), (120, 150, 110), np.uint8)
    image += random.integers(0, 6, image.shape, dtype=np.uint8)
    x, y, width, height = box
    image[y : y + height, x : x + width] = random.integers(0, 90, (height, width, 3), dtype=np.uint8)
    return image


@pytest.mark.parametrize("box", [(140, 100, 40, 40), (60, 40, 30, 60)])
def test_a_thing_that_stands_out_is_boxed(box: tuple[int, int, int, int]) -> None:
    x, y, width, height = box
    found = propose_box(painted(box), x + width / 2 + 0.1 * width, y + height / 2 - 0.1 * height)
    assert iou(found, box) > 0.5


def test_the_same_tap_gives_the_same_box() -> None:
    image = painted((140, 100, 40, 40))
    assert (propose_box(image, 158, 118) == propose_box(image, 158, 118)).all()


@pytest.mark.parametrize("size", [(9, 9), (1, 1), (30, 400)])
def test_no_image_is_too_small(size: tuple[int, int]) -> None:
    image = np.random.default_rng(0).integers(0, 255, (*size, 3), dtype=np.uint8)
    box = propose_box(image, 0.5, 0.5)
    assert np.isfinite(box).all() and (box[2:] > 0).all()


def test_a_flat_image_still_gives_a_box_around_the_point() -> None:
    box = propose_box(np.full((120, 160, 3), 77, np.uint8), 80, 60)
    assert box[0] < 80 < box[0] + box[2] and box[1] < 60 < box[1] + box[3]


@pytest.mark.parametrize("place", [(-1, 5), (320, 5), (5, 240), (float("nan"), 5), (5, float("inf"))])
def test_a_point_outside_is_refused(place: tuple[float, float]) -> None:
    with pytest.raises(InputError, match="lies outside the image of 320x240"):
        propose_box(painted((140, 100, 40, 40)), *place)
