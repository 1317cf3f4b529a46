# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Position and velocity in space from measured positions: a Kalman filter of constant velocity."""

from __future__ import annotations

import numpy as np

from stdtrack_ros.nodes.positioning.geometry import Matrix, Position, Vector

LEAST_VARIANCE = 1e-6
"""Added to every measurement's variance (1 mm), so that nothing is ever known exactly."""


class ConstantVelocity:
    """State (position, velocity), 3 numbers each, in m and m/s.

    Args:
        acceleration: standard deviation of the velocity's change after one second, m/s.
        speed: standard deviation of the velocity before anything is known of it, m/s.
        reset_after_s: after this time without a measurement the next one starts anew.
    """

    def __init__(self, acceleration: float, speed: float, reset_after_s: float) -> None:
        self.acceleration, self.speed, self.reset_after_s = acceleration, speed, reset_after_s
        self.forget()

    def forget(self) -> None:
        """Start anew with the next measurement."""
        self._stamp_s: float | None = None
        self._mean: Vector = np.full(6, np.nan)
        self._covariance: Matrix = np.full((6, 6), np.nan)
        self._measurements = 0

    def correct(self, measured: Position, stamp_s: float) -> None:
        """Take in a position; a stamp that goes back, or a long gap, starts anew."""
        noise = measured.covariance + np.eye(3) * LEAST_VARIANCE
        elapsed = np.inf if self._stamp_s is None else stamp_s - self._stamp_s
        if not 0.0 <= elapsed <= self.reset_after_s:
            self._mean = np.concatenate((measured.mean, np.zeros(3)))
            self._covariance = np.zeros((6, 6))
            self._covariance[:3, :3] = noise
            self._covariance[3:, 3:] = np.eye(3) * self.speed**2
            self._stamp_s, self._measurements = stamp_s, 1
            return
        self._predict(elapsed)
        innovation = measured.mean - self._mean[:3]
        gain = np.linalg.solve((self._covariance[:3, :3] + noise).T, self._covariance[:, :3].T).T
        self._mean = self._mean + gain @ innovation
        reduced = np.eye(6)
        reduced[:, :3] -= gain
        # Joseph's form keeps the covariance symmetric and positive over any number of frames.
        self._covariance = reduced @ self._covariance @ reduced.T + gain @ noise @ gain.T
        self._stamp_s = stamp_s
        self._measurements += 1

    @property
    def position(self) -> Position:
        """The filtered position; NaN before the first measurement."""
        return Position(self._mean[:3].copy(), self._covariance[:3, :3].copy())

    @property
    def velocity(self) -> Vector:
        """(3,) m/s; NaN before the second measurement."""
        return self._mean[3:].copy() if self._measurements > 1 else np.full(3, np.nan)

    @property
    def velocity_covariance(self) -> Matrix:
        """(3, 3) (m/s)²; NaN before the second measurement."""
        return self._covariance[3:, 3:].copy() if self._measurements > 1 else np.full((3, 3), np.nan)

    def _predict(self, elapsed_s: float) -> None:
        transition = np.eye(6)
        transition[:3, 3:] = np.eye(3) * elapsed_s
        push = self.acceleration**2
        noise = np.zeros((6, 6))
        noise[:3, :3] = np.eye(3) * push * elapsed_s**3 / 3
        noise[:3, 3:] = noise[3:, :3] = np.eye(3) * push * elapsed_s**2 / 2
        noise[3:, 3:] = np.eye(3) * push * elapsed_s
        self._mean = transition @ self._mean
        self._covariance = transition @ self._covariance @ transition.T + noise
