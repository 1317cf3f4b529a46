# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Smooth random motion for scenes: where things are, how large, how turned, a time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Rng = np.random.Generator


@dataclass
class Trajectory:
    """Motion over T times; time 0 is the template's, apart from the others.

    Attributes:
        centers: (T, 2) in pixels of the source image.
        log_sizes: (T,) log of the scale.
        angles: (T,) rad.
        log_aspects: (T,) log of width over height, at constant area.
        shears: (T,) sideways, px a px.
    """

    centers: NDArray[np.float64]
    log_sizes: NDArray[np.float64]
    angles: NDArray[np.float64]
    log_aspects: NDArray[np.float64]
    shears: NDArray[np.float64]

    def poses(self, anchor: ArrayLike) -> NDArray[np.float64]:
        """Return (T, 2, 3) affine maps that bring the point `anchor` of a picture to the centres."""
        cos, sin = np.cos(self.angles), np.sin(self.angles)
        turn = np.stack([np.stack([cos, -sin], axis=-1), np.stack([sin, cos], axis=-1)], axis=-2)
        stretch = np.zeros_like(turn)
        stretch[:, 0, 0] = np.exp(self.log_sizes + self.log_aspects / 2)
        stretch[:, 1, 1] = np.exp(self.log_sizes - self.log_aspects / 2)
        stretch[:, 0, 1] = self.shears * stretch[:, 0, 0]
        linear = turn @ stretch
        shift = self.centers - linear @ np.asarray(anchor, np.float64)
        return np.concatenate([linear, shift[:, :, None]], axis=-1)


def random_trajectory(rng: Rng, times: int, size_px: float, scale: float, speed_scale: float = 1.0) -> Trajectory:
    """Draw the motion of a thing of `size_px` in the source image, whose own pixels are enlarged by `scale`.

    Speeds are log-uniform, from nearly none to about one size a frame; `speed_scale` multiplies them.
    """
    log_sizes = np.log(scale) + _wander(rng, times, speed_scale * _log_uniform(rng, 0.004, 0.1), 0.3, 0.7)
    speed = speed_scale * _log_uniform(rng, 0.02, 0.8)
    steps = np.stack([_velocity(rng, times, speed) for _ in range(2)], axis=1)
    sizes = size_px * np.exp(log_sizes - np.log(scale))
    centers = np.cumsum(np.clip(steps, -1.2, 1.2) * sizes[:, None], axis=0)
    centers -= centers[min(1, times - 1)]
    angles = _wander(rng, times, speed_scale * _log_uniform(rng, 0.005, 0.15), 0.4, 0.6)
    aspects = _wander(rng, times, speed_scale * _log_uniform(rng, 0.004, 0.06), 0.2, 0.4)
    shears = _wander(rng, times, speed_scale * 0.02, 0.1, 0.2)
    trajectory = Trajectory(centers, log_sizes, angles, aspects, shears)
    _set_template_apart(rng, trajectory, size_px)
    return trajectory


def _set_template_apart(rng: Rng, trajectory: Trajectory, size_px: float) -> None:
    trajectory.centers[0] += rng.normal(0.0, 1.5, 2) * size_px
    trajectory.log_sizes[0] += rng.normal(0.0, 0.2)
    trajectory.angles[0] += rng.normal(0.0, 0.15)
    trajectory.log_aspects[0] += rng.normal(0.0, 0.08)


def _velocity(rng: Rng, times: int, speed: float) -> NDArray[np.float64]:
    """Draw (T,) steps that keep 80 % of their course from one to the next."""
    steps = rng.normal(0.0, speed, times)
    for index in range(1, times):
        steps[index] = 0.8 * steps[index - 1] + 0.6 * steps[index]
    return steps


def _wander(rng: Rng, times: int, speed: float, largest_step: float, limit: float) -> NDArray[np.float64]:
    """Draw a (T,) bounded walk from a random start."""
    steps = np.clip(_velocity(rng, times, speed), -largest_step, largest_step)
    start = rng.normal(0.0, limit / 4)
    return np.clip(start + np.cumsum(steps), -limit, limit)


def _log_uniform(rng: Rng, low: float, high: float) -> float:
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))
