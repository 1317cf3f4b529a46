# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""How far a camera has turned, from measured rates, and how that moves its image. No ROS in here but CameraInfo."""

from __future__ import annotations

import threading
from bisect import bisect_right
from typing import Any

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from stdtrack_ros.errors import InputError
from stdtrack_ros.nodes.camera.bearing import LARGEST_TANGENT, plane_point

Vector = NDArray[np.float64]
MOST = 10_000
"""Rates that are kept: 10 s of a gyroscope at 1 kHz."""


class RateHistory:
    """The last angular velocities, integrated; safe to use from any thread.

    Turns are small between two images, so the integral of the rate stands for the rotation vector.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._stamps: list[float] = []
        self._turned: list[Vector] = []
        self._newest: Vector = np.zeros(3)

    def add(self, stamp_s: float, rate: ArrayLike, max_gap_s: float) -> None:
        """Take in a (3,) rate, rad/s; after a gap, or if time went back, the history begins anew."""
        now = np.array(rate, dtype=np.float64)
        with self._lock:
            passed = stamp_s - self._stamps[-1] if self._stamps else 0.0
            if not 0.0 < passed <= max_gap_s:
                self._stamps, self._turned = [stamp_s], [np.zeros(3)]
            else:
                self._stamps.append(stamp_s)
                self._turned.append(self._turned[-1] + (self._newest + now) / 2 * passed)
            self._newest = now
            if len(self._stamps) > MOST:
                del self._stamps[: MOST // 2], self._turned[: MOST // 2]

    @property
    def newest(self) -> Vector:
        """(3,) the newest rate, rad/s."""
        return self._newest

    def turned(self, since_s: float, until_s: float, known_s: float, max_age_s: float) -> Vector:
        """Return the (3,) rotation vector (rad) between two times; beyond the newest rate, that rate is held.

        Args:
            known_s: time from which the newest rate may be at most `max_age_s` old.

        Raises:
            InputError: the rates begin too late, or the newest is too old.
        """
        with self._lock:
            if not self._stamps:
                raise InputError("no rate has come.")
            missing_s, age_s = self._stamps[0] - since_s, known_s - self._stamps[-1]
            if missing_s > 0:
                raise InputError(f"the first rate is {missing_s:.2g} s after the image: both need the same clock.")
            if age_s > max_age_s:
                raise InputError(f"the newest rate is {age_s:.2g} s older than the box: both need the same clock.")
            return self._integral(until_s) - self._integral(since_s)

    def _integral(self, time_s: float) -> Vector:
        after = bisect_right(self._stamps, time_s)
        if after == len(self._stamps):
            return self._turned[-1] + self._newest * (time_s - self._stamps[-1])
        begin, end = self._stamps[after - 1], self._stamps[after]
        share = (time_s - begin) / (end - begin)
        return (1.0 - share) * self._turned[after - 1] + share * self._turned[after]


def image_shift(
    info: Any, x: float, y: float, image_width: int, image_height: int, turned: ArrayLike, rectified: bool = False
) -> Vector:
    """Return by how much (2,) px the image of a resting thing moves while the camera turns.

    Args:
        info: sensor_msgs/CameraInfo.
        x, y: pixel of the delivered image at which the thing is seen first.
        turned: (3,) rotation vector of the camera, rad, in its optical frame (x right, y down, z forward).
        rectified: as for `bearing.bearing`.

    Raises:
        InputError: as for `bearing.bearing`, or the camera turns away from the thing.
    """

    def plane(right: float, down: float) -> Vector:
        return plane_point(info, right, down, image_width, image_height, rectified)

    axis = np.array(turned, dtype=np.float64)
    if rectified and np.linalg.norm(info.r) > 0.5:
        axis = np.asarray(info.r, dtype=np.float64).reshape(3, 3) @ axis
    before = plane(x, y)
    ray = cv2.Rodrigues(-axis)[0] @ np.append(before, 1.0)
    if ray[2] <= np.abs(ray[:2]).max() / LARGEST_TANGENT:
        raise InputError("the camera turns away from the target.")
    by_pixel = np.column_stack((plane(x + 0.5, y) - plane(x - 0.5, y), plane(x, y + 0.5) - plane(x, y - 0.5)))
    shift: Vector = np.linalg.solve(by_pixel, ray[:2] / ray[2] - before)
    return shift
