# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Search windows: cut where the ground truth says, and boxes that map there and back."""

from __future__ import annotations

import numpy as np
import torch

from stdtrack_ros.geometry import Crop
from stdtrack_ros.training.data.clips import CANVAS_SIZE
from stdtrack_ros.training.data.windows import Windows, cut, jitter

BOXES = torch.tensor([[100.0, 50.0, 40.0, 10.0], [-20.0, 300.0, 64.0, 64.0]])


def test_windows_are_the_trackers() -> None:
    windows = Windows.around(BOXES, 4.0)
    for index, box in enumerate(BOXES.numpy()):
        crop = Crop.around(box, 4.0, 256)
        np.testing.assert_allclose(windows.center[index], (crop.center_x, crop.center_y), rtol=1e-6)
        np.testing.assert_allclose(windows.side[index], crop.side_px, rtol=1e-6)
        inner = crop.to_crop(box) / 256
        expected = (*(inner[:2] + inner[2:] / 2), *inner[2:])
        np.testing.assert_allclose(windows.fractions(BOXES)[index], expected, atol=1e-5)


def test_boxes_go_into_a_window_and_back() -> None:
    windows = Windows.around(BOXES + 7.0, 4.0)
    torch.testing.assert_close(windows.to_image(windows.fractions(BOXES)), BOXES, rtol=1e-5, atol=1e-3)


def test_a_square_on_the_canvas_is_where_its_box_says() -> None:
    """A canvas with a white square; windows shifted and scaled; the square's pixels against the mapped box."""
    canvas = torch.zeros(1, CANVAS_SIZE, CANVAS_SIZE, 3, dtype=torch.uint8)
    canvas[0, 200:264, 180:244] = 255
    canvas_window = torch.tensor([[1000.0, 500.0, 224.0]])  # two canvas pixels an image pixel
    box = torch.tensor([[1000 - 112 + 90.0, 500 - 112 + 100.0, 32.0, 32.0]])
    for shift, scale in ((0.0, 1.0), (10.0, 1.0), (-12.0, 1.3)):
        windows = Windows(torch.tensor([[1000.0 + shift, 500.0 - shift]]), torch.tensor([128.0 * scale]))
        crop = cut(canvas, canvas_window, windows, 256)[0, 0]
        rows, columns = np.nonzero((crop > 127).numpy())
        x, y, width, height = (256 * value for value in windows.fractions(box)[0].tolist())
        found = (columns.min(), columns.max() + 1, rows.min(), rows.max() + 1)
        np.testing.assert_allclose(found, (x - width / 2, x + width / 2, y - height / 2, y + height / 2), atol=1.0)


def test_outside_the_canvas_is_its_mean_colour() -> None:
    canvas = torch.full((1, CANVAS_SIZE, CANVAS_SIZE, 3), 90, dtype=torch.uint8)
    crop = cut(
        canvas, torch.tensor([[0.0, 0.0, 448.0]]), Windows(torch.tensor([[400.0, 0.0]]), torch.tensor([256.0])), 64
    )
    torch.testing.assert_close(crop, torch.full((1, 3, 64, 64), 90.0), rtol=0, atol=1e-3)


def test_jitter_stays_within_its_reach_and_is_repeatable() -> None:
    boxes = BOXES[:1].repeat(500, 1)
    moved = jitter(boxes, 1.5, 0.0, torch.Generator().manual_seed(1))
    distance = (moved[:, :2] + moved[:, 2:] / 2 - boxes[:, :2] - boxes[:, 2:] / 2).abs()
    assert float(distance.max()) <= 1.5 * 20 + 1e-3  # sqrt(40 * 10) = 20
    assert float(distance.max()) > 1.4 * 20
    torch.testing.assert_close(moved[:, 2:], boxes[:, 2:])
    torch.testing.assert_close(
        jitter(boxes, 1.5, 0.2, torch.Generator().manual_seed(1)),
        jitter(boxes, 1.5, 0.2, torch.Generator().manual_seed(1)),
    )
