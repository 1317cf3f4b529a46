# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Pictures for people."""

import numpy as np
import pytest

from stdtrack_ros.tracker.drawing import STATUS_COLORS, draw_given, draw_target, draw_text, draw_trail
from stdtrack_ros.tracker.result import Status


def _canvas(height: int = 300, width: int = 400) -> np.ndarray:
    return np.zeros((height, width, 3), np.uint8)


@pytest.mark.parametrize("status", list(Status))
def test_the_box_has_the_colour_of_the_status_on_its_edges_and_nothing_inside(status: Status) -> None:
    image = _canvas()
    draw_target(image, (100, 100, 80, 60), status)
    color = STATUS_COLORS[status]
    assert tuple(image[130, 100]) == color  # left edge
    assert tuple(image[130, 179]) == color  # right edge
    assert tuple(image[159, 140]) == color  # lower edge
    assert not image[110:150, 110:170].any()


def test_a_box_that_is_not_known_leaves_the_image_as_it_is() -> None:
    image = _canvas()
    draw_target(image, (np.nan, 1, 2, 3), Status.LOST, 0.5)
    assert not image.any()


def test_the_arrow_points_along_the_velocity() -> None:
    still, moving = _canvas(), _canvas()
    draw_target(still, (100, 100, 40, 40), Status.TRACKING)
    draw_target(moving, (100, 100, 40, 40), Status.TRACKING, velocity=(300.0, 0.0))
    rows, columns = np.nonzero((still != moving).any(axis=2))
    assert columns.max() > 250  # centre 120, 0.5 s at 300 px/s: ends at 270
    assert columns.min() >= 119
    assert abs(rows.mean() - 120) < 3
    unknown = _canvas()
    draw_target(unknown, (100, 100, 40, 40), Status.TRACKING, velocity=(np.nan, np.nan))
    assert np.array_equal(unknown, still)


@pytest.mark.parametrize("box", [(-500, -500, 40, 40), (390, 290, 1e9, 1e9), (-1e12, 5, 10, 10), (0, 0, 400, 300)])
def test_boxes_beyond_the_image_are_no_error_and_the_words_stay_inside(box: tuple[float, ...]) -> None:
    image = _canvas()
    draw_target(image, box, Status.LOST, 0.123, velocity=(1e9, -1e9), label="target-1")
    assert (image == STATUS_COLORS[Status.LOST]).all(axis=2).sum() > 500  # the plate of the words


def test_text_wider_than_the_image_starts_at_its_left_edge() -> None:
    image = _canvas(40, 50)
    draw_text(image, "much longer than the image is wide", (45, 20), (90, 210, 60))
    assert image[:, 0].any()


def test_a_given_box_is_white_on_its_edges_with_its_words_above() -> None:
    image = _canvas()
    draw_given(image, (100, 100, 80, 60), "given")
    assert tuple(image[130, 100]) == tuple(image[159, 140]) == (255, 255, 255)
    assert not image[105:155, 105:175].any()
    assert image[80:98, 100:140].any()


def test_the_trail_joins_known_positions_and_skips_unknown_ones() -> None:
    image = _canvas()
    draw_trail(image, [(10, 50), (60, 50), (np.nan, np.nan), (200, 50), (260, 50)], (255, 255, 255))
    assert image[50, 30].any()
    assert image[50, 230].any()
    assert not image[:, 70:190].any()
    draw_trail(image, [], (255, 255, 255))


def test_a_given_box_that_is_not_known_is_not_drawn() -> None:
    image = np.full((60, 80, 3), 90, np.uint8)
    draw_given(image, (np.nan,) * 4, "given")
    assert (image == 90).all()
    draw_given(image, (10, 10, 20, 20), "given")
    assert (image != 90).any()
