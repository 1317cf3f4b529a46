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
