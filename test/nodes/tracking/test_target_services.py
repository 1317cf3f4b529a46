# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""~/start_target and ~/stop_target of a node in a process of its own: whoever asks is told what became of it."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from moving_scene import Scene
from node_bench import TRIES, Bench, overlap, running
from std_msgs.msg import Header
from stdtrack_ros.msg import TrackedBox
from stdtrack_ros.srv import StartTarget, StopTarget

pytestmark = pytest.mark.ros
SCENE = Scene()
NONE, TRACKING = TrackedBox.STATUS_NONE, TrackedBox.STATUS_TRACKING


def start(bench: Bench, box: tuple[float, ...], at: Header | None = None, **fields: Any) -> StartTarget.Response:
    """Call ~/start_target."""
    x, y, width, height = (float(number) for number in box)
    request = StartTarget.Request(header=at or Header(), x=x, y=y, width=width, height=height, **fields)
    return bench.call(StartTarget, "tracker_node/start_target", request)


def stop(bench: Bench, target_id: str = "") -> StopTarget.Response:
    """Call ~/stop_target."""
    return bench.call(StopTarget, "tracker_node/stop_target", StopTarget.Request(target_id=target_id))


def test_a_start_is_answered_with_its_box_and_a_stop_ends_that_target_alone(bench: Bench, tmp_path: Path) -> None:
    with running(tmp_path / "log", bench):
        at = bench.answer(SCENE.image(0, targets=2)).header
        first = start(bench, SCENE.box(0, 0), at)
        second = start(
            bench, tuple(np.array(SCENE.box(0, 1)) / [320, 240, 320, 240]), at, target_id="b", normalized=True
        )
        assert (first.accepted, first.target_id, second.accepted, second.target_id) == (True, "target-1", True, "b")
        assert (second.x, second.y, second.width, second.height) == pytest.approx(SCENE.box(0, 1), abs=1e-3)
        assert "40x40 px" in first.message

        shown = bench.answer(SCENE.image(1, targets=2)).header
        for name, which in (("target-1", 0), ("b", 1)):
            answer = bench.answer_to(shown, name)
            assert answer.status == TRACKING and overlap(answer, SCENE.box(1, which)) > 0.7

        assert stop(bench).success
        assert bench.answer(SCENE.image(2, targets=2)).target_id == "b"
        again = stop(bench)
        assert not again.success and again.message == "There is no target 'target-1'; there is b."
        assert stop(bench, "b").success
        assert bench.answer(SCENE.image(3)).status == NONE


def test_a_refused_start_says_why_to_whoever_asked(bench: Bench, tmp_path: Path) -> None:
    with running(tmp_path / "log", bench, warm=False):
        early = start(bench, (10, 10, 20, 20))
        assert not early.accepted and "before the first image" in early.message and math.isnan(early.x)
        bench.warm_up(bench.show)
        bench.answer(SCENE.image(0))
        outside = start(bench, (1000, 10, 40, 40))
        assert not outside.accepted and "lies outside the image of 320x240" in outside.message
        assert bench.enable(False).success
        disabled = start(bench, SCENE.box(0))
        assert not disabled.accepted and "call ~/enable" in disabled.message
        bench.wait_report("call ~/enable")  # diagnostics tell it to everybody else


def test_an_inactive_node_answers(bench: Bench, tmp_path: Path) -> None:
    with running(tmp_path / "log", bench, warm=False, autostart=False):
        answer = start(bench, (10, 10, 20, 20))
        assert not answer.accepted and "not active" in answer.message
        assert not stop(bench).success


def test_images_are_taken_while_a_start_waits_for_its_frame(bench: Bench, tmp_path: Path) -> None:
    with running(tmp_path / "log", bench):
        bench.answer(SCENE.image(0))
        assert start(bench, SCENE.box(0)).accepted  # the client has been discovered
        client = bench.services_of["tracker_node/start_target"]
        x, y, width, height = SCENE.box(3)
        for _ in range(TRIES):  # on a busy machine the frame may come later than a start waits for it
            between, ahead = bench.header(), bench.header()
            future = client.call_async(
                StartTarget.Request(header=ahead, target_id="b", x=x, y=y, width=width, height=height)
            )
            bench.answer(SCENE.image(2), between)
            early = future.done()
            bench.answer(SCENE.image(3), ahead)
            bench.wait(future.done, "answer of the service")
            if future.result().accepted:
                break
        assert future.result().accepted and not early


def test_a_point_without_a_size_starts_a_target_around_it(bench: Bench, tmp_path: Path) -> None:
    with running(tmp_path / "log", bench):
        bench.answer(SCENE.image(0))
        x, y, width, height = SCENE.box(0)
        answer = start(bench, (x + width / 2, y + height / 2, 0, 0))
        assert answer.accepted and "around the point" in answer.message
        assert answer.x <= x + width / 2 <= answer.x + answer.width
        assert bench.answer(SCENE.image(1)).target_id == "target-1"
        outside = start(bench, (400, 10, 0, 0))
        assert not outside.accepted and "The point x=400 y=10 lies outside" in outside.message


def test_a_start_cut_by_the_edge_is_told_and_uncertain(bench: Bench, tmp_path: Path) -> None:
    with running(tmp_path / "log", bench):
        at = bench.answer(SCENE.image(0)).header
        answer = start(bench, (-10, 60, 40, 40), at)
        words = "cut by the edge of the image: the target is UNCERTAIN until"
        assert answer.accepted and words in answer.message
        assert bench.answer(SCENE.image(0)).status == TrackedBox.STATUS_UNCERTAIN
        bench.wait(lambda: words in bench.report_text(), "sentence in the diagnostics")
