# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Status, motion, decoding and the search for a lost target, each alone."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stdtrack_ros.geometry import Box, iou
from stdtrack_ros.settings import MotionSettings, RedetectionSettings, StatusSettings
from stdtrack_ros.tracker.models.decode import decode, hann
from stdtrack_ros.tracker.motion import MotionModel
from stdtrack_ros.tracker.redetection import MAX_TILES, Redetection, Sighting
from stdtrack_ros.tracker.result import Status
from stdtrack_ros.tracker.status import TrackStatusMachine

RULES = StatusSettings(uncertain_quality=0.4, certain_quality=0.5, lost_quality=0.2, uncertain_frames=2, lost_after=0.3)
FRAME_S = 1 / 30


def statuses(qualities: list[float], rules: StatusSettings = RULES) -> list[Status]:
    machine = TrackStatusMachine(rules)
    return [machine.update(quality, FRAME_S) for quality in qualities]


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


def test_a_middling_quality_is_uncertain_for_ever_but_not_lost() -> None:
    assert set(statuses([0.9] + [0.3] * 100)[3:]) == {Status.UNCERTAIN}


def test_lost_ends_by_finding_alone() -> None:
    machine = TrackStatusMachine(RULES)
    for _ in range(20):
        machine.update(0.0, FRAME_S)
    assert machine.status is Status.LOST
    assert machine.update(1.0, FRAME_S) is Status.LOST
    machine.found()
    assert machine.update(0.9, FRAME_S) is Status.TRACKING


def test_without_judgement_everything_is_tracking() -> None:
    assert set(statuses([0.0] * 50, StatusSettings(enabled=False))) == {Status.TRACKING}


@given(qualities=st.lists(st.floats(0, 1), min_size=1, max_size=60))
@settings(max_examples=200, deadline=None)
def test_tracking_never_follows_lost_and_lost_never_follows_tracking_directly(qualities: list[float]) -> None:
    found = statuses(qualities)
    for before, after in pairwise(found):
        assert (before, after) != (Status.TRACKING, Status.LOST)
        assert before is not Status.LOST or after is Status.LOST


def follow(count: int, step_px: float, motion: MotionModel, start: float = 0.0) -> None:
    for index in range(1, count + 1):
        motion.predict(FRAME_S)
        motion.correct(np.array([start + step_px * index, 50.0, 40.0, 20.0]), 0.9)


def test_the_velocity_of_a_steady_target_is_found() -> None:
    motion = MotionModel(np.array([0.0, 50.0, 40.0, 20.0]), MotionSettings())
    follow(60, 3.0, motion)
    np.testing.assert_allclose(motion.velocity, (90.0, 0.0), atol=4.0)
    np.testing.assert_allclose(motion.box, (180.0, 50.0, 40.0, 20.0), atol=4.0)


def test_coasting_goes_on_but_not_for_ever_and_doubt_grows() -> None:
    motion = MotionModel(np.array([0.0, 50.0, 40.0, 20.0]), MotionSettings(velocity_decay_time=0.5))
    follow(60, 3.0, motion)
    start, doubts = motion.box[0], []
    for _ in range(300):
        motion.predict(FRAME_S)
        doubts.append(motion.box_covariance[0, 0])
    assert 20 < motion.box[0] - start < 0.5 * 95 + 3  # at most velocity_decay_time * velocity, and the first step
    assert doubts == sorted(doubts)


def test_a_measured_box_is_as_uncertain_as_its_quality_says() -> None:
    rules = MotionSettings(center_noise=0.05, size_noise=0.1, low_quality_noise_gain=4.0)
    motion = MotionModel(np.array([0.0, 0.0, 80.0, 20.0]), rules)  # one size is 40 px
    np.testing.assert_allclose(np.sqrt(np.diag(motion.measured_covariance(1.0))), (2, 2, 4, 4))
    np.testing.assert_allclose(np.sqrt(np.diag(motion.measured_covariance(0.5))), (6, 6, 12, 12))


def test_noise_scales_with_the_target() -> None:
    small = MotionModel(np.array([0.0, 0, 10, 10]), MotionSettings())
    large = MotionModel(np.array([0.0, 0, 100, 100]), MotionSettings())
    for model in (small, large):
        model.predict(0.1)
    np.testing.assert_allclose(large.box_covariance, 100 * small.box_covariance)


@given(steps=st.lists(st.tuples(st.floats(-500, 500), st.floats(1, 500), st.floats(0, 1)), max_size=40))
@settings(max_examples=100, deadline=None)
def test_the_covariance_stays_symmetric_and_positive(steps: list[tuple[float, float, float]]) -> None:
    motion = MotionModel(np.array([0.0, 0.0, 30.0, 20.0]), MotionSettings())
    for place, size, quality in steps:
        motion.predict(FRAME_S)
        motion.correct(np.array([place, -place, size, size / 2]), quality)
    covariance = motion.box_covariance
    np.testing.assert_allclose(covariance, covariance.T, atol=1e-6 * np.abs(covariance).max())
    assert np.linalg.eigvalsh(covariance).min() > 0
    assert (motion.box[2:] >= 1).all()


def test_decoding_names_the_cell_and_its_box() -> None:
    score, size, offset = (
        np.zeros((16, 16), np.float32),
        np.zeros((2, 16, 16), np.float32),
        np.zeros((2, 16, 16), np.float32),
    )
    score[4, 10] = 0.9
    size[:, 4, 10], offset[:, 4, 10] = (0.25, 0.5), (0.5, -0.25)
    box = decode(score, size, offset, 256, 0.5)
    np.testing.assert_allclose(box, ((10.5 + 0.5) * 16 - 32, (4.5 - 0.25) * 16 - 64, 64, 128))


