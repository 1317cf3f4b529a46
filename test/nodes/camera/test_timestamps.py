# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
from hypothesis import given
from hypothesis import strategies as st

from stdtrack_ros.nodes.camera.timestamps import StampGuard, Verdict


def judge(stamps: list[float], period_s: float = 0.1) -> list[Verdict]:
    guard = StampGuard()
    return [guard.judge(stamp, 1000.0 + index * period_s, 1.0) for index, stamp in enumerate(stamps)]


def test_time_that_goes_on_is_good() -> None:
    assert set(judge([5.0 + index * 0.1 for index in range(50)])) == {Verdict.NEXT}


def test_a_bag_that_begins_again_is_a_jump_back_at_its_second_frame() -> None:
    verdicts = judge([50.0, 50.1, 50.2, 10.0, 10.1, 10.2])
    assert verdicts == [Verdict.NEXT] * 3 + [Verdict.WRONG, Verdict.BACK, Verdict.NEXT]


def test_one_stamp_from_the_future_is_wrong_and_changes_nothing() -> None:
    assert judge([1.0, 1.1, 900.0, 1.3, 1.4]) == [Verdict.NEXT] * 2 + [Verdict.WRONG] + [Verdict.NEXT] * 2


def test_a_clock_set_forward_is_believed_at_the_second_frame() -> None:
    assert judge([1.0, 1.1, 900.0, 900.1, 900.2])[2:] == [Verdict.WRONG, Verdict.AHEAD, Verdict.NEXT]


def test_a_camera_that_stalled_goes_on_at_its_first_frame() -> None:
    guard = StampGuard()
    assert guard.judge(5.0, 100.0, 1.0) is Verdict.NEXT
    assert guard.judge(65.0, 160.0, 1.0) is Verdict.NEXT


def test_a_frame_out_of_order_is_not_used() -> None:
    assert judge([1.0, 1.1, 1.05, 1.2]) == [Verdict.NEXT, Verdict.NEXT, Verdict.WRONG, Verdict.NEXT]


def test_slow_and_fast_replay_are_no_jumps() -> None:
    assert set(judge([index * 0.033 for index in range(100)], period_s=0.5)) == {Verdict.NEXT}
    assert set(judge([index * 0.033 for index in range(100)], period_s=0.001)) == {Verdict.NEXT}


def test_a_camera_without_stamps_of_its_own_is_good() -> None:
    assert set(judge([7.0] * 20)) == {Verdict.NEXT}


@given(st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=30))
def test_good_stamps_go_back_only_with_a_verdict(stamps: list[float]) -> None:
    last = None
    for stamp, verdict in zip(stamps, judge(stamps), strict=True):
        if verdict is Verdict.NEXT:
            assert last is None or stamp >= last
        if verdict is not Verdict.WRONG:
            last = stamp
