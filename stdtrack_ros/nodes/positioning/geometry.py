# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""From a box to a position in space: by depth, by the target's known size, or by the ground it stands on.

Everything is in the camera's optical frame (x right, y down, z forward; REP 103), in metres, unless said otherwise.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stdtrack_ros.errors import InputError

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]
Plane = Callable[[float, float], Vector]
"""From a pixel (x, y) to the (2,) point X/Z, Y/Z that it sees at depth 1, distortion undone."""


@dataclass(frozen=True, slots=True)
class Position:
    """A measured place.

    Attributes:
        mean: (3,) m.
        covariance: (3, 3) m².
    """

    mean: Vector
    covariance: Matrix


@dataclass(frozen=True, slots=True)
class Pose:
    """Where the camera is: `rotation @ point + translation` takes a point of the camera's frame to the fixed frame."""

    rotation: Matrix
    translation: Vector

    @classmethod
    def from_quaternion(cls, x: float, y: float, z: float, w: float, translation: ArrayLike) -> Pose:
        """Build a pose from a quaternion, which is normalised, and a (3,) translation.

        Raises:
            InputError: a quaternion of length 0 or numbers that are not finite.
        """
        length = math.sqrt(x * x + y * y + z * z + w * w)
        place = np.asarray(translation, dtype=np.float64)
        if not (math.isfinite(length) and length > 1e-6 and np.isfinite(place).all()):
            raise InputError("The camera's transform has no valid rotation or translation.")
        x, y, z, w = x / length, y / length, z / length, w / length
        rotation = np.array(
            [
                [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
                [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
                [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
            ]
        )
        return cls(rotation, place)

    def moved(self, position: Position) -> Position:
        """Convert a position in the camera's frame to the fixed frame."""
        return Position(
            self.rotation @ position.mean + self.translation,
            self.rotation @ position.covariance @ self.rotation.T,
        )


def from_depth(
    plane: Plane, center: tuple[float, float], center_covariance: Matrix, depth_m: float, depth_deviation_m: float
) -> Position:
    """Return the position of what is seen at a pixel at a depth along the optical axis.

    Args:
        center: pixel of the box's centre.
        center_covariance: (2, 2) px².
        depth_deviation_m: standard deviation of the depth.
    """
    ray, jacobian = _ray(plane, center)
    sideways = np.zeros((3, 2))
    sideways[:2] = depth_m * jacobian
    covariance = sideways @ center_covariance @ sideways.T + np.outer(ray, ray) * depth_deviation_m**2
    return Position(depth_m * ray, covariance)


def depth_from_size(
    plane: Plane, box: ArrayLike, vertical: bool, size_m: float, side_deviation_px: float, size_deviation: float
) -> tuple[float, float]:
    """Return depth and its standard deviation (m) of a target of known size that is parallel to the image plane.

    Args:
        box: (4,) x, y, width, height in px.
        vertical: `size_m` is the height; else the width.
        side_deviation_px: standard deviation of that side of the box.
        size_deviation: of the true size, as a fraction of it.
    """
    x, y, width, height = (float(number) for number in np.asarray(box, dtype=np.float64))
    if vertical:
        first, last, side = plane(x + width / 2, y), plane(x + width / 2, y + height), height
        extent = float(last[1] - first[1])
    else:
        first, last, side = plane(x, y + height / 2), plane(x + width, y + height / 2), width
        extent = float(last[0] - first[0])
    if not (extent > 0 and side > 0):
        raise InputError("The box has no size: no distance follows from the size of the target.")
    depth = size_m / extent
    return depth, depth * math.hypot(side_deviation_px / side, size_deviation)


def from_ground(
    plane: Plane,
    center: tuple[float, float],
    center_covariance: Matrix,
    camera: Pose,
    height_m: float,
    height_deviation_m: float,
    attitude_deviation_rad: float,
    least_depression_rad: float,
) -> Position:
    """Return where the ray to a pixel meets the horizontal plane z = `height_m`, in the fixed frame (z up).

    Args:
        center, center_covariance: pixel, and (2, 2) px².
        camera: pose in the fixed frame.
        height_deviation_m: standard deviation of the height of that plane against the camera's.
        attitude_deviation_rad: standard deviation of the camera's attitude about each axis.
        least_depression_rad: a ray flatter than this says nothing of the distance.

    Raises:
        InputError: the ray is too flat or looks up, or the camera is not above the plane.
    """
    ray, jacobian = _ray(plane, center)
    along = camera.rotation @ ray
    above = float(camera.translation[2]) - height_m
    if above <= 0:
        raise InputError(f"The camera is {-above:.2f} m below the plane of the target, not above it: no position.")
    if -along[2] < math.sin(least_depression_rad) * float(np.linalg.norm(along)):
        raise InputError(
            f"The ray to the target is less than {math.degrees(least_depression_rad):.1f}° below the horizon: the "
            "ground says nothing of its distance."
        )
    scale = -above / along[2]
    # d(scale * along): how the foot of the ray moves with the ray's direction.
    foot = scale * (np.eye(3) - np.outer(along, [0.0, 0.0, 1.0]) / along[2])
    by_pixel = foot @ camera.rotation[:, :2] @ jacobian
    by_attitude = foot @ _cross(along)
    by_height = along / along[2]
    covariance = (
        by_pixel @ center_covariance @ by_pixel.T
        + by_attitude @ by_attitude.T * attitude_deviation_rad**2
        + np.outer(by_height, by_height) * height_deviation_m**2
    )
    return Position(camera.translation + scale * along, covariance)


def sight_quaternion(direction: ArrayLike, up: ArrayLike) -> tuple[float, float, float, float]:
    """Return (x, y, z, w) of a frame whose x axis looks along a direction, with z as far up as that allows."""
    forward = np.asarray(direction, dtype=np.float64) / np.linalg.norm(direction)
    left = np.cross(np.asarray(up, dtype=np.float64), forward)
    if np.linalg.norm(left) < 1e-6:  # straight up or down: any side will do
        left = np.cross([1.0, 0.0, 0.0] if abs(forward[0]) < 0.9 else [0.0, 1.0, 0.0], forward)
    left /= np.linalg.norm(left)
    return _quaternion(np.column_stack((forward, left, np.cross(forward, left))))


def _quaternion(rotation: Matrix) -> tuple[float, float, float, float]:
    """Return (x, y, z, w) of a rotation matrix: the eigenvector of Bar-Itzhack's symmetric matrix."""
    m = rotation
    symmetric = (
        np.array(
            [
                [m[0, 0] - m[1, 1] - m[2, 2], m[1, 0] + m[0, 1], m[2, 0] + m[0, 2], m[2, 1] - m[1, 2]],
                [m[1, 0] + m[0, 1], m[1, 1] - m[0, 0] - m[2, 2], m[2, 1] + m[1, 2], m[0, 2] - m[2, 0]],
                [m[2, 0] + m[0, 2], m[2, 1] + m[1, 2], m[2, 2] - m[0, 0] - m[1, 1], m[1, 0] - m[0, 1]],
                [m[2, 1] - m[1, 2], m[0, 2] - m[2, 0], m[1, 0] - m[0, 1], m[0, 0] + m[1, 1] + m[2, 2]],
            ]
        )
        / 3.0
    )
    _, vectors = np.linalg.eigh(symmetric)
    x, y, z, w = (float(number) for number in vectors[:, -1])
    return (x, y, z, w) if w >= 0 else (-x, -y, -z, -w)


def _ray(plane: Plane, pixel: tuple[float, float]) -> tuple[Vector, Matrix]:
    """Return the (3,) ray at depth 1, and the (2, 2) derivative of its first two numbers by the pixel."""
    x, y = pixel
    jacobian = np.column_stack(((plane(x + 0.5, y) - plane(x - 0.5, y)), (plane(x, y + 0.5) - plane(x, y - 0.5))))
    return np.append(plane(x, y), 1.0), jacobian


def _cross(vector: Vector) -> Matrix:
    """Return the (3, 3) matrix of the cross product with a vector."""
    x, y, z = vector
    return np.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])
