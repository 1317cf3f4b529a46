# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Times of many runs, and how they are taken so that a busy machine does least harm."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from stdtrack_ros.evaluation.metrics.accuracy import FloatArray

PERCENTILES = (50, 95, 99)
WARM_UP = 5
CLOCKS: Mapping[str, Callable[[], float]] = {"wall": time.perf_counter, "cpu": time.process_time}
"""`cpu`: processor time of all threads, which other programs lengthen little; on one thread, what a free core takes."""


@dataclass(frozen=True, slots=True)
class Timing:
    """Milliseconds of one stage.

    Attributes:
        p50, p95, p99: percentiles over frames.
    """

    p50: float
    p95: float
    p99: float


def timing(seconds: FloatArray) -> Timing:
    """Compute percentiles in milliseconds of (N,) seconds."""
    return Timing(*(float(value) for value in np.percentile(seconds * 1e3, PERCENTILES)))


def timing_of_turns(
    steps: Mapping[str, Callable[[], object]], runs: int, clock: Callable[[], float]
) -> dict[str, Timing]:
    """Time each of the steps `runs` times, in rounds, after some rounds to warm up.

    Each round has an order of its own, so that no step always finds the caches as the same other one left them. The
    orders are the same in every call.
    """
    spent: dict[str, list[float]] = {name: [] for name in steps}
    orders = np.random.default_rng(0)
    for _ in range(WARM_UP + runs):
        for name in orders.permutation(list(steps)):
            begin = clock()
            steps[name]()
            spent[name].append(clock() - begin)
    return {name: timing(np.array(seconds[WARM_UP:])) for name, seconds in spent.items()}
