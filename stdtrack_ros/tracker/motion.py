# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Motion of a target in the image: a Kalman filter of constant velocity, its noise in units of the target's size."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stdtrack_ros.geometry import Box, box_center, box_from_center
from stdtrack_ros.settings import MotionSettings

CENTER_SLACK = 1.5
"""How far a centre may be off, in units of half the change of its box's side; over 1, as the expected side has followed
the measured one by then, and a target is covered over several frames."""
USUAL_CHANGES = 2.0
"""Usual changes of a side that are left out of it."""
USUAL_TIME_S = 1.0
"""Time constant of the usual change of a side."""
FORESIGHT_TIME_S = 0.5
"""Time constant over which the ways gone are compared with those foreseen."""
FORESIGHT_PRIOR = 0.02
"""Weight of the belief that a target goes as foreseen, before it has gone anywhere, in squared target sizes."""


class MotionModel:
    """State (centre x, centre y, width, height, velocity x, velocity y); sizes are taken to stay, up to noise.

    Noise is in units of sqrt(width * height), so that the same settings serve targets of 8 and of 800 px.
    """

    _VELOCITY_PRIOR = 3.0  # sizes/s: standard deviation of the velocity before its first measurement

    def __init__(self, box: Box, settings: MotionSettings) -> None:
        """Start at rest at `box`, (4,) px."""
        self.mean = np.concatenate((box_center(box), box[2:], np.zeros(2)))
        size = _size(self.mean)
        noise = (settings.center_noise * size) ** 2
        sizes = (settings.size_noise * size) ** 2
        prior = (self._VELOCITY_PRIOR * size) ** 2
        self.covariance = np.diag([noise, noise, sizes, sizes, prior, prior])
        self._measured = True
        self._elapsed_s = 0.0
        self._usual_change = np.zeros(2)  # of width and height, relative
        self._center = box_center(box)  # the last one measured
        self._not_gone: NDArray[np.float64] = np.zeros(2)  # of the way since it was measured last, px
        self._foreseen_way: NDArray[np.float64] | None = None  # from there, if it was measured in the frame before
        self._ways = np.array([FORESIGHT_PRIOR, FORESIGHT_PRIOR])  # foreseen times gone, and foreseen squared

    def predict(self, elapsed_s: float, settings: MotionSettings) -> None:
        """Move on by a time; from the second step without a measurement the velocity decays."""
        self._elapsed_s = elapsed_s
        fade = 1.0 if self._measured else math.exp(-elapsed_s / settings.velocity_decay_time)
        # The distance covered by a velocity that decays exponentially: at most velocity_decay_time * velocity.
        way = elapsed_s if self._measured else settings.velocity_decay_time * (1.0 - fade)
        self._foreseen_way = elapsed_s * self.mean[4:] if self._measured else None
        self._not_gone = self._not_gone + (1.0 - self.foresight) * way * self.mean[4:]
        self._measured = False
        transition = np.eye(6)
        transition[0, 4] = transition[1, 5] = way
        transition[4, 4] = transition[5, 5] = fade
        size = _size(self.mean)
        push = (settings.acceleration_noise * size) ** 2
        growth = (settings.growth_noise * size) ** 2 * elapsed_s
        noise = np.zeros((6, 6))
        for place, speed in ((0, 4), (1, 5)):
            noise[place, place] = push * elapsed_s**3 / 3
            noise[place, speed] = noise[speed, place] = push * elapsed_s**2 / 2
            noise[speed, speed] = push * elapsed_s
        noise[2, 2] = noise[3, 3] = growth
        self.mean = transition @ self.mean
        self.covariance = transition @ self.covariance @ transition.T + noise

    def correct(self, box: Box, quality: float, settings: MotionSettings, shown: Box | None = None) -> None:
        """Take in a measured (4,) box, px; one of low quality counts less.

        A box that is smaller than expected may show a target that is covered in part, and a larger one may hold
        something else besides: of the centres that it leaves open, the one nearest to the expected centre counts. What
        changes its shape all the time leaves less open.

        Args:
            shown: (4,) px, the box that the frame alone shows, if `box` has been smoothed.
        """
        self._measured = True
        self._not_gone = np.zeros(2)
        noise = self.measured_covariance(quality, settings)
        innovation = np.concatenate((box_center(box), box[2:])) - self.mean[:4]
        slack = self._center_slack(box if shown is None else shown)
        self._compare_ways(box_center(box), slack)
        innovation[:2] -= np.clip(innovation[:2], -slack, slack)
        gain = self.covariance[:, :4] @ np.linalg.inv(self.covariance[:4, :4] + noise)
        self.mean = self.mean + gain @ innovation
        reduced = np.eye(6)
        reduced[:, :4] -= gain
        # Joseph's form keeps the covariance symmetric and positive over any number of frames.
        self.covariance = reduced @ self.covariance @ reduced.T + gain @ noise @ gain.T

    def _compare_ways(self, center: NDArray[np.float64], slack: NDArray[np.float64]) -> None:
        """Compare the way to a measured (2,) centre with the one foreseen, as far as the centre is certain."""
        foreseen, self._center, last = self._foreseen_way, center, self._center
        if foreseen is None:
            return
        surprise = center - last - foreseen
        gone = foreseen + surprise - np.clip(surprise, -slack, slack)
        keep = math.exp(-self._elapsed_s / FORESIGHT_TIME_S)
        prior = np.full(2, FORESIGHT_PRIOR)
        news = np.array([foreseen @ gone, foreseen @ foreseen]) / _size(self.mean) ** 2
        self._ways = prior + keep * (self._ways - prior) + news

    @property
    def foresight(self) -> float:
        """How much of the ways foreseen from the velocity was gone lately, 0..1, by least squares.

        About 1 for what goes straight on, whatever its speed; 0 for what turns back again and again, as in the picture
        of a shaking camera: its next place is best foreseen at its last one.
        """
        gone, foreseen = self._ways
        return float(np.clip(gone / foreseen, 0.0, 1.0))

    def _center_slack(self, shown: Box) -> NDArray[np.float64]:
        """Return (2,) px by which the centre of a box may be off, as its sides are not those expected."""
        expected = np.maximum(self.mean[2:4], 1.0)
        change = np.abs(shown[2:] / expected - 1.0)
        slack: NDArray[np.float64] = (
            CENTER_SLACK * np.maximum(change - USUAL_CHANGES * self._usual_change, 0.0) * expected / 2
        )
        gain = 1.0 - math.exp(-self._elapsed_s / USUAL_TIME_S)
        self._usual_change = self._usual_change + gain * (change - self._usual_change)
        return slack

    def measured_covariance(self, quality: float, settings: MotionSettings) -> NDArray[np.float64]:
        """Return the (4, 4) covariance (centre x, centre y, width, height) of a box measured with this quality, px²."""
        gain = 1.0 + settings.low_quality_noise_gain * (1.0 - quality)
        deviations = np.array([settings.center_noise] * 2 + [settings.size_noise] * 2)
        return np.diag((gain * _size(self.mean) * deviations) ** 2)

    def doubt_covariance(self, settings: MotionSettings) -> NDArray[np.float64]:
        """Return the (4, 4) covariance, px², by which that of a box grows if it may not be the target's at all."""
        return np.diag([(settings.doubt_noise * _size(self.mean)) ** 2] * 2 + [0.0, 0.0])

    @property
    def box(self) -> Box:
        """(4,) the expected box: gone on as far as `foresight` lets expect."""
        return box_from_center(*(self.mean[:2] - self._not_gone), *np.maximum(self.mean[2:4], 1.0))

    @property
    def box_covariance(self) -> NDArray[np.float64]:
        """(4, 4) of (centre x, centre y, width, height) of the expected box, px²."""
        return self.covariance[:4, :4].copy()

    @property
    def velocity(self) -> NDArray[np.float64]:
        """(2,) of the centre, px/s."""
        return self.mean[4:].copy()


PREDICTION_DEAD_BAND = 0.04
"""Part of a predicted way that is left out, in target sizes: a resting target does not jitter by its noisy velocity."""


def carried_on(boxes: ArrayLike, velocities: ArrayLike, times_s: ArrayLike) -> NDArray[np.float64]:
    """Return (..., 4) boxes after some time at their velocities, less a dead band; an unknown velocity moves nothing.

    Args:
        boxes: (..., 4) x, y, width, height in px.
        velocities: (..., 2) px/s; NaN if unknown.
        times_s: (...) s.
    """
    moved = np.array(boxes, dtype=np.float64)
    way = np.nan_to_num(np.asarray(velocities, dtype=np.float64)) * np.asarray(times_s, dtype=np.float64)[..., None]
    length = np.hypot(way[..., 0], way[..., 1])
    band = PREDICTION_DEAD_BAND * np.sqrt(np.maximum(moved[..., 2] * moved[..., 3], 0.0))
    moved[..., :2] += way * (np.maximum(length - band, 0.0) / np.maximum(length, 1e-9))[..., None]
    return moved


def _size(mean: NDArray[np.float64]) -> float:
    return math.sqrt(max(float(mean[2] * mean[3]), 1.0))
