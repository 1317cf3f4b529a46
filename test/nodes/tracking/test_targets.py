# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Several targets in one node, and several nodes in namespaces."""

from __future__ import annotations

from pathlib import Path

import pytest
from moving_scene import Scene
from node_bench import Bench, overlap, running
from stdtrack_ros.msg import TrackedBox

pytestmark = pytest.mark.ros
SCENE = Scene(640, 480)
TRACKING = TrackedBox.STATUS_TRACKING


def test_three_targets_go_their_own_ways(bench: Bench, tmp_path: Path) -> None:
    names = ["red", "green", "target-1"]
    with running(tmp_path / "log", bench, max_targets=3):
        at = bench.answer(SCENE.image(0, 3)).header
        for which, name in enumerate(names):
            bench.start_on(SCENE.box(0, which), "" if name == "target-1" else name, at)
        for index in range(1, 15):
            shown = bench.answer(SCENE.image(index, 3)).header
            for which, name in enumerate(names):
                answer = bench.answer_to(shown, name)
                assert answer.status == TRACKING and overlap(answer, SCENE.box(index, which)) > 0.7, (name, index)
                assert answer.frame_number == index
        bench.start(SCENE.box(14, 3), "one too many")
        assert "max_targets is 3" in bench.wait_report("not started")["last refusal"]
        assert bench.reset().success
        assert bench.answer(SCENE.image(15, 3)).status == TrackedBox.STATUS_NONE


def test_a_target_started_in_the_past_does_not_hold_up_the_others(bench: Bench, tmp_path: Path) -> None:
    with running(tmp_path / "log", bench):
        headers = [bench.answer(SCENE.image(0, 2)).header]
        bench.start_on(SCENE.box(0, 0), "early", headers[0])
        headers += [bench.answer(SCENE.image(index, 2)).header for index in range(1, 20)]
        bench.start(SCENE.box(5, 1), "late", headers[5])
        for index in range(20, 30):
            shown = bench.answer(SCENE.image(index, 2)).header
            headers.append(shown)
            assert overlap(bench.answer_to(shown, "early"), SCENE.box(index, 0)) > 0.7
        for index in range(6, 30):
            assert overlap(bench.answer_to(headers[index], "late"), SCENE.box(index, 1)) > 0.7, index
        early = [box.frame_number for box in bench.boxes if box.target_id == "early"]
        assert early == list(range(1, 30))


def test_a_target_is_started_again_under_its_name(bench: Bench, tmp_path: Path) -> None:
    with running(tmp_path / "log", bench):
        for again in range(3):
            shown = bench.answer(SCENE.image(again, 2)).header
            bench.start_on(SCENE.box(again, again % 2), "it", shown)
            answer = bench.answer(SCENE.image(again + 1, 2))
            assert overlap(answer, SCENE.box(again + 1, again % 2)) > 0.7
            assert answer.frame_number == 1


def test_two_nodes_in_namespaces_do_not_meet(bench: Bench, tmp_path: Path) -> None:
    other = Bench(f"{bench.get_namespace().strip('/')}_other")
    try:
        with running(tmp_path / "one", bench), running(tmp_path / "two", other):
            bench.start_on(SCENE.box(0, 0), at=bench.answer(SCENE.image(0, 2)).header)
            other.start_on(SCENE.box(0, 1), at=other.answer(SCENE.image(0, 2)).header)
            for index in range(1, 6):
                assert overlap(bench.answer(SCENE.image(index, 2)), SCENE.box(index, 0)) > 0.7
                assert overlap(other.answer(SCENE.image(index, 2)), SCENE.box(index, 1)) > 0.7
    finally:
        other.close()


def test_detections_go_out_where_vision_msgs_is_installed(bench: Bench, tmp_path: Path) -> None:
    messages = pytest.importorskip("vision_msgs.msg")
    arrays: list = []
    bench.create_subscription(messages.Detection2DArray, "detections", arrays.append, 10)
    with running(tmp_path / "log", bench):
        bench.start_on(SCENE.box(0), at=bench.answer(SCENE.image(0)).header)
        bench.wait(lambda: bench.answer(SCENE.image(1)) and arrays, "detections")
        answer = bench.answer(SCENE.image(2))
        bench.wait(lambda: arrays[-1].header.stamp == answer.header.stamp, "detections of the last frame")
        (detection,) = arrays[-1].detections
        assert detection.id == detection.results[0].hypothesis.class_id == "target-1"
        assert arrays[-1].header.stamp == answer.header.stamp
        assert abs(detection.bbox.center.position.x - (answer.x + answer.width / 2)) < 1e-3
