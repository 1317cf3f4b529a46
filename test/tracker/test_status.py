# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""TRACKING, UNCERTAIN and LOST."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stdtrack_ros.settings import StatusSettings
from stdtrack_ros.tracker.result import Status
from stdtrack_ros.tracker.status import TrackStatusMachine

RULES = StatusSettings(uncertain_quality=0.4, certain_quality=0.5, lost_quality=0.2, uncertain_frames=2, lost_after=0.3)
FRAME_S = 1 / 30


def statuses(qualities: list[float], rules: StatusSettings = RULES) -> list[Status]:
    machine = TrackStatusMachine()
    return [machine.update(quality, FRAME_S, rules) for quality in qualities]


def test_one_bad_frame_is_forgiven_and_two_are_not() -> None:
    assert statuses([0.9, 0.1, 0.9]) == [Status.TRACKING] * 3
    assert statuses([0.9, 0.1, 0.1]) == [Status.TRACKING, Status.TRACKING, Status.UNCERTAIN]


def test_hysteresis_an_uncertain_target_must_become_certain() -> None:
    assert statuses([0.3, 0.3, 0.45, 0.45, 0.5]) == [
        Status.TRACKING,
        Status.UNCERTAIN,
        Status.UNCERTAIN,
        Status.UNCERTAIN,
        Status.TRACKING,
    ]


def test_uncertain_within_3_frames_and_lost_within_300_ms_of_the_last_certain_frame() -> None:
    found = statuses([0.9] + [0.05] * 12, StatusSettings())
    assert found.index(Status.UNCERTAIN) == 2  # the second frame without the target
    assert found.index(Status.LOST) * FRAME_S == pytest.approx(0.3)


def test_what_resembles_the_target_is_lost_five_times_later_and_at_once_when_it_no_longer_does() -> None:
    machine, rules = TrackStatusMachine(), StatusSettings()
    found = [machine.update(quality, FRAME_S, rules, resembles=True) for quality in [0.9] + [0.05] * 60]
    assert found.index(Status.UNCERTAIN) == 2
    assert found.index(Status.LOST) * FRAME_S == pytest.approx(1.5)
    machine = TrackStatusMachine()
    for quality in [0.9] + [0.05] * 20:
        assert machine.update(quality, FRAME_S, rules, resembles=True) is not Status.LOST
    assert machine.update(0.05, FRAME_S, rules) is Status.LOST


def test_a_middling_quality_is_uncertain_for_ever_but_not_lost() -> None:
    assert set(statuses([0.9] + [0.3] * 100)[3:]) == {Status.UNCERTAIN}


def reported(frames: list[tuple[float, bool]]) -> list[Status]:
    """Return what is reported of a doubtful start, given quality and whether the target is whole, frame by frame."""
    machine = TrackStatusMachine(confirmed=False)
    found = [machine.reported]
    for quality, whole in frames:
        machine.update(quality, FRAME_S, RULES, whole)
        found.append(machine.reported)
    return found


def test_a_doubtful_start_is_uncertain_until_frames_confirm_it() -> None:
    assert reported([(0.9, True)] * 6) == [Status.UNCERTAIN] * 5 + [Status.TRACKING] * 2
    again = [(0.9, True)] * 4 + [(0.4, True)] + [(0.9, True)] * 5  # four, one that is not certain, five
    assert reported(again) == [Status.UNCERTAIN] * 10 + [Status.TRACKING]
    assert reported([(0.9, False)] * 31) == [Status.UNCERTAIN] * 30 + [Status.TRACKING] * 2
    assert reported([(0.45, True)] * 40) == [Status.UNCERTAIN] * 41


def test_a_doubtful_start_is_lost_and_found_as_any_other() -> None:
    machine = TrackStatusMachine(confirmed=False)
    for _ in range(20):
        machine.update(0.0, FRAME_S, RULES)
    assert machine.reported is Status.LOST
    machine.reacquire()
    assert machine.reported is Status.TRACKING


def test_lost_ends_by_finding_alone() -> None:
    machine = TrackStatusMachine()
    for _ in range(20):
        machine.update(0.0, FRAME_S, RULES)
    assert machine.status is Status.LOST
    assert machine.update(1.0, FRAME_S, RULES) is Status.LOST
    machine.reacquire()
    assert machine.update(0.9, FRAME_S, RULES) is Status.TRACKING


def test_without_loss_detection_everything_is_tracking() -> None:
    assert set(statuses([0.0] * 50, StatusSettings(enabled=False))) == {Status.TRACKING}


@pytest.mark.parametrize("pattern", [(0.0, 0.9), (0.0, 0.9, 0.9), (0.9, 0.0, 0.0, 0.9, 0.9)])
def test_frames_of_no_worth_are_uncertain_however_good_ones_lie_between(pattern: tuple[float, ...]) -> None:
    qualities = list(pattern) * 20
    found = statuses([0.9, *qualities])[1:]
    tracked = [index for index, status in enumerate(found) if status is Status.TRACKING and qualities[index] == 0.0]
    assert len(tracked) <= RULES.uncertain_frames and all(index < 10 for index in tracked)
    assert all(status is Status.TRACKING for status, quality in zip(found, qualities, strict=True) if quality == 0.9)


@pytest.mark.parametrize("rate", [5.0, 7.0, 10.0, 15.0, 30.0, 60.0])
def test_few_frames_of_a_slow_camera_are_little_evidence(rate: float) -> None:
    machine, rules = TrackStatusMachine(), StatusSettings()
    found = [machine.update(quality, 1 / rate, rules) for quality in [0.9] + [0.05] * 40]
    frames = found.index(Status.LOST)
    assert frames >= rules.lost_frames and frames / rate >= rules.lost_after - 1e-9
    assert frames == max(rules.lost_frames, round(rules.lost_after * rate))


@given(qualities=st.lists(st.floats(0, 1), min_size=1, max_size=60))
@settings(max_examples=200, deadline=None)
def test_tracking_never_follows_lost_and_lost_never_follows_tracking_directly(qualities: list[float]) -> None:
    found = statuses(qualities)
    for before, after in pairwise(found):
        assert (before, after) != (Status.TRACKING, Status.LOST)
        assert before is not Status.LOST or after is Status.LOST
