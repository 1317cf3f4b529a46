# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The search window is large at once when it may have to be, and small only after some calm frames."""

from __future__ import annotations

import pytest

from stdtrack_ros.settings import SearchSettings
from stdtrack_ros.tracker.search_window import CALM_FRAMES, SearchWindow

AUTO = SearchSettings(fast_motion=0.35)
RATE_S = 1 / 30


def calm(window: SearchWindow, frames: int, interval_s: float = RATE_S) -> list[bool]:
    return [window.choose(False, 1.0, interval_s, AUTO) for _ in range(frames)]


def test_a_calm_target_has_the_small_window_from_the_start() -> None:
    assert calm(SearchWindow(), 20) == [False] * 20


@pytest.mark.parametrize(
    ("doubtful", "speed", "elapsed_s"),
    [(True, 0.0, RATE_S), (False, 0.36 / RATE_S, RATE_S), (False, 0.0, 2 * RATE_S), (False, 0.0, 0.125)],
    ids=["doubtful", "fast", "dropped frame", "low rate"],
)
def test_one_frame_of_need_makes_it_large_for_a_while(doubtful: bool, speed: float, elapsed_s: float) -> None:
    window = SearchWindow()
    assert not calm(window, 20)[-1]
    assert window.choose(doubtful, speed, elapsed_s, AUTO)
    assert calm(window, CALM_FRAMES) == [True] * (CALM_FRAMES - 1) + [False]


def test_a_low_rate_keeps_it_large_and_a_slower_camera_does_not() -> None:
    assert all(calm(SearchWindow(), 50, 0.125))
    window = SearchWindow()
    calm(window, 20)
    assert not calm(window, 60, 2 * RATE_S)[-1], "15 frames/s are the usual interval after a while"


def test_either_window_can_be_fixed() -> None:
    for choice in ("small", "large"):
        settings = SearchSettings(window=choice)
        window = SearchWindow()
        assert {window.choose(doubt, 9.0, 0.2, settings) for doubt in (True, False) * 9} == {choice == "large"}
