# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The worker without DDS: the same bits as the bare tracker, errors of the network, the end of a hanging frame."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import pytest
from moving_scene import Scene
from node_bench import header
from sensor_msgs.msg import Image
from stdtrack_ros.msg import TargetInit
from template_matching import TemplateMatching

from stdtrack_ros.geometry import iou
from stdtrack_ros.nodes.camera.frame_slot import Frame, FrameRing, FrameSlot
from stdtrack_ros.nodes.camera.image_messages import raw_message
from stdtrack_ros.nodes.parameters import TrackerNodeSettings
from stdtrack_ros.nodes.tracking.messages import seconds
from stdtrack_ros.nodes.tracking.targets import Found, Target, Targets
from stdtrack_ros.nodes.tracking.tracking_loop import TrackingLoop
from stdtrack_ros.tracker.frame_view import FrameView
from stdtrack_ros.tracker.multi_tracker import MultiTargetTracker
from stdtrack_ros.tracker.result import TrackResult
from stdtrack_ros.tracker.tracker import Tracker

SCENE = Scene(160, 120, 24)


class Collector:
    """A result sink that keeps what it is given."""

    def __init__(self) -> None:
        self.answers: dict[int, Found] = {}
        self.sentences: list[str] = []
        self.errors: list[Exception] = []
        self.silent: list[tuple[str, float]] = []
        self.changed = threading.Condition()

    def results(self, frame: Frame, image: np.ndarray, found: Found) -> None:
        with self.changed:
            self.answers[frame.index] = found
            self.changed.notify_all()

    def stale(self, target: Target, silent_s: float) -> None:
        with self.changed:
            self.silent.append((target.target_id, silent_s))
            self.changed.notify_all()

    def refused(self, sentence: str) -> None:
        with self.changed:
            self.sentences.append(sentence)
            self.changed.notify_all()

    def failed(self, error: Exception) -> None:
        with self.changed:
            self.errors.append(error)
            self.changed.notify_all()

    def until(self, condition: object) -> None:
        """Wait for something to have come."""
        with self.changed:
            assert self.changed.wait_for(condition, timeout=60.0)


class Fixture:
    """A worker with a camera that is a method call."""

    def __init__(self, model: TemplateMatching, settings: TrackerNodeSettings) -> None:
        self.slot, self.ring, self.out = FrameSlot(), FrameRing(50, 100.0), Collector()
        self.targets = Targets(MultiTargetTracker(model, settings))
        self.loop = TrackingLoop(self.slot, self.ring, self.targets, self.out, settings)

    def frame(self, index: int, arrived_s: float = 0.0) -> Frame:
        """Frame `index` of the scene, stamped at 30 Hz."""
        at = header(100 + index / 30)
        message: Image = raw_message(SCENE.image(index), at)
        return Frame(message, index, arrived_s, seconds(at.stamp))

    def show(self, index: int) -> None:
        """Let a frame arrive."""
        frame = self.frame(index)
        self.ring.append(frame)
        self.slot.put(frame)

    def answer(self, index: int) -> TrackResult:
        """Let a frame arrive and wait for what is said of it."""
        self.show(index)
        self.out.until(lambda: index in self.out.answers)
        ((_, result),) = self.out.answers[index]
        return result

    def start(self, index: int) -> None:
        """Start the target where it is in a frame."""
        x, y, width, height = SCENE.box(index)
        self.loop.start_target(TargetInit(header=header(100 + index / 30), x=x, y=y, width=width, height=height))


@contextmanager
def worker(model: TemplateMatching | None = None, **settings: object) -> Iterator[Fixture]:
    one = Fixture(model or TemplateMatching(), TrackerNodeSettings(**({"stale_after": 60.0} | settings)))
    one.loop.begin()
    try:
        yield one
    finally:
        assert one.loop.end(20.0)


def bare(frames: range) -> list[TrackResult]:
    """Run the tracker alone over the same frames."""
    tracker = Tracker(TemplateMatching(), TrackerNodeSettings())
    first = seconds(header(100 + frames[0] / 30).stamp)
    tracker.initialize(SCENE.image(frames[0]), np.array(SCENE.box(frames[0])), first)
    return [tracker.track(SCENE.image(index), seconds(header(100 + index / 30).stamp)) for index in frames[1:]]


def same(first: TrackResult, second: TrackResult) -> None:
    np.testing.assert_array_equal(first.box, second.box)
    np.testing.assert_array_equal(first.covariance, second.covariance)
    assert (first.status, first.quality, first.frame_number) == (second.status, second.quality, second.frame_number)


def test_the_node_gives_the_bits_of_the_bare_tracker() -> None:
    with worker() as one:
        one.show(1)
        one.out.until(lambda: 1 in one.out.answers)
        one.start(1)
        for result, expected in zip([one.answer(index) for index in range(2, 20)], bare(range(1, 20)), strict=True):
            same(result, expected)


def test_a_start_in_the_past_gives_the_same_bits_as_one_in_time() -> None:
    with worker() as one:
        for index in range(1, 16):
            one.show(index)
            one.out.until(lambda index=index: index in one.out.answers)
        one.out.answers.clear()
        one.start(3)
        one.out.until(lambda: 15 in one.out.answers)
        for index, expected in zip(range(4, 16), bare(range(3, 16)), strict=True):
            ((target, result),) = one.out.answers[index]
            same(result, expected)
        assert target.dropped == 0


