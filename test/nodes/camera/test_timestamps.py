# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
from hypothesis import given
from hypothesis import strategies as st

from stdtrack_ros.nodes.camera.timestamps import TimestampMonitor, TimestampStatus


def check(stamps: list[float], period_s: float = 0.1) -> list[TimestampStatus]:
    monitor = TimestampMonitor()
    return [monitor.check(stamp, 1000.0 + index * period_s, 1.0) for index, stamp in enumerate(stamps)]


def test_time_that_goes_on_is_good() -> None:
    assert set(check([5.0 + index * 0.1 for index in range(50)])) == {TimestampStatus.NEXT}


def test_a_bag_that_begins_again_is_a_jump_back_at_its_second_frame() -> None:
    statuses = check([50.0, 50.1, 50.2, 10.0, 10.1, 10.2])
    assert statuses == [TimestampStatus.NEXT] * 3 + [TimestampStatus.WRONG, TimestampStatus.BACK, TimestampStatus.NEXT]


def test_one_stamp_from_the_future_is_wrong_and_changes_nothing() -> None:
    assert (
        check([1.0, 1.1, 900.0, 1.3, 1.4])
        == [TimestampStatus.NEXT] * 2 + [TimestampStatus.WRONG] + [TimestampStatus.NEXT] * 2
    )


def test_a_clock_set_forward_is_believed_at_the_second_frame() -> None:
    assert check([1.0, 1.1, 900.0, 900.1, 900.2])[2:] == [
        TimestampStatus.WRONG,
        TimestampStatus.AHEAD,
        TimestampStatus.NEXT,
    ]


def test_a_camera_that_stalled_goes_on_at_its_first_frame() -> None:
    monitor = TimestampMonitor()
    assert monitor.check(5.0, 100.0, 1.0) is TimestampStatus.NEXT
    assert monitor.check(65.0, 160.0, 1.0) is TimestampStatus.NEXT


def test_a_frame_out_of_order_is_not_used() -> None:
    assert check([1.0, 1.1, 1.05, 1.2]) == [
        TimestampStatus.NEXT,
        TimestampStatus.NEXT,
        TimestampStatus.WRONG,
        TimestampStatus.NEXT,
    ]


def test_slow_and_fast_replay_are_no_jumps() -> None:
    assert set(check([index * 0.033 for index in range(100)], period_s=0.5)) == {TimestampStatus.NEXT}
    assert set(check([index * 0.033 for index in range(100)], period_s=0.001)) == {TimestampStatus.NEXT}


def test_a_camera_without_stamps_of_its_own_is_good() -> None:
    assert set(check([7.0] * 20)) == {TimestampStatus.NEXT}


@given(st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=30))
def test_good_stamps_go_back_only_with_a_verdict(stamps: list[float]) -> None:
    last = None
    for stamp, status in zip(stamps, check(stamps), strict=True):
        if status is TimestampStatus.NEXT:
            assert last is None or stamp >= last
        if status is not TimestampStatus.WRONG:
            last = stamp
