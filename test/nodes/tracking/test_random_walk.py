# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A random walk over transitions, services, parameters and starts, with images in flight: every call is answered.

A long walk: `STDTRACK_WALK_STEPS=10000 pytest test/nodes/tracking/test_random_walk.py`.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState, GetState
from moving_scene import Scene
from node_bench import Bench, header, overlap, running
from sensor_msgs.msg import Image
from stdtrack_ros.msg import TrackedBox

pytestmark = [pytest.mark.ros, pytest.mark.timeout(7200)]
STEPS = int(os.environ.get("STDTRACK_WALK_STEPS", "150"))
SCENE = Scene(160, 120, 24)
TRANSITIONS = {
    "configure": Transition.TRANSITION_CONFIGURE,
    "activate": Transition.TRANSITION_ACTIVATE,
    "deactivate": Transition.TRANSITION_DEACTIVATE,
    "cleanup": Transition.TRANSITION_CLEANUP,
    "nonsense": 99,
}
NEXT = {
    ("unconfigured", "configure"): "inactive",
    ("inactive", "activate"): "active",
    ("inactive", "cleanup"): "unconfigured",
    ("active", "deactivate"): "inactive",
}


class Walker:
    """What may happen to a node, and the state it must be in."""

    def __init__(self, bench: Bench, seed: int) -> None:
        self.bench, self.random = bench, np.random.default_rng(seed)
        self.state, self.index = "active", 0

    def step(self) -> str:
        """One random deed; its name."""
        deeds: list[Callable[[], None]] = [
            self.transition,
            self.reset,
            self.enable,
            self.parameter,
            self.start,
            self.ask,
        ]
        deeds += [self.images] * 3
        deed = deeds[self.random.integers(len(deeds))]
        deed()
        return deed.__name__

    def transition(self) -> None:
        """Any transition, possible or not."""
        name = list(TRANSITIONS)[self.random.integers(len(TRANSITIONS))]
        request = ChangeState.Request(transition=Transition(id=TRANSITIONS[name]))
        done = self.bench.call(ChangeState, "tracker_node/change_state", request).success
        expected = NEXT.get((self.state, name))
        assert done == (expected is not None), (self.state, name)
        self.state = expected or self.state

    def ask(self) -> None:
        """Check that the state is the one that the transitions led to."""
        answer = self.bench.call(GetState, "tracker_node/get_state", GetState.Request())
        assert answer.current_state.label == self.state

    def reset(self) -> None:
        """Forget the targets."""
        assert self.bench.reset().success == (self.state == "active")

    def enable(self) -> None:
        """Switch off or on."""
        assert self.bench.enable(bool(self.random.integers(2))).success == (self.state == "active")

    def parameter(self) -> None:
        """Set a value that is allowed, or one that is not."""
        good = bool(self.random.integers(2))
        value = float(self.random.uniform(0.1, 2.0)) if good else -5.0
        assert self.bench.set_parameter("stale_after", value).successful == good

    def start(self) -> None:
        """Start on some stamp, with a box that may be good."""
        box = self.random.uniform(-50, 150, 4) if self.random.integers(2) else np.array(SCENE.box(self.index))
        at = [None, header(self.bench.stamp_s), header(self.bench.stamp_s - 0.3), header(self.random.uniform(0, 1e6))]
        self.bench.start(tuple(box), ["", "a", "b"][self.random.integers(3)], at[self.random.integers(4)])

    def images(self) -> None:
        """Send some images; one may be broken, and the clock may jump."""
        for _ in range(self.random.integers(1, 4)):
            self.index += 1
            if self.random.integers(30) == 0:
                self.bench.stamp_s = float(self.random.uniform(100, 1e5))
            if self.random.integers(10) == 0:
                self.bench.camera.publish(Image(header=self.bench.header(), width=10, height=10, encoding="bgr8"))
            else:
                self.bench.show(SCENE.image(self.index))
            self.bench.spin(0.001)

    def home(self) -> None:
        """Lead the node back to work."""
        for name in ("configure", "activate"):
            if expected := NEXT.get((self.state, name)):
                request = ChangeState.Request(transition=Transition(id=TRANSITIONS[name]))
                assert self.bench.call(ChangeState, "tracker_node/change_state", request).success
                self.state = expected
        assert self.bench.enable(True).success and self.bench.reset().success


def test_no_walk_ends_in_a_deadlock(bench: Bench, tmp_path: Path) -> None:
    with running(tmp_path / "log", bench) as node:
        walker = Walker(bench, seed=11)
        for number in range(STEPS):
            deed = walker.step()
            assert node.process.poll() is None, (number, deed, node.output[-2000:])
            if number % 500 == 499:
                bench.boxes.clear()
                bench.reports.clear()
        walker.home()
        bench.stamp_s += 1e6
        bench.boxes.clear()
        bench.warm_up(bench.show)
        assert bench.set_parameter("stale_after", 60.0).successful
        bench.start_on(SCENE.box(1), "home", bench.answer(SCENE.image(1)).header)
        answer = bench.answer(SCENE.image(2))
        assert answer.status == TrackedBox.STATUS_TRACKING and overlap(answer, SCENE.box(2)) > 0.6
        assert "Traceback" not in node.output, node.output[-5000:]
