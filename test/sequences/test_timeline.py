# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Stamps that are missing, stand still, go back or jump, in recordings and in videos."""

from __future__ import annotations

import numpy as np
import pytest

from stdtrack_ros.errors import SequenceError
from stdtrack_ros.sequences.timeline import MISSING, Pace, repair_recorded, repair_unrecorded

SECOND = 10**9
T0 = 1_700_000_000 * SECOND
EVERY = 33_333_333


def regular(count: int = 40, start: int = T0, step: int = EVERY) -> np.ndarray:
    return start + step * np.arange(count, dtype=np.int64)


def test_good_stamps_stay_as_they_are() -> None:
    timeline = repair_recorded(regular(), regular() + 5_000_000, "bag")
    np.testing.assert_array_equal(timeline.stamps_ns, regular())
    assert timeline.notes == () and len(timeline.kept) == 40


@pytest.mark.parametrize(
    "stamps",
    [
        np.full(40, T0),
        regular() // SECOND * SECOND,  # whole seconds
        T0 + np.arange(40) // 3 * 100_000_000,  # each stamp three times
    ],
    ids=["one stamp for all", "whole seconds", "each three times"],
)
def test_stamps_that_stand_still_give_way_to_the_times_of_recording(stamps: np.ndarray) -> None:
    timeline = repair_recorded(stamps, regular(), "bag")
    np.testing.assert_array_equal(timeline.stamps_ns, regular())
    assert timeline.notes == (
        "The stamps of the images stand still while time goes on: the times of recording are used.",
    )


def test_no_stamps_at_all() -> None:
    timeline = repair_recorded(np.zeros(40, dtype=np.int64), regular(), "bag")
    np.testing.assert_array_equal(timeline.stamps_ns, regular())
    assert "carry no stamps" in timeline.notes[0]


@pytest.mark.parametrize("missing", [slice(0, 1), slice(5, None, 10)], ids=["the first", "every tenth"])
def test_single_images_without_a_stamp_get_the_time_of_recording_in_the_cameras_clock(missing: slice) -> None:
    stamps = regular(start=5 * SECOND)  # a camera that counts from its start
    gone = stamps.copy()
    gone[missing] = 0
    timeline = repair_recorded(gone, regular(), "bag")
    np.testing.assert_array_equal(timeline.stamps_ns, stamps)
    assert f"{(gone == 0).sum()} images carry no stamp" in timeline.notes[0]


def test_stamps_that_go_back_are_left_out_or_too_many() -> None:
    stamps = regular()
    stamps[7] -= SECOND
    timeline = repair_recorded(stamps, regular(), "bag")
    assert 7 not in timeline.kept and len(timeline.kept) == 39
    with pytest.raises(SequenceError, match="go back at frame 20"):
        repair_recorded(np.concatenate([regular(20), regular(20)]), regular(), "bag")


def test_a_clock_that_was_set_is_named() -> None:
    stamps = np.concatenate([regular(5, start=3 * SECOND), regular(35)])
    timeline = repair_recorded(stamps, stamps, "bag")
    assert len(timeline.kept) == 40
    (note,) = timeline.notes
    assert note.startswith("The stamps jump by 1699999") and note.endswith("after frame 4.")


def test_a_video_without_stamps_runs_at_its_rate() -> None:
    timeline = repair_unrecorded(np.full(4, MISSING), 25.0)
    assert timeline.stamps_s.tolist() == pytest.approx([0, 0.04, 0.08, 0.12])
    assert timeline.notes == ("The video carries no stamps: 25 frames per second are assumed.",)


def test_two_videos_in_one_file_go_on_one_after_the_other() -> None:
    one = np.round(np.arange(30) / 30 * 1e9).astype(np.int64)
    timeline = repair_unrecorded(np.concatenate([one, one]), 30.0)
    np.testing.assert_allclose(timeline.stamps_s, np.arange(60) / 30, atol=1e-6)
    assert "begin again at frame 30" in timeline.notes[0]


def test_single_stamps_that_a_video_lacks_lie_between_their_neighbours() -> None:
    stamps = np.arange(10) * 40_000_000
    stamps[[3, 4]] = MISSING
    np.testing.assert_allclose(repair_unrecorded(stamps, 25.0).stamps_s, np.arange(10) * 0.04, atol=1e-9)


def test_a_video_whose_stamps_do_not_grow_runs_at_its_rate() -> None:
    timeline = repair_unrecorded(np.repeat(np.arange(5) * 200_000_000, 6), 30.0)
    np.testing.assert_allclose(timeline.stamps_s, np.arange(30) / 30, atol=1e-6)
    assert "do not grow" in timeline.notes[0]


@pytest.mark.parametrize("stamps", [regular(), np.array([0, 1, 5, 6]), regular(6, step=2 * SECOND)])
def test_a_recording_is_played_as_it_was_recorded(stamps: np.ndarray) -> None:
    pace = Pace()
    assert [pace.next(int(stamp)) for stamp in stamps] == [(int(stamp - stamps[0]), "") for stamp in stamps]


@pytest.mark.parametrize("first", [1, 5])
def test_decades_are_not_waited_out(first: int) -> None:
    stamps = np.concatenate([regular(first, start=3 * SECOND), regular(10)])
    pace = Pace()
    played = [pace.next(int(stamp)) for stamp in stamps]
    assert played[-1][0] <= EVERY * (len(stamps) - 1)
    notes = [(index, note) for index, (_, note) in enumerate(played) if note]
    assert len(notes) == 1 and notes[0][0] == first and "passed over" in notes[0][1]


def test_time_that_goes_back_is_passed_over() -> None:
    pace = Pace()
    played = [pace.next(stamp)[0] for stamp in (100, 200, 300, 50, 150)]
    assert played == [0, 100, 200, 300, 400]
