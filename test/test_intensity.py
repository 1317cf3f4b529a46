# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What of a sensor's numbers is shown: robustly measured, held, and moved on slowly."""

from __future__ import annotations

import numpy as np
import pytest

from stdtrack_ros.geometry import Crop
from stdtrack_ros.intensity import MARGIN, MIN_SPAN, IntensityRange, held_range
from stdtrack_ros.tracker.frame_view import FrameView

RAMP = np.linspace(7000, 9500, 120 * 160).round().astype(np.uint16).reshape(120, 160)
BOX = np.array([40.0, 30.0, 20.0, 10.0])


def test_the_range_of_a_thermal_image_is_what_it_uses_and_a_margin() -> None:
    shown = IntensityRange.measure(RAMP)
    assert shown.low == pytest.approx(7000 - MARGIN * 2500, abs=20)
    assert shown.high == pytest.approx(9500 + MARGIN * 2500, abs=20)
    eight = shown.to_8_bits(RAMP)
    assert eight.dtype == np.uint8 and len(np.unique(eight)) > 225
    assert (np.diff(eight.ravel().astype(int)) >= 0).all()


def test_dead_pixels_do_not_set_the_range() -> None:
    spoiled = RAMP.copy()
    spoiled[5, 5:35], spoiled[7, 5:35] = 65535, 0
    assert IntensityRange.measure(spoiled).span < 1.2 * IntensityRange.measure(RAMP).span


@pytest.mark.parametrize("dead", [0, 65535])
def test_a_dead_pixel_in_a_small_box_does_not_set_the_range(dead: int) -> None:
    image = np.tile(np.arange(7000, 7064, dtype=np.uint16), (48, 1))
    whole = IntensityRange.measure(image, np.array((20.0, 20.0, 4.0, 3.0)))
    image[21, 22] = dead
    spoiled = IntensityRange.measure(image, np.array((20.0, 20.0, 4.0, 3.0)))
    assert (spoiled.low, spoiled.high) == pytest.approx((whole.low, whole.high), abs=1.0)


@pytest.mark.parametrize("size", [1.0, 2.0])
def test_a_box_of_a_pixel_or_four_has_a_range(size: float) -> None:
    image = np.tile(np.arange(7000, 7064, dtype=np.uint16), (48, 1))
    found = IntensityRange.measure(image, np.array((20.0, 20.0, size, size)))
    assert found.low < 7000 and found.high > 7063


def test_a_small_hot_target_lies_inside_the_range_though_it_is_among_the_extreme_pixels() -> None:
    image = np.full((480, 640), 7000, np.uint16)
    image[:, ::2] += 100
    image[33:38, 48:53] = 12000
    assert IntensityRange.measure(image).high < 8000
    assert IntensityRange.measure(image, BOX).high > 11000


def test_a_scene_without_contrast_is_not_blown_up_to_noise() -> None:
    noise = np.random.default_rng(0).integers(29450, 29453, (60, 80), dtype=np.uint16)
    shown = IntensityRange.measure(noise)
    assert shown.span == pytest.approx(MIN_SPAN)
    assert np.ptp(shown.to_8_bits(noise)) < 40


def test_colours_share_one_range_so_that_hues_stay() -> None:
    image = np.zeros((40, 40, 3), np.uint16)
    image[..., 0], image[..., 1] = 1000, 500
    image[::2] //= 2
    eight = IntensityRange(0, 1000).to_8_bits(image)
    assert eight[1, 0].tolist() == [255, 128, 0]


def test_a_range_that_no_longer_fits_is_seen() -> None:
    shown = IntensityRange.measure(RAMP)
    assert shown.fits(RAMP) and shown.fits(RAMP + 300)
    assert not shown.fits(RAMP + 1500) and not shown.fits(RAMP * 3)


def test_a_range_moves_on_by_its_weight() -> None:
    assert IntensityRange(0, 100).blend(IntensityRange(100, 300), 0.25) == IntensityRange(25, 150)


def test_8_bits_are_left_as_they_are_unless_they_use_few_levels() -> None:
    usual = np.arange(256, dtype=np.uint8).repeat(64).reshape(128, 128)
    assert held_range(usual, BOX) is None
    faint = (usual // 8 + 100).astype(np.uint8)
    shown = held_range(faint, BOX)
    assert shown is not None and np.ptp(shown.to_8_bits(faint)) > 200


def test_few_levels_are_spread_before_a_window_is_rounded() -> None:
    """Sixteen levels, 16 counts of 255 apart once shown: enlarged four times, what lies between them is not lost."""
    image = np.tile(np.repeat(np.arange(100, 116, dtype=np.uint8), 4), (64, 1))
    shown = IntensityRange(100.0, 115.0)
    crop = Crop(32.0, 32.0, 60.0, 240)
    window = FrameView(image, shown).extract(crop)
    assert len(np.unique(window)) > 40
    inside = slice(4, -4)  # the outermost pixels are mixed with the colour of what lies outside
    expected = crop.extract(shown.to_8_bits(image))[inside, inside]
    np.testing.assert_allclose(window[inside, inside, 0].astype(int), expected, atol=1)
