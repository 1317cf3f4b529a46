# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What /diagnostics and the log tell the operator."""

from __future__ import annotations

import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from moving_scene import Scene
from node_bench import WAIT_S, Bench, NodeProcess, header, running
from rclpy.qos import QoSProfile, ReliabilityPolicy, qos_profile_sensor_data
from sensor_msgs.msg import CompressedImage, Image

from stdtrack_ros.nodes.camera.publishers import publisher_name

pytestmark = pytest.mark.ros
SCENE = Scene()
RELIABLE = QoSProfile(depth=5, reliability=ReliabilityPolicy.RELIABLE)


def test_the_report_holds_what_an_operator_needs(bench: Bench, tmp_path: Path) -> None:
    with running(tmp_path / "log", bench):
        bench.start_on(SCENE.box(0), at=bench.answer(SCENE.image(0)).header)
        bench.reports.clear()
        for index in range(1, 31):
            bench.answer(SCENE.image(index))
        reports = [{item.key: item.value for item in status.values} for status in bench.reports]
        for rate in ("rate in [Hz]", "rate out [Hz]"):
            assert max(float(values[rate]) for values in reports) > 1
        report = bench.wait_report("target-1 TRACKING quality", "targets")
        assert report["level"] == "0" and report["message"] == "Tracking target-1."
        assert report["state"] == "active" and report["backend"] == "opencv"
        assert report["device"] == "CPU" and report["precision"] == "fp32"
        assert report["model"] == "template_matching" and report["model hash"] == "0" * 64
        assert report["image"] == "320x240 bgr8" and report["image topic"].endswith("/image")
        assert 0 < float(report["latency p50 [ms]"]) <= float(report["latency p95 [ms]"])
        assert report["last refusal"] == "none"
        assert int(report["images in"]) == int(report["results out"]) + int(report["dropped"]) >= 31


def test_a_change_of_level_is_told_before_the_period_ends(bench: Bench, tmp_path: Path) -> None:
    with running(tmp_path / "log", bench, diagnostics_period=60.0):
        bench.reports.clear()
        bench.start((1000, 0, 5, 5))
        bench.wait(lambda: bench.reports and "lies outside" in bench.report()["message"], "report of a refusal", 30.0)
        bench.wait(lambda: bench.report()["level"] == "0", "report that all is well again", 30.0)


@pytest.mark.parametrize(
    ("transport", "kind", "suffix"), [("raw", Image, ""), ("compressed", CompressedImage, "/compressed")]
)
def test_a_topic_without_publisher_and_what_to_remap_to(
    transport: str, kind: type, suffix: str, bench: Bench, tmp_path: Path
) -> None:
    bench.destroy_publisher(bench.camera)
    bench.destroy_publisher(bench.compressed)
    with running(tmp_path / "log", bench, warm=False, no_image_after=0.3, image_transport=transport):
        elsewhere = bench.create_publisher(kind, f"camera/image_raw{suffix}", 5)
        report = bench.wait_report("Images are published on", "message")
        assert "nobody publishes there" in report["message"] and report["level"] == "1"
        base = f"{bench.get_namespace()}/camera/image_raw"
        assert f"published on {elsewhere.topic_name}: remap image to {base}." in report["message"]


def test_a_clash_of_qos_is_named(bench: Bench, tmp_path: Path) -> None:
    with running(tmp_path / "log", bench, warm=False, no_image_after=0.3, image_reliability="reliable") as node:
        report = bench.wait_report("/bench publishes there as best effort", "message")
        assert "QoS clash" in report["message"] and "image_reliability to best_effort" in report["message"]
        bench.wait(lambda: "offers another reliability" in node.output, "line in the log")


def test_a_topic_of_another_type_is_named(bench: Bench, tmp_path: Path) -> None:
    bench.destroy_publisher(bench.camera)
    wrong = bench.create_publisher(CompressedImage, "image", RELIABLE)
    with running(tmp_path / "log", bench, warm=False, no_image_after=0.3):
        report = bench.wait_report("sensor_msgs/msg/CompressedImage", "message")
        assert "set image_transport" in report["message"] and wrong.topic_name in report["message"]


