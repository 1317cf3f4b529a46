# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The short form of soak.py."""

from __future__ import annotations

from pathlib import Path

import pytest
from moving_scene import Scene
from node_bench import Bench, running
from soak import growth, painted, soak


@pytest.mark.ros
@pytest.mark.slow
@pytest.mark.timeout(900)
def test_memory_and_descriptors_stay_what_they_are(bench: Bench, tmp_path: Path) -> None:
    with running(tmp_path / "log", bench, ring__frames=10) as node:
        samples = soak(bench, node.process.pid, painted(Scene()), frames=900, rate=0.0)
    change = growth(samples)
    assert change["memory_mb"] < 5.0, samples
    assert abs(change["descriptors"]) < 1.0 and abs(change["threads"]) < 1.0, samples
    assert min(sample.tracking for sample in samples) > 0.95, "the target is held throughout"


def test_growth_is_that_of_a_straight_line() -> None:
    from soak import Sample

    samples = [Sample(100 * n, float(n), 50.0 + n, 12, 7, 4.0, 1.0) for n in range(1, 11)]
    assert growth(samples) == pytest.approx({"memory_mb": 7.0, "descriptors": 0.0, "threads": 0.0, "latency_ms": 0.0})
