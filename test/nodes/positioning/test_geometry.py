# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Positions against numbers worked out by hand, and covariances against drawn samples."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stdtrack_ros.errors import InputError
from stdtrack_ros.nodes.positioning.geometry import (
    Pose,
    Position,
    depth_from_size,
    from_depth,
    from_ground,
    sight_quaternion,
)

FOCAL = 500.0
ANGLE = st.floats(-math.pi, math.pi)


def plane(x: float, y: float) -> np.ndarray:
    """Return a camera of 640x480 px with its axis in the middle."""
    return np.array([(x - 320.0) / FOCAL, (y - 240.0) / FOCAL])


def looking_down(height_m: float, tilt_rad: float = 0.0) -> Pose:
    """Place a camera over the origin of an ENU frame: image up is north; tilted forward (north) by an angle."""
    down = np.array([[1.0, 0.0, 0.0], [0.0, -1.0, 0.0], [0.0, 0.0, -1.0]])
    cosine, sine = math.cos(tilt_rad), math.sin(tilt_rad)
    tilt = np.array([[1.0, 0.0, 0.0], [0.0, cosine, -sine], [0.0, sine, cosine]])
    return Pose(tilt @ down, np.array([0.0, 0.0, height_m]))


def ground(camera: Pose, center: tuple[float, float], height_m: float = 0.0, **changes: float) -> Position:
    numbers = {
        "height_deviation_m": 0.0,
        "attitude_deviation_rad": 0.0,
        "least_depression_rad": 0.05,
    } | changes
    return from_ground(plane, center, np.eye(2), camera, height_m, **numbers)


def test_depth_gives_the_place_on_the_ray() -> None:
    position = from_depth(plane, (420.0, 190.0), np.diag([4.0, 9.0]), 5.0, 0.0)
    assert position.mean == pytest.approx([1.0, -0.5, 5.0])
    # One pixel is 5 m / 500 px = 1 cm: deviations of 2 and 3 px are 2 and 3 cm.
    assert position.covariance == pytest.approx(np.diag([4e-4, 9e-4, 0.0]))


def test_the_depth_s_own_deviation_lies_along_the_ray() -> None:
    position = from_depth(plane, (420.0, 190.0), np.zeros((2, 2)), 5.0, 0.2)
    ray = np.array([0.2, -0.1, 1.0])
    assert position.covariance == pytest.approx(np.outer(ray, ray) * 0.04)


def test_a_person_of_known_height() -> None:
    depth, deviation = depth_from_size(plane, (300.0, 140.0, 40.0, 200.0), True, 1.8, 0.0, 0.0)
    assert (depth, deviation) == (pytest.approx(4.5), 0.0)  # 1.8 m * 500 px / 200 px
    _, deviation = depth_from_size(plane, (300.0, 140.0, 40.0, 200.0), True, 1.8, 6.0, 0.04)
    assert deviation == pytest.approx(4.5 * 0.05)  # 3 % of the box and 4 % of the height


def test_a_car_of_known_width() -> None:
    depth, _ = depth_from_size(plane, (100.0, 140.0, 100.0, 60.0), False, 2.0, 0.0, 0.0)
    assert depth == pytest.approx(10.0)


def test_straight_down_a_pixel_is_a_place_on_the_ground() -> None:
    position = ground(looking_down(20.0), (420.0, 190.0))
    assert position.mean == pytest.approx([4.0, 2.0, 0.0])  # 100 px right: 4 m east; 50 px up: 2 m north
    assert position.covariance == pytest.approx(np.diag([0.04**2, 0.04**2, 0.0]))


def test_the_target_s_own_height_brings_it_nearer() -> None:
    assert ground(looking_down(20.0), (420.0, 190.0), height_m=10.0).mean == pytest.approx([2.0, 1.0, 10.0])


def test_a_tilted_camera_looks_ahead() -> None:
    position = ground(looking_down(10.0, tilt_rad=math.radians(60)), (320.0, 240.0))
    assert position.mean == pytest.approx([0.0, 10.0 * math.tan(math.radians(60)), 0.0])


def test_a_wrong_height_moves_the_place_along_the_ray() -> None:
    camera = looking_down(10.0, tilt_rad=math.radians(45))
    position = from_ground(plane, (320.0, 240.0), np.zeros((2, 2)), camera, 0.0, 0.5, 0.0, 0.05)
    assert position.covariance == pytest.approx(np.array([[0, 0, 0], [0, 0.25, -0.25], [0, -0.25, 0.25]]), abs=1e-12)