def test_a_start_on_a_held_frame_is_followed_to_the_newest_one_however_many_came_since() -> None:
    with worker() as one:
        for index in range(1, 6):
            one.show(index)
        one.ring.hold(100 + 3 / 30)
        for index in range(6, 201):
            one.show(index)
        one.out.until(lambda: 200 in one.out.answers)
        one.out.answers.clear()
        one.start(3)
        one.out.until(lambda: 200 in one.out.answers)
        ((target, result),) = one.out.answers[200]
        assert result.status.name == "TRACKING" and iou(result.box, np.array(SCENE.box(200))) > 0.7
        assert target.dropped == 197 - len(one.out.answers)
        for index in range(201, 260):
            one.show(index)
        assert one.ring.frames()[0].index > 200, "a start lets go of the frame"


class Broken(TemplateMatching):
    """A network whose device is gone for some frames."""

    broken = False

    def step(self, *arguments: object) -> list:
        if self.broken:
            raise RuntimeError("the device is gone")
        return super().step(*arguments)


def test_a_network_that_fails_is_reported_and_tried_again() -> None:
    model = Broken()
    with worker(model, stale_after=0.3) as one:
        one.show(1)
        one.out.until(lambda: 1 in one.out.answers)
        one.start(1)
        one.answer(2)
        model.broken = True
        one.show(3)
        one.out.until(lambda: one.out.errors)
        assert "device is gone" in str(one.out.errors[0]) and 3 not in one.out.answers
        one.out.until(lambda: one.out.silent)
        assert one.out.silent[0][0] == "target-1" and one.out.silent[0][1] > 0.3
        model.broken = False
        assert np.isfinite(one.answer(4).box).all()


def test_a_worker_that_hangs_is_given_up_in_time() -> None:
    entered, gate = threading.Event(), threading.Event()

    class Hanging(TemplateMatching):
        def step(self, *arguments: object) -> list:
            entered.set()
            gate.wait(30.0)
            return super().step(*arguments)

    one = Fixture(Hanging(), TrackerNodeSettings())
    one.loop.begin()
    one.show(1)
    one.out.until(lambda: 1 in one.out.answers)
    one.start(1)
    one.show(2)
    assert entered.wait(20.0)
    assert not one.loop.end(0.2)
    assert one.loop.busy_s > 0.1
    gate.set()
    assert one.loop.end(20.0)
    assert 2 not in one.out.answers, "who was given up is not heard any more"


@pytest.mark.parametrize("order", ["forget then start", "start then forget"])
def test_commands_take_effect_in_their_order(order: str) -> None:
    with worker() as one:
        one.show(1)
        one.out.until(lambda: 1 in one.out.answers)
        deeds = [one.loop.forget_all, lambda: one.start(1)]
        for deed in deeds if order.startswith("forget") else reversed(deeds):
            deed()
        one.show(2)
        one.out.until(lambda: 2 in one.out.answers)
        assert len(one.out.answers[2]) == (1 if order.startswith("forget") else 0)


def test_settings_reach_a_target_that_is_tracked() -> None:
    with worker() as one:
        one.show(1)
        one.out.until(lambda: 1 in one.out.answers)
        one.start(1)
        assert one.answer(2).status.name == "TRACKING"
        strict = {"status": {"uncertain_quality": 1.0, "certain_quality": 1.0, "uncertain_frames": 1}}
        one.loop.change_settings(TrackerNodeSettings(stale_after=60.0, **strict))
        assert one.answer(3).status.name == "UNCERTAIN"


def test_a_network_that_fails_in_the_past_does_not_stay_there() -> None:
    model = Broken()
    with worker(model) as one:
        for index in range(1, 9):
            one.show(index)
            one.out.until(lambda index=index: index in one.out.answers)
        model.broken = True
        one.start(3)
        one.out.until(lambda: len(one.out.errors) == 5)
        model.broken = False
        assert one.answer(9).frame_number == 6


def test_starts_that_wait_do_not_hold_up_the_end() -> None:
    class Slow(TemplateMatching):
        def start(self, frame: FrameView, box: np.ndarray) -> np.ndarray:
            time.sleep(0.2)
            return super().start(frame, box)

    one = Fixture(Slow(), TrackerNodeSettings())
    one.loop.begin()
    one.show(1)
    one.out.until(lambda: 1 in one.out.answers)
    for _ in range(1000):
        one.start(1)
    assert one.loop.end(60.0)


def test_starts_of_one_target_do_not_hide_that_another_is_stale() -> None:
    with worker(stale_after=1.0) as one:
        one.show(1)
        one.out.until(lambda: 1 in one.out.answers)
        one.start(1)
        one.answer(2)
        x, y, width, height = SCENE.box(2)
        begun_s = time.monotonic()
        while "target-1" not in [target_id for target_id, _ in one.out.silent]:
            assert time.monotonic() - begun_s < 60.0, "nothing is said of the first target"
            one.loop.start_target(TargetInit(target_id="other", x=x, y=y, width=width, height=height))
            time.sleep(0.05)


@pytest.mark.parametrize(
    ("by_stamps", "expected_h"), [(False, [1, 3, 5]), (True, [0, 1, 1])], ids=["by arrival", "by stamps"]
)
def test_the_tracker_is_told_how_long_it_is_until_the_next_frame(
    by_stamps: bool, expected_h: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Frames an hour apart, of which one was dropped; what this test takes is nothing beside that.

    By stamps they arrive all at once, as from a recording that is played as fast as it can be; by arrival, ahead of it.
    """
    hour_s, told = 3600.0, []
    with worker() as one:
        monkeypatch.setattr(one.targets, "finish", told.append)
        begun_s = time.monotonic()
        for index in (1, 2, 4, 5):
            away_s = index * hour_s
            frame = one.frame(index, begun_s + (0.0 if by_stamps else away_s))
            one.slot.put(replace(frame, time_s=away_s) if by_stamps else frame)
            one.out.until(lambda index=index: index in one.out.answers)
    np.testing.assert_allclose(told[:3], [hours * hour_s for hours in expected_h], atol=60.0)
