# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Means over groups and their errors, against values worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from stdtrack_ros.evaluation.metrics.paired import estimate


def test_groups_count_alike_whatever_their_size() -> None:
    values, groups = [1.0, 1.0, 1.0, 0.0], ["sky", "sky", "sky", "street"]
    assert estimate(values, list("abcd"), groups).mean == pytest.approx(0.5)
    assert estimate(values, list("abcd")).mean == pytest.approx(0.75)


def test_the_error_of_independent_clips_is_that_of_a_mean() -> None:
    values = np.random.default_rng(1).normal(size=400)
    found = estimate(values, [str(index) for index in range(400)])
    assert found.error == pytest.approx(values.std() / 20, rel=0.06)


def test_clips_of_one_video_count_as_one_draw() -> None:
    values = np.repeat(np.random.default_rng(1).normal(size=40), 10)
    videos = [str(index // 10) for index in range(400)]
    assert estimate(values, videos).error == pytest.approx(values.std() / np.sqrt(40), rel=0.06)


def test_missing_values_are_left_out() -> None:
    assert estimate([1.0, np.nan, 3.0], ["a", "b", "c"]).mean == 2.0
    assert np.isnan(estimate([np.nan], ["a"]).mean)
    assert np.isnan(estimate([1.0, 2.0], ["a", "a"]).error)
