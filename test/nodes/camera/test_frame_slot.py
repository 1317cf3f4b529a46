# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
import threading
import time
from types import SimpleNamespace

import pytest

from stdtrack_ros.nodes.camera.frame_slot import Frame, FrameRing, FrameSlot


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
