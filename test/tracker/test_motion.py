# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The Kalman filter of a target's motion."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stdtrack_ros.settings import MotionSettings
from stdtrack_ros.tracker.motion import MotionModel, carried_on

RULES = MotionSettings()
FRAME_S = 1 / 30


def follow(count: int, step_px: float, motion: MotionModel, rules: MotionSettings = RULES) -> None:
    for index in range(1, count + 1):
        motion.predict(FRAME_S, rules)
        motion.correct(np.array([step_px * index, 50.0, 40.0, 20.0]), 0.9, rules)


def test_the_velocity_of_a_steady_target_is_found() -> None:
    motion = MotionModel(np.array([0.0, 50.0, 40.0, 20.0]), RULES)
    follow(60, 3.0, motion)
    np.testing.assert_allclose(motion.velocity, (90.0, 0.0), atol=4.0)
    np.testing.assert_allclose(motion.box, (180.0, 50.0, 40.0, 20.0), atol=4.0)


def test_coasting_goes_on_but_not_for_ever_and_doubt_grows() -> None:
    motion = MotionModel(np.array([0.0, 50.0, 40.0, 20.0]), MotionSettings(velocity_decay_time=0.5))
    follow(60, 3.0, motion)
    start, doubts = motion.box[0], []
    for _ in range(300):
        motion.predict(FRAME_S, RULES)
        doubts.append(motion.box_covariance[0, 0])
    assert 20 < motion.box[0] - start < 0.5 * 95 + 3  # at most velocity_decay_time * velocity, and the first step
    assert doubts == sorted(doubts)


def test_a_measured_box_is_as_uncertain_as_its_quality_says() -> None:
    rules = MotionSettings(center_noise=0.05, size_noise=0.1, low_quality_noise_gain=4.0)
    motion = MotionModel(np.array([0.0, 0.0, 80.0, 20.0]), rules)  # one size is 40 px
    np.testing.assert_allclose(np.sqrt(np.diag(motion.measured_covariance(1.0, rules))), (2, 2, 4, 4))
    np.testing.assert_allclose(np.sqrt(np.diag(motion.measured_covariance(0.5, rules))), (6, 6, 12, 12))


def test_what_is_covered_from_one_side_slows_down_late() -> None:
    motion = MotionModel(np.array([0.0, 50.0, 40.0, 20.0]), RULES)
    follow(30, 3.0, motion)
    for index in (31, 32):  # a board at 130 px: the left edge goes on by 3 px a frame, the right one stays
        motion.predict(FRAME_S, RULES)
        motion.correct(np.array([3.0 * index, 50.0, 130 - 3.0 * index, 20.0]), 0.9, RULES)
    assert 80 < motion.velocity[0] < 91  # 58 if the visible part's centre counted
    assert motion.box[0] + motion.box[2] / 2 == pytest.approx(116, abs=0.5)  # the whole target's, not 113


def test_a_box_that_takes_in_something_else_does_not_draw_the_target_aside() -> None:
    motion = MotionModel(np.array([0.0, 50.0, 40.0, 20.0]), RULES)
    follow(30, 3.0, motion)
    motion.predict(FRAME_S, RULES)
    motion.correct(np.array([93.0, 50.0, 60.0, 20.0]), 0.9, RULES)  # 20 px more on the right
    np.testing.assert_allclose(motion.velocity, (90.0, 0.0), atol=4.0)
    assert motion.box[0] + motion.box[2] / 2 == pytest.approx(113, abs=1)


def test_the_box_that_a_frame_shows_says_what_is_open_and_the_steady_one_is_taken_in() -> None:
    def moved(shown_width_px: float) -> float:
        motion = MotionModel(np.array([0.0, 0.0, 40.0, 20.0]), RULES)
        motion.predict(FRAME_S, RULES)
        motion.correct(np.array([6.0, 0.0, 40.0, 20.0]), 1.0, RULES, np.array([6.0, 0.0, shown_width_px, 20.0]))
        return float(motion.box[0])

    assert moved(32.0) == pytest.approx(0.0)  # 1.5 * 4 px of 6 px are open
    assert moved(36.0) == pytest.approx(moved(40.0) / 2)  # 3 px of 6
    assert 3 < moved(40.0) < 6


def test_what_changes_its_shape_all_the_time_leaves_less_open() -> None:
    def moved(change_px: float) -> float:
        """Return how far a jump to the right, by a box narrower by 6 px, moves what swayed by so much for a second."""
        motion = MotionModel(np.array([0.0, 0.0, 40.0, 20.0]), RULES)
        for index in range(30):
            width = 40.0 + change_px * (-1) ** index
            motion.predict(FRAME_S, RULES)
            motion.correct(np.array([20 - width / 2, 0.0, width, 20.0]), 0.9, RULES)
        motion.predict(FRAME_S, RULES)
        before = motion.mean[0]
        motion.correct(np.array([9.0, 0.0, 34.0, 20.0]), 0.9, RULES)  # its centre is 6 px farther right
        return float(motion.mean[0] - before)

    assert moved(0.0) < 1.5
    assert moved(8.0) > 3


