# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Boxes ahead of their time under a camera that turns: what the target does, and what the camera does."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from node_bench import header
from stdtrack_ros.msg import TrackedBox

from stdtrack_ros.errors import InputError
from stdtrack_ros.nodes.tracking.messages import duration, predicted
from stdtrack_ros.nodes.tracking.prediction import SteadyPredictor
from stdtrack_ros.settings import MotionSettings
from stdtrack_ros.tracker.motion import MotionModel

FOCAL, SIDE, PERIOD_S, LATENCY_S, HORIZON_S = 500.0, 40.0, 1 / 30, 0.05, 0.1
AHEAD_S = LATENCY_S + HORIZON_S
SETTINGS = MotionSettings()
Turn = Callable[[float], float]
"""Time, s -> yaw of the camera to the right, rad."""


def box(index: int, center_x: float, velocity_x: float = 0.0, **changes: object) -> TrackedBox:
    fields = {
        "header": header(100.0 + index * PERIOD_S),
        "target_id": "target-1",
        "status": TrackedBox.STATUS_TRACKING,
        "quality": 0.9,
        "frame_number": index,
        "x": center_x - SIDE / 2,
        "y": 200.0,
        "width": SIDE,
        "height": SIDE,
        "velocity_x": velocity_x,
        "velocity_y": 0.0,
        "latency": duration(LATENCY_S),
    }
    return TrackedBox(**(fields | changes))


class World:
    """A target with a velocity of its own (px/s) before a camera that turns; small angles."""

    def __init__(self, turn: Turn, velocity: float = 0.0) -> None:
        self.turn, self.velocity = turn, velocity
        self.steady, self.tracker = SteadyPredictor(), MotionModel(np.array([0.0, 0.0, SIDE, SIDE]), SETTINGS)

    def center(self, time_s: float) -> float:
        return 300.0 + self.velocity * (time_s - 100.0) - FOCAL * self.turn(time_s)

    def shift(self, x: float, y: float, since_s: float, until_s: float) -> np.ndarray:
        return np.array([-FOCAL * (self.turn(until_s) - self.turn(since_s)), 0.0])

    def errors(self, index: int) -> tuple[float, float]:
        """Return how far the prediction on a frame is off, with the rates and without."""
        time_s = 100.0 + index * PERIOD_S
        if index == 0:
            self.tracker = MotionModel(np.array([self.center(time_s) - SIDE / 2, 200.0, SIDE, SIDE]), SETTINGS)
        else:
            self.tracker.predict(PERIOD_S, SETTINGS)
            self.tracker.correct(np.array([self.center(time_s) - SIDE / 2, 200.0, SIDE, SIDE]), 0.9, SETTINGS)
        message = box(index, self.center(time_s), float(self.tracker.velocity[0]))
        expected = self.center(time_s + AHEAD_S)
        steady = self.steady.predict(message, HORIZON_S, SETTINGS, self.shift)
        plain = predicted(message, HORIZON_S)
        return steady.x + SIDE / 2 - expected, plain.x + SIDE / 2 - expected


def test_a_camera_that_begins_to_turn_moves_the_box_at_once() -> None:
    world = World(lambda time_s: 0.4 * max(time_s - 102.0, 0.0))
    for index in range(61):  # the last image is of the moment in which the camera begins to turn
        steady, plain = world.errors(index)
    assert plain == pytest.approx(FOCAL * 0.4 * AHEAD_S), "30 px"
    assert steady == pytest.approx(0.0, abs=1e-3)


def test_a_turn_that_ends_does_not_carry_a_resting_target_on() -> None:
    world = World(lambda time_s: 0.4 * min(time_s - 100.0, 2.0))
    for index in range(61):
        steady, plain = world.errors(index)
    assert plain < -25.0
    assert steady == pytest.approx(0.0, abs=1e-3)


def test_the_velocity_of_the_target_is_kept_apart_from_the_turn() -> None:
    """A target that the turning camera keeps in the middle moves all the same."""
    speed = 100.0
    world = World(lambda time_s: speed / FOCAL * min(time_s - 100.0, 2.0), speed)
    for index in range(61):
        steady, plain = world.errors(index)
    assert plain == pytest.approx(-speed * AHEAD_S, abs=0.1), "it seems to rest"
    assert steady == pytest.approx(-0.04 * SIDE, abs=0.1), "the dead band"


def test_under_a_camera_that_sways_the_error_falls_to_a_tenth() -> None:
    world = World(lambda time_s: 0.1 * math.sin(2 * math.pi * (time_s - 100.0)))
    errors = np.abs([world.errors(index) for index in range(200)][20:])
    assert errors[:, 1].mean() > 10.0
    assert errors[:, 0].mean() < 0.1 * errors[:, 1].mean()


def test_while_the_target_is_not_seen_its_last_velocity_fades_and_the_camera_counts() -> None:
    world = World(lambda time_s: 0.0, 100.0)
    for index in range(60):
        world.errors(index)
    world.turn = lambda time_s: 0.4 * max(time_s - 102.0, 0.0)
    unseen = box(60, 500.0, status=TrackedBox.STATUS_LOST, time_since_seen=duration(0.1))
    later = world.steady.predict(unseen, HORIZON_S, SETTINGS, world.shift)
    way = later.x + SIDE / 2 - 500.0
    own = 100.0 * AHEAD_S - 0.04 * SIDE
    assert way == pytest.approx(own - FOCAL * 0.4 * AHEAD_S, abs=0.5)


def test_without_rates_nothing_is_guessed_and_the_filter_begins_anew() -> None:
    world = World(lambda time_s: 0.0, 100.0)
    for index in range(30):
        world.errors(index)

    def missing(x: float, y: float, since_s: float, until_s: float) -> np.ndarray:
        raise InputError("no rate has come.")

    with pytest.raises(InputError):
        world.steady.predict(box(30, 400.0), HORIZON_S, SETTINGS, missing)
    first = world.steady.predict(box(31, 403.0, 100.0), HORIZON_S, SETTINGS, world.shift)
    assert first.x + SIDE / 2 == pytest.approx(403.0 + 100.0 * AHEAD_S - 0.04 * SIDE, abs=0.1)


@pytest.mark.parametrize("change", ["started again", "long ago", "forgotten"])
def test_another_target_of_the_same_name_has_no_velocity_of_the_last(change: str) -> None:
    world = World(lambda time_s: 0.0, 100.0)
    for index in range(30):
        world.errors(index)
    number = 1 if change == "started again" else 100
    at = header(100.0 + (30 if change == "started again" else 100) * PERIOD_S)
    if change == "forgotten":
        world.steady.forget()
        at = header(100.0 + 30 * PERIOD_S)
    later = world.steady.predict(box(number, 50.0, header=at), HORIZON_S, SETTINGS, world.shift)
    assert later.x + SIDE / 2 == 50.0


def test_a_box_that_is_not_there_stays_so() -> None:
    world = World(lambda time_s: time_s)
    nowhere = world.steady.predict(box(0, math.nan), HORIZON_S, SETTINGS, world.shift)
    assert math.isnan(nowhere.x)
