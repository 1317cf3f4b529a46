# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The limits of similarity are those of the frames that were made with them."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))

import fit_status


def frames(wrong_similarity: tuple[float, float]) -> fit_status.ScoredFrames:
    """1,000 right frames, a tenth of them elsewhere, of similarity 0.6 to 1; 1,000 wrong ones of high quality."""
    rng = np.random.default_rng(0)
    right = np.stack([rng.uniform(0.5, 1, 1000), rng.uniform(0.6, 1, 1000), np.ones(1000)], axis=1)
    wrong = np.stack(
        [rng.uniform(0.5, 1, 1000), rng.uniform(*wrong_similarity, 1000), np.zeros(1000)],
        axis=1,
    )
    elsewhere = (np.arange(1000) % 10 == 0).astype(float)[:, None]
    return fit_status.joined([np.hstack((right, elsewhere)), np.hstack((wrong, elsewhere))])


def test_limits_keep_the_right_frames_and_reject_the_others() -> None:
    found = fit_status.fit(frames((0.2, 0.55)))
    assert found["status"]["memory_similarity"] == pytest.approx(0.6, abs=0.011)
    assert found["status"]["elsewhere_similarity"] == pytest.approx(0.61, abs=0.03)
    assert 0.55 <= found["status"]["distractor_similarity"] <= 0.65
    assert found["redetection"]["memory_similarity"] == pytest.approx(0.64, abs=0.02)
    assert found["redetection"]["accept_quality"] == 0.5  # similarity alone keeps all others out
    lines = fit_status.table(frames((0.2, 0.55)), found).splitlines()
    assert lines[2].endswith("100.0 % |")


def test_quality_decides_if_similarity_does_not() -> None:
    mixed = frames((0.9, 1.0))
    alike = fit_status.ScoredFrames(mixed.quality, mixed.memory, mixed.overlap, mixed.elsewhere, mixed.weight)
    assert fit_status.fit(alike)["redetection"]["accept_quality"] == 0.9  # the highest that is asked for


def test_the_limit_is_a_weighted_quantile() -> None:
    values, chosen = np.array([0.1, 0.2, 0.3]), np.array([True, True, True])
    assert fit_status.limit(values, np.array([1.0, 1.0, 8.0]), chosen, 0.15) == 0.2
    assert fit_status.limit(values, np.array([8.0, 1.0, 1.0]), chosen, 0.15) == 0.1
    assert fit_status.limit(values, np.ones(3), ~chosen, 0.5, otherwise=0.7) == 0.7