def test_two_cameras_on_one_topic_are_told(bench: Bench, tmp_path: Path) -> None:
    with running(tmp_path / "log", bench) as node:
        second = bench.create_publisher(Image, "image", qos_profile_sensor_data)
        report = bench.wait_report("2 publishers send images", "message")
        assert "/bench, " in report["message"] and "give each camera its own topic" in report["message"]
        bench.wait(lambda: "2 publishers send images" in node.output, "line in the log")
        bench.destroy_publisher(second)


def test_a_frame_id_that_changes_is_told(bench: Bench, tmp_path: Path) -> None:
    with running(tmp_path / "log", bench) as node:
        bench.answer(SCENE.image(0))
        assert "frame_id" not in bench.wait_report("320x240", "image")["message"]
        bench.answer(SCENE.image(1), header(bench.stamp_s + 0.1, "left_camera"))
        report = bench.wait_report("The frame_id of the images", "message")
        assert "between 'camera_optical' and 'left_camera'" in report["message"]
        bench.wait(lambda: "and 'left_camera'" in node.output, "line in the log")


def test_qos_of_every_topic_can_be_overridden(bench: Bench, tmp_path: Path) -> None:
    topic = f"{bench.get_namespace()}/image"
    bench.camera = bench.create_publisher(Image, "image", RELIABLE)
    override = {f"qos_overrides.{topic}.subscription.reliability": "reliable"}
    override[f"qos_overrides.{bench.get_namespace()}/tracked_box.publisher.depth"] = 3
    with running(tmp_path / "log", bench, **override):
        info = bench.get_subscriptions_info_by_topic(topic)
        assert [one.qos_profile.reliability for one in info] == [ReliabilityPolicy.RELIABLE]


def test_by_default_the_camera_is_read_with_best_effort_and_depth_1(bench: Bench, tmp_path: Path) -> None:
    with running(tmp_path / "log", bench) as node:
        (info,) = bench.get_subscriptions_info_by_topic(f"{bench.get_namespace()}/image")
        assert info.qos_profile.reliability == ReliabilityPolicy.BEST_EFFORT
        (boxes,) = bench.get_publishers_info_by_topic(f"{bench.get_namespace()}/tracked_box")
        assert boxes.qos_profile.reliability == ReliabilityPolicy.RELIABLE
        names = {name for name, _ in bench.get_topic_names_and_types()}
        own = {f"{bench.get_namespace()}/{name}" for name in ("image", "target_init", "tracked_box", "camera_info")}
        assert own <= names, "all names are relative"
        assert node.process.poll() is None


def test_simulated_time_stamps_the_reports(bench: Bench, tmp_path: Path) -> None:
    from rosgraph_msgs.msg import Clock

    clock = bench.create_publisher(Clock, "/clock", 10)
    with running(tmp_path / "log", bench, warm=False, use_sim_time=True):
        bench.wait(clock.get_subscription_count, "subscription to /clock")

        def on_time() -> bool:
            now = bench.header()
            clock.publish(Clock(clock=now.stamp))
            bench.show(SCENE.image(0), now)
            return bool(bench.reports) and abs(float(bench.report()["age of stamps [s]"])) < 1.0

        bench.wait(on_time, "report with a small age: the node's clock is the simulator's")


def test_the_log_does_not_repeat_itself(bench: Bench, tmp_path: Path) -> None:
    with running(tmp_path / "log", bench) as node:
        began_s = time.monotonic()
        while int(bench.report()["refused"]) < 30:
            bench.start((1000, 0, 5, 5))
            bench.spin(0.02)
        assert 1 <= node.output.count("lies outside the image") <= 1 + (time.monotonic() - began_s) // 5


def test_a_node_that_cannot_start_leaves_no_traceback(ros: None, tmp_path: Path) -> None:
    node = NodeProcess(tmp_path / "log", script="../../scripts/tracker_node", model__path="/nowhere/model.onnx")
    assert node.process.wait(WAIT_S) == 2
    assert "Traceback" not in node.output and "/nowhere/model.onnx" in node.output


def test_a_publisher_that_has_no_name_is_not_given_one() -> None:
    unknown = SimpleNamespace(node_name="_NODE_NAME_UNKNOWN_", node_namespace="_NODE_NAMESPACE_UNKNOWN_")
    assert publisher_name(unknown) == "a publisher that names no node"
    assert publisher_name(SimpleNamespace(node_name="driver", node_namespace="/front")) == "/front/driver"
    assert publisher_name(SimpleNamespace(node_name="driver", node_namespace="/")) == "/driver"