def test_the_window_prefers_the_middle_only_as_far_as_it_is_asked_to() -> None:
    score = np.zeros((16, 16), np.float32)
    score[8, 8], score[1, 1] = 0.6, 0.7
    none = np.zeros((2, 16, 16), np.float32)
    centers = [decode(score, none, none, 256, influence)[:2] for influence in (0.0, 1.0)]
    assert centers[0][0] < 64 and centers[1][0] > 100
    assert hann(16, 16).min() > 0


FRAME = (1280, 720)
EXPECTED = np.array([600.0, 300.0, 40.0, 40.0])
SURE = {"quality": 0.95, "similarity": 0.9, "memory_similarity": 0.9}


def search(**changes: float) -> Redetection:
    rules = {"crops_per_frame": 2, "accept_frames": 3, "window_frames": 5, **changes}
    return Redetection(RedetectionSettings(**rules), 4.0, 256)


def shown(box: Box, count: int, **facts: float) -> list[Sighting]:
    """What `count` windows showed: the first one a target, the others nothing."""
    nothing = Sighting(EXPECTED, 0.0, 0.0, 0.0)
    return [Sighting(box, **{**SURE, **facts}), *[nothing] * (count - 1)]


def test_the_windows_grow_around_the_expected_place_and_then_cover_the_frame() -> None:
    looking = search()
    crops = []
    for _ in range(60):
        windows = looking.windows(EXPECTED, *FRAME)
        assert len(windows) == 2
        crops += windows
        assert looking.judge([Sighting(EXPECTED, 0.0, 0.0, 0.0)] * 2) is None
    sides = [crop.side_px for crop in crops[:3]]
    np.testing.assert_allclose(sides, [160, 240, 320])
    assert all(crop.center_x == 620 and crop.center_y == 320 for crop in crops[:3])
    seen = np.zeros((720, 1280), bool)
    for crop in crops[3:]:
        half = crop.side_px / 2
        seen[
            max(int(crop.center_y - half), 0) : int(crop.center_y + half),
            max(int(crop.center_x - half), 0) : int(crop.center_x + half),
        ] = True
    assert seen.mean() > 0.99


@pytest.mark.parametrize("size", [(64, 48), (640, 480), (3840, 2160)])
def test_a_frame_of_any_size_is_covered_in_a_bounded_number_of_tiles(size: tuple[int, int]) -> None:
    looking = search(crops_per_frame=64)
    first = looking.windows(np.array([5.0, 5.0, 8.0, 8.0]), *size)
    again = looking.windows(np.array([5.0, 5.0, 8.0, 8.0]), *size)
    assert len(first) == 64
    assert len({(crop.center_x, crop.center_y, crop.side_px) for crop in first + again}) <= MAX_TILES + 3


def test_a_target_is_accepted_after_k_frames_that_agree() -> None:
    looking = search()
    place = np.array([900.0, 500.0, 42.0, 41.0])
    looking.windows(EXPECTED, *FRAME)
    assert looking.judge(shown(place, 2)) is None
    for expected in (None, place + 4):
        window = looking.windows(EXPECTED, *FRAME)[0]
        assert abs(window.center_x - 921) < 10  # the candidate is looked at again
        found = looking.judge(shown(place + (2 if expected is None else 4), 2))
        assert (found is None) == (expected is None)
    np.testing.assert_array_equal(found, place + 4)


@pytest.mark.parametrize("fact", ["quality", "similarity", "memory_similarity"])
def test_a_look_alike_that_fails_one_test_is_refused(fact: str) -> None:
    looking = search()
    for _ in range(20):
        windows = looking.windows(EXPECTED, *FRAME)
        assert looking.judge(shown(EXPECTED, len(windows), **{fact: 0.1})) is None
    assert looking.candidate is None


def test_a_candidate_that_does_not_hold_is_dropped() -> None:
    looking = search()
    looking.windows(EXPECTED, *FRAME)
    looking.judge(shown(EXPECTED, 2))
    for _ in range(3):
        looking.windows(EXPECTED, *FRAME)
        assert looking.judge(shown(EXPECTED, 2, quality=0.1)) is None
    assert looking.candidate is None


def test_a_sighting_elsewhere_does_not_vote_for_the_candidate() -> None:
    looking = search()
    places = [np.array([100.0 + 300 * index, 100.0, 40.0, 40.0]) for index in range(3)]
    for place in places:
        looking.windows(EXPECTED, *FRAME)
        assert looking.judge(shown(place, 2)) is None
    assert float(iou(looking.candidate, places[0])) == 1.0


def test_new_rules_of_acceptance_hold_for_a_search_that_is_under_way() -> None:
    looking = search()
    for count in range(1, 7):
        if count == 2:
            looking.settings = RedetectionSettings(accept_frames=6, window_frames=8)
        looking.windows(EXPECTED, *FRAME)
        assert (looking.judge(shown(EXPECTED, 2)) is not None) == (count == 6)


def test_more_frames_that_agree_than_frames_to_agree_in_are_all_of_them() -> None:
    looking = search(accept_frames=6, window_frames=5)
    for count in range(1, 7):
        looking.windows(EXPECTED, *FRAME)
        assert (looking.judge(shown(EXPECTED, 2)) is not None) == (count == 6)
