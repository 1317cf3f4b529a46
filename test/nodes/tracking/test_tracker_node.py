# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`tracker_node` in a process of its own, over real DDS: targets, refusals, services, the pictures for people."""

from __future__ import annotations

import math
from pathlib import Path

import cv2
import numpy as np
import pytest
from geometry_msgs.msg import Vector3
from moving_scene import Scene
from node_bench import Bench, header, overlap, running
from rclpy.qos import QoSProfile, ReliabilityPolicy, qos_profile_sensor_data
from sensor_msgs.msg import CameraInfo, CompressedImage, Image, Imu
from stdtrack_ros.msg import TrackedBox

from stdtrack_ros.nodes.camera.image_messages import decode_image
from stdtrack_ros.nodes.tracking.messages import predicted, seconds

pytestmark = pytest.mark.ros
SCENE = Scene()
MATRIX = [300.0, 0.0, 159.5, 0.0, 300.0, 119.5, 0.0, 0.0, 1.0]
NONE, TRACKING, LOST = TrackedBox.STATUS_NONE, TrackedBox.STATUS_TRACKING, TrackedBox.STATUS_LOST


def follow(bench: Bench, first: int, frames: int) -> list[TrackedBox]:
    """Show frames and return their answers."""
    return [bench.answer(SCENE.image(index)) for index in range(first, first + frames)]


def start(bench: Bench, index: int = 0) -> None:
    """Start a target on a frame that has been answered."""
    bench.start_on(SCENE.box(index), at=bench.answer(SCENE.image(index)).header)


def test_a_target_is_started_tracked_and_forgotten(bench: Bench, tmp_path: Path) -> None:
    predictions: list[TrackedBox] = []
    bench.create_subscription(TrackedBox, "tracked_box_predicted", predictions.append, 50)
    with running(tmp_path / "log", bench, prediction_horizon=0.2):
        before = bench.answer(SCENE.image(0))
        assert before.status == NONE and before.target_id == "" and math.isnan(before.x) and math.isnan(before.quality)
        assert (before.image_width, before.image_height) == (320, 240)
        assert before.header.frame_id == "camera_optical"

        start(bench)
        answers = follow(bench, 1, 20)
        assert {answer.status for answer in answers} == {TRACKING}
        assert [answer.frame_number for answer in answers] == list(range(1, 21))
        assert {answer.target_id for answer in answers} == {"target-1"}
        assert all(overlap(answer, SCENE.box(index)) > 0.7 for index, answer in enumerate(answers, start=1))
        assert all(answer.latency.sec + answer.latency.nanosec > 0 for answer in answers)
        assert {answer.dropped_frames for answer in answers} == {0}

        bench.wait(lambda: predictions and predictions[-1].frame_number == 20, "prediction")
        now, later = answers[-1], predictions[-1]
        ahead_s = seconds(now.latency) + 0.2
        assert seconds(later.header.stamp) - seconds(now.header.stamp) == pytest.approx(ahead_s, abs=1e-6)
        assert (later.x - now.x, later.y - now.y) != (0.0, 0.0)
        assert math.hypot(later.x - now.x, later.y - now.y) < math.hypot(now.velocity_x, now.velocity_y) * ahead_s

        assert bench.reset().success
        assert bench.answer(SCENE.image(22)).status == NONE


def test_a_normalized_box_starts_the_same_target(bench: Bench, tmp_path: Path) -> None:
    with running(tmp_path / "log", bench):
        bench.answer(SCENE.image(0))
        bench.start_on(tuple(np.array(SCENE.box(0)) / [320, 240, 320, 240]), normalized=True)
        assert overlap(bench.answer(SCENE.image(1)), SCENE.box(1)) > 0.7


def test_a_bad_box_is_refused_and_the_old_target_stays(bench: Bench, tmp_path: Path) -> None:
    bad = [
        ((1000, 10, 40, 40), "lies outside the image of 320x240"),
        ((10, 10, float("nan"), 40), "not finite"),
        ((10, 10, 0, 40), "width=0"),
        ((10, 10, 40, -5), "height=-5"),
        ((10, 10, float("inf"), 40), "width=inf"),
    ]
    with running(tmp_path / "log", bench) as node:
        start(bench)
        for number, (box, words) in enumerate(bad, start=1):
            bench.start(box)
            assert bench.wait_report(words)["level"] == "1"
            bench.wait(lambda words=words: words in node.output, "line in the log")
            answer = bench.answer(SCENE.image(number))
            assert answer.status == TRACKING and overlap(answer, SCENE.box(number)) > 0.7
            assert answer.frame_number == number


