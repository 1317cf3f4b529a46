# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
from itertools import pairwise

import pytest
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
    assert set(check([0.0] * 20)) == {TimestampStatus.NEXT}


@given(st.lists(st.floats(-1e9, 1e9).filter(bool), min_size=1, max_size=30))
def test_good_stamps_never_go_back(stamps: list[float]) -> None:
    last = None
    for stamp, status in zip(stamps, check(stamps), strict=True):
        if status is TimestampStatus.NEXT:
            assert last is None or stamp >= last
        if status is not TimestampStatus.WRONG:
            last = stamp


def times(stamps: list[float], period_s: float) -> tuple[list[float], str]:
    """Return the times that the tracker goes by, and the fault at the end."""
    monitor, found = TimestampMonitor(), []
    for index, stamp in enumerate(stamps):
        if monitor.check(stamp, 50.0 + index * period_s, 1.0) is not TimestampStatus.WRONG:
            found.append(monitor.time_s)
    return found, monitor.fault


FRAMES = range(150)


def test_good_stamps_are_the_time_to_the_last_bit() -> None:
    stamps = [1000.0 + index / 30 for index in FRAMES]
    assert times(stamps, 1 / 30) == (stamps, "")


@pytest.mark.parametrize(
    ("stamps", "words"),
    [
        ([100.0 for _ in FRAMES], "stand still"),
        ([100.0 + index // 30 for index in FRAMES], "stand still"),
        ([100.0 + index // 3 / 10 for index in FRAMES], "stand still"),
        ([0.0 for _ in FRAMES], "no stamps"),
        ([100.0 + index / 60 for index in FRAMES], "0.5 times as fast"),
        ([100.0 + index / 20 for index in FRAMES], "1.5 times as fast"),
    ],
    ids=["constant", "whole seconds", "each three times", "none", "half rate", "one and a half"],
)
def test_time_goes_on_with_the_arrivals_if_the_stamps_are_none(stamps: list[float], words: str) -> None:
    found, fault = times(stamps, 1 / 30)
    assert words in fault and len(found) == len(stamps)
    assert found[-1] - found[-61] == pytest.approx(2.0, abs=0.05)
    assert all(later >= earlier for earlier, later in pairwise(found))


def test_stamps_that_are_sound_again_are_believed_again_without_a_jump() -> None:
    found, fault = times([100.0] * 30 + [200.0 + index / 30 for index in range(60)], 1 / 30)
    assert fault == "" and max(after - before for before, after in pairwise(found)) < 0.07  # one image is passed over


def test_a_slow_stream_that_is_played_fast_is_used() -> None:
    """A bag of 0.5 Hz at ten times its speed: only the second image, which might be a single wrong stamp, is lost."""
    assert check([100.0 + 2 * index for index in range(50)], period_s=0.2).count(TimestampStatus.WRONG) == 1


def test_a_jump_ahead_costs_one_image_and_no_time() -> None:
    found, fault = times([100.0 + index / 30 + 4 * (index > 50) for index in range(100)], 1 / 30)
    assert fault == "" and len(found) == 99 and found[-1] - found[0] == pytest.approx(99 / 30, abs=0.1)


def test_images_of_two_cameras_whose_clocks_differ_are_not_mixed() -> None:
    statuses = check([100.0 + index / 60 + 20 * (index % 2) for index in range(60)], period_s=1 / 60)
    assert statuses.count(TimestampStatus.NEXT) >= 30 and TimestampStatus.AHEAD not in statuses[2:]