def test_the_ground_s_covariance_is_that_of_drawn_samples() -> None:
    random = np.random.default_rng(1)
    camera = looking_down(30.0, tilt_rad=math.radians(40))
    center, attitude, height = (400.0, 200.0), 0.01, 0.4
    told = from_ground(plane, center, np.diag([9.0, 4.0]), camera, 0.0, height, attitude, 0.05)
    places = []
    for _ in range(4000):
        turn = random.normal(0.0, attitude, 3)
        angle = float(np.linalg.norm(turn))
        x, y, z = math.sin(angle / 2) * turn / angle
        shaken = Pose.from_quaternion(x, y, z, math.cos(angle / 2), np.zeros(3))
        drawn = Pose(shaken.rotation @ camera.rotation, camera.translation)
        pixel = (center[0] + random.normal(0.0, 3.0), center[1] + random.normal(0.0, 2.0))
        place = ground(drawn, pixel, height_m=random.normal(0.0, height)).mean
        places.append(place)
    drawn_covariance = np.cov(np.array(places).T)
    assert np.abs(drawn_covariance - told.covariance).max() < 0.07 * np.abs(told.covariance).max()
    assert np.mean(places, axis=0) == pytest.approx(told.mean, abs=0.1)


@pytest.mark.parametrize("y", [240.0, 0.0, 250.0])
def test_a_ray_to_the_horizon_or_above_is_refused(y: float) -> None:
    with pytest.raises(InputError, match="below the horizon"):
        ground(looking_down(10.0, tilt_rad=math.radians(90)), (320.0, y))


@pytest.mark.parametrize("height", [0.0, -5.0])
def test_a_camera_on_or_below_the_ground_is_refused(height: float) -> None:
    with pytest.raises(InputError, match="not above it"):
        ground(looking_down(height), (320.0, 240.0))


def test_a_box_without_size_gives_no_distance() -> None:
    with pytest.raises(InputError, match="no size"):
        depth_from_size(plane, (300.0, 140.0, 40.0, 0.0), True, 1.8, 0.0, 0.0)


def test_a_quarter_turn() -> None:
    half = math.sqrt(0.5)
    camera = Pose.from_quaternion(0.0, 0.0, 2 * half, 2 * half, (1.0, 2.0, 3.0))  # of length 2: it is normalised
    moved = camera.moved(Position(np.array([1.0, 0.0, 0.0]), np.diag([1.0, 4.0, 9.0])))
    assert moved.mean == pytest.approx([1.0, 3.0, 3.0])
    assert moved.covariance == pytest.approx(np.diag([4.0, 1.0, 9.0]))


@pytest.mark.parametrize("numbers", [(0.0, 0.0, 0.0, 0.0), (math.nan, 0.0, 0.0, 1.0)])
def test_a_rotation_that_is_none_is_refused(numbers: tuple[float, ...]) -> None:
    with pytest.raises(InputError, match="no valid rotation"):
        Pose.from_quaternion(*numbers, np.zeros(3))


@given(ANGLE, st.floats(-1.5, 1.5))
def test_the_target_s_frame_looks_along_the_ray_with_z_up(yaw: float, pitch: float) -> None:
    direction = np.array([math.cos(yaw) * math.cos(pitch), math.sin(yaw) * math.cos(pitch), math.sin(pitch)])
    rotation = Pose.from_quaternion(*sight_quaternion(3.0 * direction, (0, 0, 1)), np.zeros(3)).rotation
    assert rotation[:, 0] == pytest.approx(direction, abs=1e-6)
    assert rotation[2, 1] == pytest.approx(0.0, abs=1e-6) and rotation[2, 2] > 0, "no roll"


@pytest.mark.parametrize("direction", [(0, 0, 1), (0, 0, -1)])
def test_straight_up_and_down_have_a_frame_too(direction: tuple[float, ...]) -> None:
    rotation = Pose.from_quaternion(*sight_quaternion(direction, (0, 0, 1)), np.zeros(3)).rotation
    assert rotation[:, 0] == pytest.approx(direction, abs=1e-6)
    assert np.linalg.det(rotation) == pytest.approx(1.0)
