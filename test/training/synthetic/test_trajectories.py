# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Random motion: the maps by hand, and the bounds of what is drawn."""

from __future__ import annotations

import numpy as np
import pytest

from stdtrack_ros.training.synthetic.trajectories import Trajectory, random_trajectory


def trajectory(**values: float) -> Trajectory:
    named = {"log_sizes": 0.0, "angles": 0.0, "log_aspects": 0.0, "shears": 0.0} | values
    return Trajectory(np.array([[50.0, 40.0]]), **{name: np.array([value]) for name, value in named.items()})


@pytest.mark.parametrize(
    ("values", "right", "down"),
    [
        ({}, (1, 0), (0, 1)),
        ({"log_sizes": np.log(2)}, (2, 0), (0, 2)),
        ({"angles": np.pi / 2}, (0, 1), (-1, 0)),
        ({"log_aspects": np.log(4)}, (2, 0), (0, 0.5)),  # 4 times as wide as high, at the same area
        ({"shears": 0.5}, (1, 0), (0.5, 1)),
        ({"log_sizes": np.log(2), "shears": 0.5}, (2, 0), (1, 2)),
    ],
)
def test_a_pose_brings_the_anchor_to_the_centre(
    values: dict[str, float], right: tuple[float, float], down: tuple[float, float]
) -> None:
    (pose,) = trajectory(**values).poses((10.0, 20.0))
    np.testing.assert_allclose(pose @ [10, 20, 1], [50, 40], atol=1e-9)
    np.testing.assert_allclose(pose @ [11, 20, 1] - [50, 40], right, atol=1e-9)
    np.testing.assert_allclose(pose @ [10, 21, 1] - [50, 40], down, atol=1e-9)


@pytest.mark.parametrize("seed", range(8))
def test_drawn_motion_is_smooth_and_bounded(seed: int) -> None:
    drawn = random_trajectory(np.random.default_rng(seed), 60, size_px=64.0, scale=2.0)
    assert drawn.centers.shape == (60, 2) and np.array_equal(drawn.centers[1], [0.0, 0.0])
    sizes = np.exp(drawn.log_sizes - np.log(2.0))
    steps = np.abs(np.diff(drawn.centers[1:], axis=0)) / (64 * sizes[2:, None])
    assert steps.max() <= 1.2 + 1e-9
    # Time 0 is the template's, which is set apart: the bounds are those of the frames.
    assert np.abs(drawn.log_sizes[1:] - np.log(2.0)).max() <= 0.7
    assert np.abs(np.diff(drawn.log_sizes[1:])).max() <= 0.3 + 1e-9
    assert np.abs(drawn.angles[1:]).max() <= 0.6
    assert np.abs(drawn.log_aspects[1:]).max() <= 0.4


def test_without_speed_nothing_moves_but_the_template() -> None:
    drawn = random_trajectory(np.random.default_rng(0), 20, size_px=64.0, scale=1.0, speed_scale=0.0)
    assert np.array_equal(drawn.centers[1:], np.zeros((19, 2)))
    for values in (drawn.log_sizes, drawn.angles, drawn.log_aspects, drawn.shears):
        assert np.ptp(values[1:]) == 0.0
    assert np.abs(drawn.centers[0]).max() > 0.0


def test_the_same_seed_gives_the_same_motion() -> None:
    one, other = (random_trajectory(np.random.default_rng(5), 10, 64.0, 1.0) for _ in range(2))
    np.testing.assert_array_equal(one.poses((0, 0)), other.poses((0, 0)))
