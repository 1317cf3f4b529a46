# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Boxes keep to the extent of the box of the start: by hand-computed values, and in the tracker."""

from __future__ import annotations

import numpy as np
import pytest
from moving_disc import moving_disc

from stdtrack_ros.geometry import Box, box_center, box_from_center, iou
from stdtrack_ros.settings import make_settings
from stdtrack_ros.tracker import Tracker, load_model
from stdtrack_ros.tracker.box_extent import EXTENT_FRAMES, BoxExtent
from stdtrack_ros.tracker.models.model import Model

VALUES = {"model.threads": 1, "model.provider": "cpu"}

BOX = np.array([10.0, 20.0, 40.0, 30.0])


def extent(width: float, height: float, known: bool = True) -> BoxExtent:
    return BoxExtent(np.array([10.0, 20.0, width, height]), known)


def test_a_box_is_changed_by_a_part_of_the_ratio_about_its_centre() -> None:
    drawn_wider = extent(44.0, 30.0)  # by 1.1
    drawn_wider.compare(BOX, False)
    assert drawn_wider.adapt(BOX, 1.0, False) == pytest.approx([8.0, 20.0, 44.0, 30.0])
    assert drawn_wider.adapt(2 * BOX, 0.5, False) == pytest.approx(
        [60 - 40 * 1.1**0.5, 40.0, 80 * 1.1**0.5, 60.0]
    )  # 1.1^(1/2)
    assert drawn_wider.adapt(BOX, 0.0, False) == pytest.approx(BOX)


def test_nothing_is_changed_before_a_box_was_compared() -> None:
    assert extent(400.0, 3.0).adapt(BOX, 1.0, False) == pytest.approx(BOX)


def test_the_ratio_is_the_geometric_mean_over_the_first_frames_alone() -> None:
    some = extent(40.0, 30.0)
    for factor in (1.0, 0.9, 0.8, *[0.5] * 10):
        some.compare(BOX * factor, False)
    assert EXTENT_FRAMES == 3
    assert some.adapt(BOX, 1.0, False)[2:] == pytest.approx(np.array([40.0, 30.0]) / (0.9 * 0.8) ** (1 / 3))


def test_the_frame_of_the_start_counts_as_one_more() -> None:
    some = extent(40.0, 30.0)
    some.compare_at_start(BOX * 0.8, False)
    assert some.adapt(BOX, 1.0, False)[2:] == pytest.approx(BOX[2:] / 0.8)
    for factor in (1.0, 0.9, 0.8):
        some.compare(BOX * factor, False)
    assert some.adapt(BOX, 1.0, False)[2:] == pytest.approx(BOX[2:] / (0.8 * 0.9 * 0.8) ** (1 / 4))


def test_each_window_has_its_own_ratio_and_what_changes_later_is_both_s() -> None:
    some = extent(40.0, 30.0)
    some.compare_at_start(BOX, False)
    some.compare_at_start(BOX * 0.8, True)
    assert some.adapt(BOX, 1.0, False) == pytest.approx(BOX)
    assert some.adapt(BOX, 1.0, True)[2:] == pytest.approx(BOX[2:] / 0.8)
    for _ in range(3):  # a fifth smaller than at the start, in either window: three fourths of that, in logarithms
        some.compare(BOX * 0.8, False)
    assert some.adapt(BOX, 1.0, False)[2:] == pytest.approx(BOX[2:] / 0.8**0.75)
    assert some.adapt(BOX, 1.0, True)[2:] == pytest.approx(BOX[2:] * min(0.8**-1.75, np.exp(0.35)))


@pytest.mark.parametrize("large", [False, True])
def test_a_window_in_which_the_target_was_not_found_has_the_ratio_of_the_other(large: bool) -> None:
    some = extent(40.0, 30.0)
    some.compare_at_start(BOX * 0.8, not large)
    for _ in range(3):  # the same in later frames, which tell nothing new
        some.compare(BOX * 0.8, large)
    for window in (False, True):
        assert some.adapt(BOX, 1.0, window)[2:] == pytest.approx(BOX[2:] / 0.8)


@pytest.mark.parametrize("elsewhere", [np.array([70.0, 20.0, 40.0, 30.0]), np.full(4, np.nan)])
def test_what_is_not_found_in_the_frame_of_the_start_says_nothing(elsewhere: Box) -> None:
    some = extent(44.0, 30.0)
    some.compare_at_start(elsewhere, False)
    assert some.adapt(BOX, 1.0, False) == pytest.approx(BOX)
    some.compare(BOX, False)  # counts as if there were no frame of the start
    assert some.adapt(BOX, 1.0, False)[2:] == pytest.approx([44.0, 30.0])


def test_a_start_that_the_edge_cuts_says_nothing() -> None:
    cut = extent(80.0, 30.0, known=False)
    cut.compare_at_start(BOX, False)
    cut.compare(BOX, False)
    assert cut.adapt(BOX, 1.0, False) == pytest.approx(BOX)


@pytest.mark.parametrize(("width", "factor"), [(400.0, np.exp(0.35)), (4.0, np.exp(-0.35))])
def test_a_box_that_is_far_off_is_taken_over_up_to_a_limit(width: float, factor: float) -> None:
    far = extent(width, 30.0)
    far.compare(BOX, False)
    assert far.adapt(BOX, 1.0, False)[2:] == pytest.approx([40.0 * factor, 30.0])


@pytest.fixture(scope="module")
def model() -> Model:
    return load_model(make_settings(VALUES))


@pytest.mark.parametrize("factor", [0.85, 1.2])
def test_the_tracker_draws_what_the_start_drew(model: Model, factor: float) -> None:
    frames, boxes = moving_disc()
    size = factor * boxes[0, 2:]
    start, misses = box_from_center(*box_center(boxes[0]), *size), {}
    for weight in (0.0, 0.6):
        tracker = Tracker(model, make_settings({**VALUES, "search.extent_weight": weight}))
        tracker.initialize(frames[0], start, 0.0)
        found = np.array([tracker.track(frame, index / 30).box for index, frame in enumerate(frames[1:], 1)])
        assert iou(found, boxes[1:]).min() > 0.6
        misses[weight] = np.abs(np.log(found[3:, 2:] / size)).mean()
    assert misses[0.6] < 0.7 * misses[0.0]
