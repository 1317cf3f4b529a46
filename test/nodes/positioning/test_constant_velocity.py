# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Velocity in space from positions."""

from __future__ import annotations

import numpy as np
import pytest

from stdtrack_ros.nodes.positioning.constant_velocity import ConstantVelocity
from stdtrack_ros.nodes.positioning.geometry import Position


def test_the_first_position_is_taken_as_it_is_and_its_velocity_is_not_known() -> None:
    motion = ConstantVelocity(2.0, 10.0, 1.5)
    assert np.isnan(motion.position.mean).all()
    motion.correct(Position(np.array([1.0, 2.0, 3.0]), np.eye(3)), 7.0)
    assert motion.position.mean == pytest.approx([1.0, 2.0, 3.0]) and motion.position.covariance == pytest.approx(
        np.eye(3)
    )
    assert np.isnan(motion.velocity).all() and np.isnan(motion.velocity_covariance).all()


def test_a_steady_walk_is_found_out_within_its_own_deviation() -> None:
    random = np.random.default_rng(2)
    motion, velocity = ConstantVelocity(0.5, 10.0, 1.5), np.array([1.2, -0.4, 0.1])
    for step in range(60):
        true = np.array([5.0, 0.0, 1.0]) + velocity * step / 30
        motion.correct(Position(true + random.normal(0.0, 0.05, 3), np.eye(3) * 0.05**2), step / 30)
    errors = (motion.velocity - velocity) / np.sqrt(np.diag(motion.velocity_covariance))
    assert np.abs(errors).max() < 3.0
    assert np.linalg.norm(motion.velocity - velocity) < 0.3
    assert np.linalg.norm(motion.position.mean - true) < 0.08


@pytest.mark.parametrize("stamp_s", [2.6, 0.5])
def test_a_gap_or_a_clock_that_goes_back_starts_anew(stamp_s: float) -> None:
    motion = ConstantVelocity(2.0, 10.0, 1.5)
    for step in range(3):
        motion.correct(Position(np.full(3, float(step)), np.eye(3) * 0.01), 1.0 + step * 0.01)
    motion.correct(Position(np.zeros(3), np.eye(3) * 0.01), stamp_s)
    assert motion.position.mean == pytest.approx(np.zeros(3))
    assert np.isnan(motion.velocity).all()


def test_measurements_without_any_deviation_do_no_harm() -> None:
    motion = ConstantVelocity(2.0, 10.0, 1.5)
    for stamp_s in (1.0, 1.0, 1.1):
        motion.correct(Position(np.ones(3), np.zeros((3, 3))), stamp_s)
    assert motion.position.mean == pytest.approx(np.ones(3)) and np.isfinite(motion.velocity).all()
