# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The fit of the motion model's noise finds what made the tracks."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))

import fit_motion

from stdtrack_ros.evaluation.redetection import StatusRun
from stdtrack_ros.tracker.result import Status


def tracks(count: int = 12, length: int = 60) -> list[fit_motion.Track]:
    """Simulate targets of 40x40 px whose velocity is a random walk of 3 sizes/s after a second.

    The standard deviation of the measurement is 0.05 sizes (centre) and 0.08 (size) if the quality is 1, and three
    times that if it is 0.5.
    """
    rng, made = np.random.default_rng(1), []
    for _ in range(count):
        velocity = np.cumsum(rng.normal(size=(length, 2)) * 3.0 * 40 * np.sqrt(1 / 30), axis=0)
        centers = 1e4 + np.cumsum(velocity / 30, axis=0)
        sizes = np.full((length, 2), 40.0)
        quality = rng.choice([0.5, 1.0], length)
        spread = 40 * (1 + 4.0 * (1 - quality))[:, None]
        seen_sizes = sizes + rng.normal(size=(length, 2)) * 0.08 * spread
        seen = centers + rng.normal(size=(length, 2)) * 0.05 * spread
        ground_truth = np.hstack((centers - sizes / 2, sizes))
        boxes = np.hstack((seen - seen_sizes / 2, seen_sizes))
        made.append(fit_motion.Track(boxes, ground_truth, quality, np.arange(length) / 30))
    return made


def test_the_noise_of_boxes_is_found() -> None:
    found = fit_motion.fit_measurement(tracks(40))
    assert found.center_noise == pytest.approx(0.05, rel=0.15)
    assert found.size_noise == pytest.approx(0.08, rel=0.15)
    assert found.low_quality_noise_gain == pytest.approx(4.0, abs=1.0)


def test_the_noise_of_the_motion_is_found_and_steady_sizes_are_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fit_motion, "NOISES", np.geomspace(0.05, 20.0, 9))
    found = fit_motion.fit(tracks())
    assert 1.0 < found.acceleration_noise < 9.0
    assert found.growth_noise < 0.3


def test_the_noise_of_doubt_makes_nine_in_ten_ellipses_hold_the_target() -> None:
    """UNCERTAIN boxes of 20x20 px whose centre deviates by 3 sizes on each axis, and says 0.4; others do not count."""
    rng, count = np.random.default_rng(2), 4000
    places = np.hstack((rng.uniform(0, 500, (count, 2)), np.full((count, 2), 20.0)))
    statuses = rng.choice([int(Status.TRACKING), int(Status.UNCERTAIN)], count)
    boxes = places.copy()
    boxes[statuses == int(Status.UNCERTAIN), :2] += 20 * 3.0 * rng.normal(size=((statuses == 2).sum(), 2))
    covariances = np.tile(np.diag([8.0**2] * 4), (count, 1, 1))
    places[::7] = np.nan
    run = StatusRun(boxes, places, statuses, np.ones(count), np.arange(count) / 30, covariances, places)
    assert fit_motion.fit_doubt([run]) == pytest.approx((3.0**2 - 0.4**2) ** 0.5, rel=0.05)
    calm = np.full(count, int(Status.TRACKING))
    assert fit_motion.fit_doubt([StatusRun(boxes, places, calm, boxes[:, 0], boxes[:, 0], covariances, places)]) == 0.0
