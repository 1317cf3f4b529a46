# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Percentiles, and turns on a clock that counts."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest

from stdtrack_ros.benchmark.timing import timing, timing_of_turns


def test_percentiles_in_milliseconds() -> None:
    found = timing(np.arange(101) / 1000)
    assert (found.p50, found.p95, found.p99) == pytest.approx((50, 95, 99))


def test_steps_are_timed_in_rounds_of_changing_order_and_the_first_rounds_do_not_count() -> None:
    order: list[str] = []
    clock = iter(range(1000))
    steps = {name: partial(order.append, name) for name in "abc"}
    found = timing_of_turns(steps, 30, lambda: next(clock))
    rounds = [tuple(order[start : start + 3]) for start in range(0, len(order), 3)]
    assert len(rounds) == 35 and all(sorted(one) == ["a", "b", "c"] for one in rounds)
    assert {one[0] for one in rounds} == {"a", "b", "c"}, "each comes first at times"
    assert found["a"] == found["b"] == found["c"] == timing(np.ones(30))