def test_a_start_before_any_image_is_refused(bench: Bench, tmp_path: Path) -> None:
    with running(tmp_path / "log", bench, warm=False):
        bench.start(SCENE.box(0))
        bench.wait_report("before the first image")
        bench.warm_up(bench.show)
        assert bench.answer(SCENE.image(0)).status == NONE
        start(bench, 1)
        assert bench.answer(SCENE.image(2)).status == TRACKING


def test_a_disabled_node_is_silent_and_keeps_its_target(bench: Bench, tmp_path: Path) -> None:
    with running(tmp_path / "log", bench):
        start(bench)
        follow(bench, 1, 3)
        assert bench.enable(False).success
        bench.spin(0.2)
        seen = len(bench.boxes)
        for index in range(4, 8):
            bench.show(SCENE.image(index))
            bench.spin(0.05)
        bench.start(SCENE.box(8))
        bench.wait_report("disabled")
        assert len(bench.boxes) == seen
        assert "disabled" in bench.report()["state"]
        assert bench.enable(True).success
        answer = bench.answer(SCENE.image(8))
        assert answer.target_id == "target-1" and answer.frame_number == 4


def test_a_slow_network_drops_frames_and_counts_them(bench: Bench, tmp_path: Path) -> None:
    with running(tmp_path / "log", bench, model__threads=250):  # milliseconds a frame
        start(bench)
        shown = 0
        while bench.boxes[-1].dropped_frames <= 10:
            shown += 1
            assert shown < 300, "frames wait for each other"
            bench.show(SCENE.image(1))
            bench.spin(0.033)
        newest = bench.header(0.0).stamp
        last = bench.wait(lambda: bench.boxes[-1] if bench.boxes[-1].header.stamp == newest else None, "last answer")
        assert last.frame_number >= 1 and last.frame_number + last.dropped_frames <= shown


def test_bearings_need_a_calibration(bench: Bench, tmp_path: Path) -> None:
    with running(tmp_path / "log", bench):
        start(bench)
        assert math.isnan(bench.answer(SCENE.image(1)).bearing.x)
        info = CameraInfo(width=320, height=240, k=MATRIX, distortion_model="plumb_bob", d=[0.0] * 5)
        bench.wait(
            lambda: bench.calibration.publish(info) or not math.isnan(bench.answer(SCENE.image(1)).bearing.x), "bearing"
        )
        answer = bench.answer(SCENE.image(2))
        ray = np.array([answer.x + answer.width / 2 - 160, answer.y + answer.height / 2 - 120, 300.0])
        found = np.array([answer.bearing.x, answer.bearing.y, answer.bearing.z])
        np.testing.assert_allclose(found, ray / np.linalg.norm(ray), atol=1e-5)


def test_calibration_comes_from_beside_the_image_and_diagnostics_say_why_not(bench: Bench, tmp_path: Path) -> None:
    namespace = bench.get_namespace()
    bench.camera = bench.create_publisher(Image, "front/image_raw", qos_profile_sensor_data)
    with running(tmp_path / "log", bench, remap={"image": "front/image_raw"}, no_image_after=0.5) as node:
        start(bench)
        bench.wait_report(f"no: nobody publishes camera_info on {namespace}/front/camera_info", "bearings")
        bench.wait(lambda: "There are no bearings (nobody publishes" in node.output, "line in the log")
        beside = bench.create_publisher(CameraInfo, "front/camera_info", 10)
        bench.wait_report("no camera_info has come from", "bearings")
        info = CameraInfo(width=320, height=240, k=MATRIX, distortion_model="plumb_bob", d=[0.0] * 5)
        bench.wait(
            lambda: beside.publish(info) or bench.report()["bearings"] == "yes, of raw images (K, D)", "calibration"
        )
        assert not math.isnan(bench.answer(SCENE.image(1)).bearing.x)


def test_a_rectified_topic_takes_the_projection_matrix(bench: Bench, tmp_path: Path) -> None:
    bench.camera = bench.create_publisher(Image, "front/image_rect", qos_profile_sensor_data)
    beside = bench.create_publisher(CameraInfo, "front/camera_info", 10)
    info = CameraInfo(width=320, height=240, k=MATRIX, distortion_model="plumb_bob", d=[-0.3, 0.1, 0.0, 0.0, 0.0])
    info.p = [150.0, 0.0, 159.5, 0.0, 0.0, 150.0, 119.5, 0.0, 0.0, 0.0, 1.0, 0.0]
    with running(tmp_path / "log", bench, remap={"image": "front/image_rect"}) as node:
        start(bench)
        yes = "yes, of rectified images (P, R)"
        bench.wait(lambda: beside.publish(info) or bench.report()["bearings"] == yes, "calibration")
        answer = bench.answer(SCENE.image(1))
        ray = np.array([answer.x + answer.width / 2 - 160, answer.y + answer.height / 2 - 120, 150.0])
        found = np.array([answer.bearing.x, answer.bearing.y, answer.bearing.z])
        np.testing.assert_allclose(found, ray / np.linalg.norm(ray), atol=1e-5)
        assert bench.set_parameter("image_rectified", False).successful
        bench.wait(lambda: "is rectified by its name, but image_rectified is false" in node.output, "line in the log")


