# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Replay against time, with step times chosen so that each frame's fate can be worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from painted_clips import PaintedClip, RedTracker

from stdtrack_ros.evaluation.metrics.accuracy import overlaps, success_curve
from stdtrack_ros.evaluation.metrics.scores import real_time_curve, row_of
from stdtrack_ros.evaluation.realtime import DELAYS, RealTimeRun, Rest, mean_mismatch, replay, seen_boxes, visible
from stdtrack_ros.evaluation.results import facts_of
from stdtrack_ros.tracker.motion import PREDICTION_DEAD_BAND


def run(cost_s: float, length: int = 12) -> tuple[PaintedClip, RealTimeRun]:
    clip = PaintedClip("clip", length)  # 10 frames per second
    return clip, replay(RedTracker(), clip, np.full(length, cost_s))


def test_a_fast_tracker_takes_each_frame_and_is_one_frame_late() -> None:
    _, result = run(0.04)
    assert not np.isnan(result.finish_s).any()
    # Frame i arrives at 0.1 i; its own output exists at 0.1 i + 0.04, so that the one before is the newest then.
    assert visible(result).tolist() == [0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10]
    assert mean_mismatch(result) == 1.0


def test_a_slow_tracker_misses_frames_and_takes_the_newest() -> None:
    _, result = run(0.25)
    # Takes frame 1 at 0.10 until 0.35, then 3 (newest at 0.35) until 0.60, then 6 until 0.85, then 8 until 1.10, 11.
    taken = np.flatnonzero(~np.isnan(result.finish_s))
    assert taken.tolist() == [0, 1, 3, 6, 8, 11]
    np.testing.assert_allclose(result.finish_s[taken], [0, 0.35, 0.6, 0.85, 1.1, 1.35])
    # Frame 4 arrives at 0.4: newest output is that of frame 1. Frame 6 arrives at 0.6, just as that of 3 is there.
    assert visible(result).tolist() == [0, 0, 0, 0, 1, 1, 3, 3, 3, 6, 6, 8]
    assert mean_mismatch(result) == pytest.approx((1 + 2 + 3 + 3 + 4 + 3 + 4 + 5 + 3 + 4 + 3) / 11)


def test_what_comes_after_a_result_does_not_delay_it_and_is_left_out_if_the_next_frame_is_due() -> None:
    """At 10 frames/s a step takes 0.06 s; then memory takes 0.02 s in frame 2, or with a look 0.08 s in frame 3."""
    asked: list[float] = []
    after = np.zeros(6)
    after[2:4] = 0.02, 0.08
    rest = Rest(after, asked.append)
    result = replay(RedTracker(), PaintedClip("clip", 6), np.full(6, 0.06), rest=rest)
    # The look of frame 3 is left out: its result is out at 0.36, memory takes until 0.38, and frame 4 is in time.
    np.testing.assert_allclose(result.finish_s[1:], [0.16, 0.26, 0.36, 0.46, 0.56])
    assert asked == [np.inf, np.inf, 0.0, np.inf, np.inf]
    late = replay(RedTracker(), PaintedClip("clip", 6), np.full(6, 0.06), rest=Rest(np.full(6, 0.12), asked.append))
    # Each frame is begun 0.06 s after the last one's result: the half of what comes after that cannot be left out.
    np.testing.assert_allclose(late.finish_s[~np.isnan(late.finish_s)][1:], [0.16, 0.28, 0.4, 0.52, 0.64])


def test_an_allowed_delay_of_half_a_frame_lets_a_fast_tracker_show_its_own_output() -> None:
    _, result = run(0.04)
    assert visible(result, delay=0.3).tolist() == [0, *range(11)]
    assert visible(result, delay=0.5).tolist() == list(range(12))


def test_a_tracker_that_takes_no_time_never_shows_a_frame_to_come() -> None:
    _, result = run(0.0)
    for delay in (0.0, 0.5, 1.0):
        assert visible(result, delay).tolist() == list(range(12))


def test_forecasts_carry_a_late_box_to_where_the_target_is_now() -> None:
    clip, result = run(0.25)
    late = seen_boxes(result)
    np.testing.assert_allclose(late[5], clip.boxes[1])
    # RedTracker's velocity, 20 px/s, is the true one: once it has been given, forecasts lie on the target.
    forecast = seen_boxes(result, forecast=True)
    # It stays behind by the dead band of the prediction.
    band = PREDICTION_DEAD_BAND * np.sqrt(clip.boxes[4:, 2:].prod(axis=1).max())
    assert np.abs(forecast[4:] - clip.boxes[4:]).max() <= band + 1e-9
    row = row_of({"realtime": result}, facts_of(clip, "clip"))
    assert row["realtime_auc"] < row["realtime_forecast_auc"]
    assert row["missed"] == pytest.approx(6 / 11)


def test_stamps_with_a_gap_give_a_slow_tracker_time_to_catch_up() -> None:
    clip = PaintedClip("gap", 6)
    clip.stamps_s = np.array([0.0, 0.1, 0.2, 5.0, 5.1, 5.2])
    result = replay(RedTracker(), clip, np.full(6, 0.15))
    assert np.flatnonzero(~np.isnan(result.finish_s)).tolist() == [0, 1, 2, 3, 4, 5]
    assert visible(result).tolist() == [0, 0, 0, 2, 2, 3]


def test_before_the_first_true_box_there_is_no_output() -> None:
    clip = PaintedClip("late", 10, hidden=range(3))
    result = replay(RedTracker(), clip, np.full(10, 0.01))
    assert visible(result).tolist() == [-1, -1, -1, 3, 3, 4, 5, 6, 7, 8]
    assert np.isnan(seen_boxes(result)[:3]).all()


@given(st.lists(st.floats(0.0, 0.6), min_size=12, max_size=12), st.floats(0.0, 1.0))
def test_outputs_are_causal_and_never_go_back(costs: list[float], delay: float) -> None:
    clip = PaintedClip("any", 12)
    result = replay(RedTracker(), clip, costs)
    sources = visible(result, delay)
    assert (sources <= np.arange(12)).all()
    assert (np.diff(sources) >= 0).all()
    assert (sources >= visible(result)).all()
    taken = np.flatnonzero(~np.isnan(result.finish_s))
    assert (np.diff(result.finish_s[taken]) >= 0).all()
    assert (result.finish_s[taken] >= result.arrival_s[taken]).all()


def test_the_curve_over_delays_is_the_auc_of_what_is_seen_at_each() -> None:
    clip = PaintedClip("hidden", 40, hidden=range(4, 8))
    run_ = replay(RedTracker(), clip, np.linspace(0.01, 0.22, 40))
    curve = real_time_curve(run_, facts_of(clip, "hidden"))
    for number in (0, 17, 33, 50):
        seen = seen_boxes(run_, DELAYS[number])
        assert curve[number] == pytest.approx(success_curve(overlaps(seen, clip.boxes)).mean())
    assert curve[0] < curve[-1]


def test_the_same_step_times_give_the_same_boxes() -> None:
    _, first = run(0.17)
    _, second = run(0.17)
    np.testing.assert_array_equal(first.boxes, second.boxes)
    np.testing.assert_array_equal(first.finish_s, second.finish_s)
