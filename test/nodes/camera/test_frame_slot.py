# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
import threading
import time
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stdtrack_ros.nodes.camera import frame_slot
from stdtrack_ros.nodes.camera.frame_slot import HOLD_S, Frame, FrameRing, FrameSlot


def frame(index: int, size: int = 10) -> Frame:
    return Frame(SimpleNamespace(data=bytes(size)), index, 100.0 + index, index / 10)


def test_the_newest_frame_wins_and_the_others_count_as_dropped() -> None:
    slot = FrameSlot()
    for index in (1, 2, 3):
        slot.put(frame(index))
    taken = slot.take(0.0)
    assert taken is not None and taken.index == 3
    assert slot.dropped == 2
    assert slot.take(0.0) is None


def test_take_waits_for_a_frame_from_another_thread() -> None:
    slot = FrameSlot()
    threading.Timer(0.05, slot.put, [frame(1)]).start()
    taken = slot.take(10.0)
    assert taken is not None and taken.index == 1


def test_wake_ends_the_wait_even_before_it_begins() -> None:
    slot = FrameSlot()
    slot.wake()
    begin = time.monotonic()
    assert slot.take(10.0) is None
    assert time.monotonic() - begin < 5.0


def test_clear_forgets_the_waiting_frame() -> None:
    slot = FrameSlot()
    slot.put(frame(1))
    slot.clear()
    assert slot.take(0.0) is None


@pytest.mark.parametrize(("frames", "megabytes", "kept"), [(5, 1.0, 5), (100, 0.004, 4), (100, 0.0001, 1)])
def test_the_ring_is_bounded_in_number_and_in_bytes(frames: int, megabytes: float, kept: int) -> None:
    ring = FrameRing(frames, megabytes)
    for index in range(1, 51):
        ring.append(frame(index, 1000))
    assert [one.index for one in ring.frames()] == list(range(51 - kept, 51))
    assert ring.newest is not None and ring.newest.index == 50


def test_the_ring_finds_frames_by_stamp_and_by_order() -> None:
    ring = FrameRing(10, 1.0)
    assert ring.nearest(1.0) is None and ring.newest is None
    for index in range(1, 6):
        ring.append(frame(index))
    found = ring.nearest(0.31)
    assert found is not None and found.index == 3
    assert [one.index for one in ring.newer(3)] == [4, 5]
    ring.clear()
    assert len(ring) == 0 and ring.newer(0) == []


def filled(ring: FrameRing, first: int, last: int) -> list[int]:
    """Append frames of those indices; the indices that are kept then."""
    for index in range(first, last + 1):
        ring.append(frame(index, 1000))
    return [one.index for one in ring.frames()]


@pytest.mark.parametrize(("frames", "megabytes", "kept"), [(10, 1.0, 10), (100, 0.01, 10), (2, 1.0, 2)])
def test_a_held_frame_stays_and_those_after_it_are_thinned_out_evenly(frames: int, megabytes: float, kept: int) -> None:
    ring = FrameRing(frames, megabytes)
    filled(ring, 1, 4)
    ring.hold(0.3)
    indices = filled(ring, 5, 200)
    assert len(indices) == kept and indices[0] == 3 and indices[-1] == 200
    assert max(np.diff(indices)) <= 2 * 197 / (kept - 1)
    found = ring.nearest(0.3)
    assert found is not None and found.index == 3


def test_a_frame_can_be_held_before_it_comes_and_the_last_hold_counts() -> None:
    ring = FrameRing(5, 1.0)
    for index in range(1, 1000):
        ring.hold(index / 10)
    ring.hold(0.7)
    assert filled(ring, 1, 50)[0] == 7 and len(ring) == 5


@pytest.mark.parametrize("end", ["let go", "started on", "time", "another", "unknown", "clear"])
def test_a_held_frame_goes_when_its_hold_ends(end: str, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(frame_slot.time, "monotonic", lambda: now[0])
    ring = FrameRing(5, 1.0)
    ring.hold(0.3)
    ring.let_go(frame(5))  # that is not the one
    now[0] += HOLD_S - 1
    assert filled(ring, 1, 50)[0] == 3
    if end == "let go":
        ring.let_go()
    elif end == "started on":
        ring.let_go(frame(3))
    elif end == "time":
        now[0] += 2
    elif end == "another":
        ring.hold(5.0)
    elif end == "unknown":
        ring.hold(77.0)
    else:
        ring.clear()
    assert filled(ring, 51, 54)[-4:] == [51, 52, 53, 54] and len(ring) <= 5
    assert filled(ring, 55, 60)[0] == (50 if end == "another" else 56)


def test_a_frame_that_never_came_is_held_by_the_nearest() -> None:
    ring = FrameRing(5, 1.0)
    ring.hold(0.74)
    assert filled(ring, 1, 6) and filled(ring, 8, 50)[0] == 8
    ring.clear()
    ring.hold(0.74)
    assert filled(ring, 1, 5) and filled(ring, 9, 50)[0] == 46


def test_a_held_frame_gives_way_where_there_is_room_for_one() -> None:
    ring = FrameRing(1, 1.0)
    filled(ring, 1, 1)
    ring.hold(0.1)
    assert filled(ring, 2, 3) == [3]


@given(
    st.lists(st.none() | st.floats(-1, 8) | st.just(float("nan")), max_size=80), st.integers(1, 6), st.integers(1, 6)
)
def test_no_holds_break_the_bounds(steps: list[float | None], frames: int, kilobytes: int) -> None:
    ring, newest = FrameRing(frames, kilobytes / 1000), 0
    for stamp_s in steps:
        if stamp_s is None:
            newest += 1
            kept = filled(ring, newest, newest)
            assert kept == sorted(kept) and kept[-1] == newest and len(kept) == min(newest, frames, kilobytes)
        else:
            ring.hold(stamp_s)
