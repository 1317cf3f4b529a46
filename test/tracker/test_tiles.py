# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Tiles cover a frame, the near ones first, and there are never too many."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from stdtrack_ros.tracker.tiles import MAX_TILES, tiles


def test_tiles_by_hand() -> None:
    """A frame of 200x100 px in tiles of 100: their centres are 50 px apart at most, the nearest comes first."""
    found = tiles(np.array([190.0, 60.0]), 200, 100, 100.0, 64)
    assert [(crop.center_x, crop.center_y) for crop in found] == [(500 / 3, 50.0), (100.0, 50.0), (100 / 3, 50.0)]
    assert {(crop.side_px, crop.size) for crop in found} == {(100.0, 64)}


@given(
    width=st.integers(16, 4000),
    height=st.integers(16, 4000),
    side=st.floats(4.0, 3000.0),
    place=st.tuples(st.floats(0, 1), st.floats(0, 1)),
)
def test_every_place_lies_well_inside_a_tile(width: int, height: int, side: float, place: tuple[float, float]) -> None:
    point = np.array(place) * (width, height)
    found = tiles(point, width, height, side, 64)
    assert 1 <= len(found) <= MAX_TILES
    reach = [np.abs(point - (crop.center_x, crop.center_y)) / crop.side_px for crop in found]
    assert min(float(one.max()) for one in reach) <= 0.5 + 1e-9
    distances = [float(np.hypot(*(point - (crop.center_x, crop.center_y)))) for crop in found]
    assert distances == sorted(distances)
