# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A shaking camera: the target is where the boxes say, and it shakes as much as it was told to."""

from __future__ import annotations

import numpy as np

from stdtrack_ros.sequences.shaking import ShakingSequence


class Square:
    """A white square of 30 x 120 px in the middle of a grey picture, whose left column is black."""

    name, attributes, notes = "square", frozenset({"grey"}), ("a note",)

    def __init__(self, count: int = 400) -> None:
        self.boxes = np.array([[300.0, 200.0, 30.0, 120.0]] * count)
        self.boxes[5] = np.nan
        self.stamps_s = np.arange(count) / 30

    def __len__(self) -> int:
        return len(self.boxes)

    def frame(self, index: int) -> np.ndarray:
        image = np.full((520, 640, 3), 128, np.uint8)
        image[:, 0] = 0
        image[200:320, 300:330] = 255
        return image


def test_the_target_is_where_the_box_says() -> None:
    base = Square()
    shaking = ShakingSequence(base, 0.3)
    assert (shaking.name, shaking.attributes, shaking.notes, len(shaking)) == ("square", {"grey"}, ("a note",), 400)
    np.testing.assert_array_equal(shaking.stamps_s, base.stamps_s)
    np.testing.assert_array_equal(shaking.frame(0), base.frame(0))
    assert np.isnan(shaking.boxes[5]).all()
    for index in (0, 1, 2, 3):
        rows, columns = np.nonzero(shaking.frame(index)[..., 0] == 255)
        found = [columns.min(), rows.min(), columns.max() + 1 - columns.min(), rows.max() + 1 - rows.min()]
        assert shaking.boxes[index].tolist() == found


def test_it_shakes_as_much_as_it_is_told_and_alike_each_time() -> None:
    shifts = ShakingSequence(Square(), 0.3).shifts
    np.testing.assert_allclose(shifts[1:].std(axis=0), 0.3 * 60, rtol=0.1)  # a size is sqrt(30 * 120) px
    assert abs(np.corrcoef(shifts[1:-1, 0], shifts[2:, 0])[0, 1]) < 0.15
    np.testing.assert_array_equal(shifts, ShakingSequence(Square(), 0.3).shifts)


def test_the_edge_goes_on_where_nothing_is_known() -> None:
    shaking = ShakingSequence(Square(), 0.3)
    index = int(shaking.shifts[:, 0].argmax())
    assert (shaking.frame(index)[:, : int(shaking.shifts[index, 0]) + 1] == 0).all()
