# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""mavlink_camera between a ground station and tracker_node, each in a process of its own, over UDP and DDS."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from moving_scene import Scene
from node_bench import WAIT_S, Bench, NodeProcess, overlap, running
from stdtrack_ros.msg import TargetState, TrackedBox

pytest.importorskip("pymavlink")

from follow_messages import box
from ground_station import GroundStation, free_port

from stdtrack_ros.nodes.mavlink.camera_protocol import ImageStatus
from stdtrack_ros.nodes.mavlink.mavlink_camera import image_status, offset

pytestmark = pytest.mark.ros
RECTANGLE, STOP = 2005, 2010
ACCEPTED, FAILED = 0, 4
TRIES = 100
CAMERA_NODE = "../../scripts/mavlink_camera"


def test_what_a_station_is_told_of_a_box() -> None:
    seen = image_status(box(x=-64.0, y=120.0, width=128.0, height=120.0))
    assert seen == ImageStatus(1, (0.0, 0.25, 0.1, 0.5)), "cut at the edge of the image"
    assert image_status(box(status=TrackedBox.STATUS_UNCERTAIN)).flags == 1
    for lost in (box(status=TrackedBox.STATUS_LOST), box(x=math.nan), box(image_width=0), box(status=77)):
        assert image_status(lost) == ImageStatus(2), "an error, and no guess"
    assert image_status(box(status=TrackedBox.STATUS_NONE)) == ImageStatus(0)


def test_the_offset_of_a_target() -> None:
    state = TargetState(method=TargetState.METHOD_GROUND)
    state.header.frame_id = "map"
    state.position.x, state.position.z, state.camera_position.z = 3.0, 1.0, 21.0
    state.position_covariance = np.diag([9.0, 16.0, 4.0]).astype(np.float32).reshape(9)
    state.velocity_covariance = np.diag([1.0, 2.0, 1.0]).astype(np.float32).reshape(9)
    found = offset(state, "map")
    assert found is not None and found.place == (3.0, 0.0, -20.0)
    assert (found.horizontal_deviation, found.vertical_deviation, found.velocity_deviation) == (5.0, 2.0, 2.0)
    assert offset(state, "odom") is None, "another frame need not point north"
    state.method = TargetState.METHOD_NONE
    assert offset(state, "map") is None


@pytest.mark.slow
def test_an_operator_drags_a_box_and_the_tracker_follows_it(bench: Bench, tmp_path: Path) -> None:
    scene, port = Scene(), free_port()
    namespace = bench.get_namespace().strip("/")
    with running(tmp_path / "tracker", bench):
        camera = NodeProcess(
            tmp_path / "camera",
            namespace,
            script=CAMERA_NODE,
            link__device=f"udpin:127.0.0.1:{port}",
            station_timeout=60.0,
            answer_timeout=60.0,
            max_age=60.0,
        )
        station = GroundStation(f"udpout:127.0.0.1:{port}", bench.spin)
        try:
            beat = station.wait("HEARTBEAT", type=30)
            assert (beat.get_srcSystem(), beat.get_srcComponent()) == (1, 100)
            bench.answer(scene.image(0))
            assert station.result(512, 259) == ACCEPTED
            told = station.wait("CAMERA_INFORMATION")
            for _ in range(TRIES):  # the size of the image comes with the tracker's first message that gets here
                if told.resolution_h:
                    break
                bench.answer(scene.image(0))
                assert station.result(512, 259) == ACCEPTED
                told = station.wait("CAMERA_INFORMATION")
            assert told.flags & 1024 and (told.resolution_h, told.resolution_v) == (scene.width, scene.height)

            x, y, width, height = scene.box(0)
            corners = (x / 320, y / 240, (x + width) / 320, (y + height) / 240)
            assert station.result(RECTANGLE, *corners) == ACCEPTED, station.texts()
            for index in range(1, 6):
                found = bench.answer(scene.image(index))
                assert overlap(found, scene.box(index)) > 0.7
            status = station.wait("CAMERA_TRACKING_IMAGE_STATUS", tracking_status=1)
            assert status.tracking_mode == 2
            true = scene.box(5)
            place = pytest.approx((true[0] / 320, (true[1] + true[3]) / 240), abs=0.03)

            def told_of_the_last_box() -> bool:
                status = station.wait("CAMERA_TRACKING_IMAGE_STATUS")
                return (status.rec_top_x, status.rec_bottom_y) == place

            bench.wait(told_of_the_last_box, "status of the last box")

            station.received.clear()
            assert station.result(RECTANGLE, 0.5, 0.5, 0.5005, 0.5005) == FAILED
            bench.wait(lambda: station.turn() or "px" in station.texts(), "the tracker's own sentence")
            assert station.result(STOP) == ACCEPTED
            station.wait("CAMERA_TRACKING_IMAGE_STATUS", tracking_status=0) if bench.answer(scene.image(6)) else None
            assert bench.boxes[-1].status == TrackedBox.STATUS_NONE

            assert station.result(RECTANGLE, *corners) == ACCEPTED
            assert bench.answer(scene.image(0)).status == TrackedBox.STATUS_TRACKING
            assert bench.set_parameter("station_timeout", 1.5, "mavlink_camera").successful
            station.beating = False
            bench.wait(lambda: bench.answer(scene.image(0)).status == TrackedBox.STATUS_NONE, "end of the target")
            bench.wait(lambda: "the target is forgotten" in camera.output, "line in the log")
            assert camera.stop() == 0, camera.output
        finally:
            station.close()
            if camera.process.poll() is None:
                camera.process.kill()
            camera.process.wait()


def test_without_a_tracker_the_operator_is_told(bench: Bench, tmp_path: Path) -> None:
    port = free_port()
    options = {"link__device": f"udpin:127.0.0.1:{port}"}
    camera = NodeProcess(tmp_path / "camera", bench.get_namespace().strip("/"), script=CAMERA_NODE, **options)
    station = GroundStation(f"udpout:127.0.0.1:{port}", bench.spin)
    try:
        station.wait("HEARTBEAT", type=30)
        assert station.result(RECTANGLE, 0.1, 0.1, 0.3, 0.3) == FAILED
        bench.wait(lambda: station.turn() or "start_target is not there" in station.texts(), "reason")
        assert camera.stop() == 0, camera.output
    finally:
        station.close()
        camera.process.kill()
        camera.process.wait()


def test_a_link_of_no_known_kind_ends_the_start(bench: Bench, tmp_path: Path) -> None:
    camera = NodeProcess(tmp_path / "camera", script=CAMERA_NODE, link__device="carrier_pigeon")
    assert camera.process.wait(WAIT_S) == 2
    assert "may be udpin:ADDRESS:PORT" in camera.output and "Traceback" not in camera.output
