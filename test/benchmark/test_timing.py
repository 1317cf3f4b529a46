# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Percentiles, and turns on a clock that counts."""

from __future__ import annotations

import numpy as np
import pytest

from stdtrack_ros.benchmark.timing import timing, timing_of_turns


def test_percentiles_in_milliseconds() -> None:
    found = timing(np.arange(101) / 1000)
    assert (found.p50, found.p95, found.p99) == pytest.approx((50, 95, 99))


def test_steps_are_timed_in_turn_and_the_first_turns_do_not_count() -> None:
    order: list[str] = []
    clock = iter(range(1000))
    found = timing_of_turns({"a": lambda: order.append("a"), "b": lambda: order.append("b")}, 3, lambda: next(clock))
    assert order == ["a", "b"] * 8
    assert found["a"] == found["b"] == timing(np.ones(3))