def test_predicted_boxes_know_how_the_camera_turns(bench: Bench, tmp_path: Path) -> None:
    """The camera begins to turn to the right after the last image: its box is expected further left."""
    predictions: list[TrackedBox] = []
    bench.create_subscription(TrackedBox, "tracked_box_predicted", predictions.append, 50)
    gyroscope = bench.create_publisher(Imu, "camera_rates", QoSProfile(depth=100))
    settings = {"prediction_horizon": 0.2, "camera_rates__message": "imu", "camera_rates__max_age": 10.0}
    settings[f"qos_overrides.{gyroscope.topic_name}.subscription.reliability"] = "reliable"  # each sample counts

    def turn(last_s: float) -> None:
        """Rest until a time, then turn to the right."""
        rests = [(last_s - 0.1 * tenths, 0.0) for tenths in range(10, -1, -1)]
        for stamp_s, rate in [*rests, (last_s + 0.001, 0.1), (last_s + 3.0, 0.1)]:
            gyroscope.publish(Imu(header=header(stamp_s), angular_velocity=Vector3(y=rate)))
        bench.spin(0.3)

    def prediction(answer: TrackedBox) -> TrackedBox:
        number = answer.frame_number
        return bench.wait(lambda: next((p for p in predictions if p.frame_number == number), None), "prediction")

    with running(tmp_path / "log", bench, no_image_after=0.5, **settings) as node:
        info = CameraInfo(width=320, height=240, k=MATRIX, distortion_model="plumb_bob", d=[0.0] * 5)
        bench.wait(lambda: bench.calibration.publish(info) or "yes" in bench.report()["bearings"], "calibration")
        start(bench)
        answer = bench.answer(SCENE.image(0))
        assert prediction(answer).x == pytest.approx(predicted(answer, 0.2).x)
        assert "Predictions do without the camera's rotation" in bench.wait_report("no:", "camera rotation")["message"]
        bench.wait(lambda: "do without the camera's rotation" in node.output, "line in the log")

        last_s = bench.stamp_s + 10 / 30
        told = "yes: 0.100 rad/s"
        bench.wait(lambda: turn(last_s) or told in bench.report()["camera rotation"], told)
        for _ in range(10):
            answer = bench.answer(SCENE.image(0))
        assert seconds(answer.header.stamp) == pytest.approx(last_s)
        later = prediction(answer)
        angle = math.atan((answer.x + answer.width / 2 - 160.0) / 300.0)
        turned = 0.1 * (seconds(answer.latency) + 0.2 - 0.0005)
        shift = 300.0 * (math.tan(angle - turned) - math.tan(angle))
        assert shift < -5.0 and later.x - answer.x == pytest.approx(shift, abs=0.5)
        assert later.bearing.x < answer.bearing.x
        bench.wait_report("no: none has come on", "camera rotation")


@pytest.mark.parametrize("reliability", [ReliabilityPolicy.RELIABLE, ReliabilityPolicy.BEST_EFFORT])
def test_the_annotated_image_goes_out_while_someone_looks(
    reliability: ReliabilityPolicy, bench: Bench, tmp_path: Path
) -> None:
    pictures: list[Image] = []
    jpegs: list[CompressedImage] = []
    qos = QoSProfile(depth=5, reliability=reliability)
    with running(tmp_path / "log", bench, annotated__scale=0.5):
        start(bench)
        bench.create_subscription(Image, "image_annotated", pictures.append, qos)
        bench.create_subscription(CompressedImage, "image_annotated/compressed", jpegs.append, qos)
        bench.wait(lambda: bench.count_publishers("image_annotated"), "publisher of pictures")
        answers: list[TrackedBox] = []
        bench.wait(lambda: answers.append(bench.answer(SCENE.image(1))) or (pictures and jpegs), "picture")
        picture = decode_image(pictures[-1])
        assert picture.shape == (120, 160, 3)
        assert pictures[-1].header.frame_id == answers[-1].header.frame_id
        plain = cv2.resize(SCENE.image(1), (160, 120), interpolation=cv2.INTER_AREA)
        assert np.abs(picture.astype(int) - plain).max() > 50, "nothing is drawn"
        assert decode_image(jpegs[-1]).shape == (120, 160, 3)
