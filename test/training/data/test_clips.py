# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from painted_data import noise

from stdtrack_ros.geometry import Crop
from stdtrack_ros.training.data.clips import (
    CANVAS_SIZE,
    Clip,
    assemble,
    canvas_crops,
    collate,
    extract_canvas,
    template_crop,
)

SIZES = st.floats(2, 400)
PLACES = st.floats(-100, 900)


@given(PLACES, PLACES, SIZES, SIZES, st.floats(-1.6, 1.6), st.floats(-1.6, 1.6))
def test_a_canvas_holds_the_search_window_on_the_previous_box(
    x: float, y: float, width: float, height: float, step_x: float, step_y: float
) -> None:
    size = np.sqrt(width * height)
    before = np.array([x, y, width, height])
    after = before + np.array([step_x * size, step_y * size, 0, 0])
    _, crop = canvas_crops(np.stack([before, after]))
    window = Crop.around(before, 4.0, 256)
    left, top, side, _ = crop.to_crop(
        [window.center_x - window.side_px / 2, window.center_y - window.side_px / 2, window.side_px, 1]
    )
    rounding = 1.5 * crop.scale  # the canvas's edges lie between pixels
    assert left > -rounding and left + side < CANVAS_SIZE + rounding
    assert top > -rounding and top + side < CANVAS_SIZE + rounding


def test_canvases_are_scaled_by_the_previous_box_and_centred_between() -> None:
    first, second = canvas_crops(np.array([[100.0, 100, 40, 40], [120.0, 100, 80, 80]]))
    assert (first.side_px, second.side_px) == (280, 280)
    assert (first.center_x, first.center_y) == (120, 120)
    assert (second.center_x, second.center_y) == (140, 130)  # between (120, 120) and (160, 140)
    assert first.to_crop([100, 100, 40, 40])[2] == 64


@pytest.mark.parametrize("side", [70.0, 448.0, 600.0, 1400.0])
@pytest.mark.parametrize("left", [-120.0, 40.0, 380.0])
def test_the_quick_cut_is_the_crop(side: float, left: float) -> None:
    image = np.zeros((300, 420, 3), np.uint8)
    image[100:180, 90:200] = (200, 100, 50)
    image[200:, :] = 255
    crop = Crop(left + side / 2, 20 + side / 2, side, CANVAS_SIZE)
    canvas = np.empty((CANVAS_SIZE, CANVAS_SIZE, 3), np.uint8)
    extract_canvas(image, crop, canvas)
    difference = np.abs(canvas.astype(int) - crop.extract(image))
    assert difference.mean() < 1.5  # edges are interpolated a little differently


def test_a_canvas_beside_the_image_has_its_mean_colour() -> None:
    image = np.full((100, 100, 3), 77, np.uint8)
    canvas = np.zeros((CANVAS_SIZE, CANVAS_SIZE, 3), np.uint8)
    extract_canvas(image, Crop(500, 500, 100, CANVAS_SIZE), canvas)
    assert (canvas == 77).all()


def test_the_template_holds_the_target_at_half_its_side() -> None:
    rng = np.random.default_rng(0)
    crops = [template_crop(rng, np.array([100.0, 50, 40, 30])) for _ in range(300)]
    assert {crop.size for crop in crops} == {128}
    assert np.mean([crop.side_px for crop in crops]) == pytest.approx(2 * np.sqrt(1200), rel=0.02)
    assert np.mean([(crop.center_x, crop.center_y) for crop in crops], axis=0) == pytest.approx([120, 65], abs=0.5)
    assert np.std([crop.center_x for crop in crops]) > 0.5


def clip(frames: int = 3) -> Clip:
    rng = np.random.default_rng(1)
    boxes = np.array([[10.0 + 5 * index, 20, 30, 30] for index in range(frames)])
    canvases = np.stack([noise(rng, CANVAS_SIZE, CANVAS_SIZE) for _ in range(frames)])
    ones = np.ones(frames, bool)
    return assemble(noise(rng, 128, 128), canvases, canvas_crops(boxes), boxes, ones, ones, "test")


def test_previous_boxes_are_one_frame_behind_and_the_first_its_own() -> None:
    made = clip()
    np.testing.assert_array_equal(made.previous_boxes[0], made.boxes[0])
    np.testing.assert_array_equal(made.previous_boxes[1:], made.boxes[:-1])
    assert made.crop(1) == Crop(27.0, 35.0, 210.0, CANVAS_SIZE)  # 27.5, moved onto the edge of a pixel


def test_collated_clips_are_stacked() -> None:
    batch = collate([clip(), clip()])
    assert batch["canvases"].shape == (2, 3, CANVAS_SIZE, CANVAS_SIZE, 3)
    assert batch["present"].dtype == bool
    names = ["boxes", "canvases", "companions", "present", "previous_boxes", "template", "valid", "windows"]
    assert sorted(batch) == names
