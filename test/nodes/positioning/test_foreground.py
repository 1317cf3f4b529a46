# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The depth of a target among holes, background and occluders."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stdtrack_ros.errors import InputError
from stdtrack_ros.nodes.positioning.foreground import ForegroundDepth, surfaces, weighted_median

RANDOM = np.random.default_rng(3)


def scene(target_m: float = 5.0, background_m: float = 9.0, noise: float = 0.02) -> np.ndarray:
    """(60, 40) depths of a box: a target in the middle, background round it."""
    depth = np.full((60, 40), background_m)
    depth[6:54, 10:30] = target_m
    return depth + RANDOM.normal(0.0, noise, depth.shape)


def foreground(**changes: float) -> ForegroundDepth:
    return ForegroundDepth(
        **(
            {"nearest_m": 0.2, "farthest_m": 40.0, "least_fraction": 0.15, "step": 0.15, "switch_after_s": 1.0}
            | changes
        )
    )


def test_the_median_of_weighted_values() -> None:
    assert weighted_median(np.array([3.0, 1.0, 2.0]), np.array([1.0, 1.0, 5.0])) == 2.0
    assert weighted_median(np.array([3.0, 1.0, 2.0]), np.array([9.0, 1.0, 5.0])) == 3.0


def test_target_and_background_are_two_surfaces_and_not_their_mean() -> None:
    near, far = surfaces(scene(), 0.2, 40.0)
    assert near.depth_m == pytest.approx(5.0, abs=0.02) and far.depth_m == pytest.approx(9.0, abs=0.02)
    assert near.spread_m == pytest.approx(0.02, rel=0.2), "the spread of the surface, not of the box"
    assert near.fraction + far.fraction == pytest.approx(1.0, abs=0.01) and near.fraction > 0.5


@pytest.mark.parametrize("holes", [0.3, 0.9])
@pytest.mark.parametrize("hole", [0.0, np.nan, np.inf, -1.0])
def test_holes_change_nothing(holes: float, hole: float) -> None:
    depth = scene()
    depth[RANDOM.random(depth.shape) < holes] = hole
    assert foreground().measure(depth, 0.0).depth_m == pytest.approx(5.0, abs=0.03)


def test_a_small_near_thing_at_the_edge_is_not_the_target() -> None:
    depth = scene()
    depth[:, :4] = 1.0
    assert foreground().measure(depth, 0.0).depth_m == pytest.approx(5.0, abs=0.03)


def test_an_occluder_is_refused_until_it_has_stayed_and_the_target_is_taken_up_again_behind_it() -> None:
    depth = foreground()
    assert depth.measure(scene(), 0.0).depth_m == pytest.approx(5.0, abs=0.03)
    for stamp_s in (0.1, 0.5, 1.0):
        with pytest.raises(InputError, match=r"2\.0\d m.*in front of the target"):
            depth.measure(scene(target_m=2.0, background_m=2.0), stamp_s)
    assert depth.measure(scene(target_m=5.1), 1.2).depth_m == pytest.approx(5.1, abs=0.03)
    for stamp_s in (1.3, 2.2):
        with pytest.raises(InputError, match="behind the target"):
            depth.measure(scene(target_m=9.0), stamp_s)
    assert depth.measure(scene(target_m=9.0), 2.31).depth_m == pytest.approx(9.0, abs=0.03)


def test_while_half_covered_the_target_is_the_surface_that_continues_it() -> None:
    depth = foreground()
    depth.measure(scene(), 0.0)
    covered = scene(target_m=5.05)
    covered[:, :22] = 2.0
    assert depth.measure(covered, 0.1).depth_m == pytest.approx(5.05, abs=0.03)


def test_an_approaching_target_is_followed_step_by_step() -> None:
    depth, true_m = foreground(), 8.0
    while true_m > 1.0:
        assert depth.measure(scene(target_m=true_m, background_m=9.5), 0.0).depth_m == pytest.approx(true_m, abs=0.04)
        true_m *= 0.9


@pytest.mark.parametrize(
    "depth", [np.full((8, 8), np.nan), np.full((8, 8), 0.1), np.full((8, 8), 50.0), np.zeros((1, 1))]
)
def test_a_box_without_depth_is_refused(depth: np.ndarray) -> None:
    with pytest.raises(InputError, match=r"no surface from 0\.2 to 40 m"):
        foreground().measure(depth, 0.0)


@given(st.integers(1, 12), st.integers(1, 12), st.integers(0, 2**31))
def test_whatever_the_depths_a_surface_lies_among_them(height: int, width: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    depth = np.where(random.random((height, width)) < 0.3, np.nan, random.uniform(0.05, 60.0, (height, width)))
    inside = depth[(depth >= 0.2) & (depth <= 40.0)]
    found = surfaces(depth, 0.2, 40.0)
    assert bool(found) == bool(inside.size)
    for surface in found:
        assert surface.depth_m in inside and 0.0 < surface.fraction <= 1.0 + 1e-9
        assert 0.0 <= surface.spread_m <= 1.5 * np.ptp(inside) + 1e-9
    assert [surface.depth_m for surface in found] == sorted(surface.depth_m for surface in found)
