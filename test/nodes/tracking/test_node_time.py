# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Time in `tracker_node`: starts on past frames, clocks that jump, cameras that stall."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from moving_scene import Scene
from node_bench import PERIOD_S, TRIES, Bench, header, overlap, running
from std_msgs.msg import Header
from stdtrack_ros.msg import TrackedBox

from stdtrack_ros.nodes.camera.image_messages import raw_message

pytestmark = pytest.mark.ros
SCENE = Scene()
NONE, TRACKING, LOST = TrackedBox.STATUS_NONE, TrackedBox.STATUS_TRACKING, TrackedBox.STATUS_LOST


def show(bench: Bench, first: int, frames: int) -> list[Header]:
    """Show frames and wait for an answer to each; their headers."""
    return [bench.answer(SCENE.image(index)).header for index in range(first, first + frames)]


def since(bench: Bench, at: Header, target_id: str = "target-1") -> list[TrackedBox]:
    """Return what was said of a target in the frames after one, in the order of the frames."""
    after = (at.stamp.sec, at.stamp.nanosec)
    said = [b for b in bench.boxes if b.target_id == target_id and (b.header.stamp.sec, b.header.stamp.nanosec) > after]
    return sorted(said, key=lambda box: (box.header.stamp.sec, box.header.stamp.nanosec))


def test_a_start_in_the_past_catches_up_without_missing_a_frame(bench: Bench, tmp_path: Path) -> None:
    with running(tmp_path / "log", bench):
        headers = show(bench, 0, 21)
        bench.start(SCENE.box(5), at=headers[5])
        bench.wait(lambda: len(since(bench, headers[5])) == 15, "answers to the 15 frames since")
        late = since(bench, headers[5])
        assert [box.frame_number for box in late] == list(range(1, 16))
        assert all(overlap(box, SCENE.box(index)) > 0.7 for index, box in enumerate(late, start=6))
        live = bench.answer(SCENE.image(21))
        assert live.frame_number == 16 and live.dropped_frames == 0 and overlap(live, SCENE.box(21)) > 0.7


def test_a_start_long_ago_skips_evenly_and_is_live(bench: Bench, tmp_path: Path) -> None:
    with running(tmp_path / "log", bench, catch_up_frames=5):
        headers = show(bench, 0, 21)
        bench.start(SCENE.box(0), at=headers[0])
        bench.wait(lambda: since(bench, headers[19]), "answer to the newest frame")
        late = since(bench, headers[0])
        assert [box.header.stamp for box in late] == [headers[index].stamp for index in (4, 8, 12, 16, 20)]
        assert late[-1].dropped_frames == 15
        assert overlap(late[-1], SCENE.box(20)) > 0.7


def test_a_start_on_a_frame_that_is_gone_is_refused(bench: Bench, tmp_path: Path) -> None:
    with running(tmp_path / "log", bench, ring__frames=5):
        headers = show(bench, 0, 10)
        bench.start(SCENE.box(0), at=headers[0])
        sentence = bench.wait_report("no frame of the stamp")["last refusal"]
        assert f"{bench.stamp_s - 4 * PERIOD_S:.3f} to {bench.stamp_s:.3f} s" in sentence
        assert bench.answer(SCENE.image(10)).status == NONE


def test_a_start_that_overtakes_its_frame_waits_for_it(bench: Bench, tmp_path: Path) -> None:
    with running(tmp_path / "log", bench):
        show(bench, 0, 3)
        for _ in range(TRIES):  # on a busy machine the frame may come later than a start waits for it
            bench.start(SCENE.box(3), at=header(bench.stamp_s + PERIOD_S))
            bench.spin(0.2)
            bench.answer(SCENE.image(3))
            answer = bench.answer(SCENE.image(4))
            if answer.status == TRACKING:
                break
        assert answer.status == TRACKING and overlap(answer, SCENE.box(4)) > 0.7


def test_a_start_with_a_stamp_from_the_future_is_refused(bench: Bench, tmp_path: Path) -> None:
    with running(tmp_path / "log", bench):
        show(bench, 0, 3)
        bench.start(SCENE.box(3), at=header(bench.stamp_s + 500))
        bench.wait_report("no frame of the stamp")


def test_a_bag_that_begins_again_forgets_the_target(bench: Bench, tmp_path: Path) -> None:
    with running(tmp_path / "log", bench):
        first = show(bench, 0, 1)[0]
        bench.start_on(SCENE.box(0), at=first)
        assert bench.answer(SCENE.image(1)).status == TRACKING
        bench.stamp_s = 500.0
        bench.refusal(raw_message(SCENE.image(0), bench.header()), "does not follow")
        assert bench.answer(SCENE.image(1)).status == NONE
        assert "went back to 500.067 s" in bench.wait_report("went back")["last refusal"]
        assert "none" in bench.report()["targets"]
        bench.start_on(SCENE.box(2), at=bench.answer(SCENE.image(2)).header)
        assert bench.answer(SCENE.image(3)).status == TRACKING


def test_one_stamp_from_the_future_is_passed_over(bench: Bench, tmp_path: Path) -> None:
    with running(tmp_path / "log", bench):
        bench.start_on(SCENE.box(0), at=show(bench, 0, 1)[0])
        assert bench.answer(SCENE.image(1)).status == TRACKING
        bench.refusal(raw_message(SCENE.image(2), header(9000.0)), "does not follow")
        answer = bench.answer(SCENE.image(3))
        assert (answer.status, answer.frame_number, answer.dropped_frames) == (TRACKING, 2, 1)


def test_a_camera_that_stalls_is_said_in_its_time(bench: Bench, tmp_path: Path) -> None:
    with running(tmp_path / "log", bench, no_image_after=1.0) as node:
        bench.start_on(SCENE.box(0), at=show(bench, 0, 1)[0])
        last = bench.answer(SCENE.image(1))
        assert last.status == TRACKING
        assert bench.set_parameter("stale_after", 0.3).successful
        stale = bench.wait(lambda: bench.boxes[-1] if bench.boxes[-1].status == LOST else None, "LOST")
        assert stale.header.stamp == last.header.stamp and stale.target_id == last.target_id
        assert stale.latency.sec + stale.latency.nanosec * 1e-9 > 0.25
        assert stale.time_since_seen.sec + stale.time_since_seen.nanosec * 1e-9 > 0.25
        assert math.isnan(stale.quality) and math.isnan(stale.bearing.x)
        report = bench.wait_report("nothing that arrives", "message")
        assert report["level"] == "1" and "bench" in report["message"] and "/image" in report["message"]
        assert "LOST" in report["targets"]
        bench.wait(lambda: "No image on" in node.output, "line in the log")
        assert bench.answer(SCENE.image(2)).status == TRACKING, "it goes on where the camera does"


def test_a_camera_without_stamps_is_tracked(bench: Bench, tmp_path: Path) -> None:
    with running(tmp_path / "log", bench, warm=False):
        nothing = Header(frame_id="camera_optical")
        bench.warm_up(lambda image: bench.show(SCENE.image(0), nothing))
        bench.start_on(SCENE.box(0))
        for index in range(1, 10):
            bench.boxes.clear()
            answer = bench.answer(SCENE.image(index), nothing)
            assert answer.status == TRACKING and overlap(answer, SCENE.box(index)) > 0.7