def test_foresight_is_whole_for_what_goes_straight_on_even_behind_a_board() -> None:
    motion = MotionModel(np.array([0.0, 50.0, 40.0, 20.0]), RULES)
    assert motion.foresight == 1.0
    follow(30, 3.0, motion)
    for index in (31, 32, 33, 34):  # a board at 130 px: the visible part's centre goes half as fast
        motion.predict(FRAME_S, RULES)
        motion.correct(np.array([3.0 * index, 50.0, 130 - 3.0 * index, 20.0]), 0.9, RULES)
    assert motion.foresight > 0.99


def test_foresight_shrinks_by_the_ways_that_were_not_gone() -> None:
    motion = MotionModel(np.array([0.0, 50.0, 40.0, 20.0]), RULES)
    follow(90, 3.0, motion)
    motion.predict(FRAME_S, RULES)
    motion.correct(np.array([270.0, 50.0, 40.0, 20.0]), 0.9, RULES)  # it stands still at once
    # A way of 3 px is 0.1061 sizes, 0.01125 squared; its sum over the past fades by exp(-1 / 15) a frame: 0.1743.
    assert motion.foresight == pytest.approx(0.1831 / 0.1943, abs=0.003)


def test_foresight_is_nothing_for_what_turns_back_again_and_again() -> None:
    def shaken(places_px: list[float]) -> MotionModel:
        motion = MotionModel(np.array([places_px[0], 50.0, 40.0, 20.0]), RULES)
        for place in places_px[1:]:
            motion.predict(FRAME_S, RULES)
            motion.correct(np.array([place, 50.0, 40.0, 20.0]), 0.9, RULES)
        return motion

    assert shaken([8.0 * (index % 2) for index in range(20)]).foresight == 0.0
    swinging = [20.0 * np.sin(2 * np.pi * index / 15) for index in range(60)]
    assert 0.5 < shaken(swinging).foresight < 0.9


def test_what_turned_back_again_and_again_does_not_coast_away() -> None:
    motion = MotionModel(np.array([0.0, 50.0, 40.0, 20.0]), RULES)
    for index in range(1, 31):
        motion.predict(FRAME_S, RULES)
        motion.correct(np.array([12.0 * (index % 2), 50.0, 40.0, 20.0]), 0.9, RULES)
    place = motion.box[0]
    assert abs(motion.velocity[0]) * 0.5 > 5  # px that it would coast
    for _ in range(60):
        motion.predict(FRAME_S, RULES)
        assert motion.box[0] == pytest.approx(place)
    motion.correct(np.array([place, 50.0, 40.0, 20.0]), 0.9, RULES)
    motion.predict(FRAME_S, RULES)
    assert motion.box[0] == pytest.approx(place, abs=2)


def test_doubt_is_about_the_place_alone_and_in_target_sizes() -> None:
    motion = MotionModel(np.array([0.0, 0.0, 80.0, 20.0]), RULES)
    np.testing.assert_allclose(np.diag(motion.doubt_covariance(MotionSettings(doubt_noise=2.0))), (6400, 6400, 0, 0))


def test_noise_scales_with_the_target() -> None:
    small = MotionModel(np.array([0.0, 0, 10, 10]), RULES)
    large = MotionModel(np.array([0.0, 0, 100, 100]), RULES)
    for model in (small, large):
        model.predict(0.1, RULES)
    np.testing.assert_allclose(large.box_covariance, 100 * small.box_covariance)


@given(steps=st.lists(st.tuples(st.floats(-500, 500), st.floats(1, 500), st.floats(0, 1)), max_size=40))
@settings(max_examples=100, deadline=None)
def test_the_covariance_stays_symmetric_and_positive(steps: list[tuple[float, float, float]]) -> None:
    motion = MotionModel(np.array([0.0, 0.0, 30.0, 20.0]), RULES)
    for place, size, quality in steps:
        motion.predict(FRAME_S, RULES)
        motion.correct(np.array([place, -place, size, size / 2]), quality, RULES)
    covariance = motion.box_covariance
    np.testing.assert_allclose(covariance, covariance.T, atol=1e-6 * np.abs(covariance).max())
    assert np.linalg.eigvalsh(covariance).min() > 0
    assert (motion.box[2:] >= 1).all()


def test_boxes_are_carried_on_at_their_velocities() -> None:
    boxes = [[10.0, 20.0, 40.0, 10.0]] * 4  # of size 20 px: a dead band of 0.8 px
    velocities = [[30.0, 40.0], [30.0, 40.0], [1.0, 0.0], [np.nan, np.nan]]
    moved = carried_on(boxes, velocities, [0.1, 0.0, 0.1, 0.1])
    np.testing.assert_allclose(moved[0], [10.0 + 3.0 * 4.2 / 5, 20.0 + 4.0 * 4.2 / 5, 40.0, 10.0])
    np.testing.assert_array_equal(moved[1:], boxes[1:], "no time, a way within the noise, no velocity: it stays")
