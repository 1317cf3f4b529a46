# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What Foxglove and RViz draw by themselves, from a node in a process of its own, over real DDS."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from moving_scene import Scene
from node_bench import Bench, running
from sensor_msgs.msg import CameraInfo
from stdtrack_ros.msg import TrackedBox

pytestmark = pytest.mark.ros
SCENE = Scene()


def test_foxglove_gets_the_box_and_its_words(bench: Bench, tmp_path: Path) -> None:
    messages = pytest.importorskip("foxglove_msgs.msg", reason="`make test-environment` builds it")
    arrived: list[Any] = []
    with running(tmp_path / "log", bench):
        bench.start_on(SCENE.box(0), at=bench.answer(SCENE.image(0)).header)
        bench.create_subscription(messages.ImageAnnotations, "image_annotations", arrived.append, 10)
        bench.wait(lambda: bench.answer(SCENE.image(1)) and arrived, "annotations")
        answer = bench.answer(SCENE.image(2))
        bench.wait(lambda: arrived[-1].points[0].timestamp == answer.header.stamp, "annotations of the last frame")
    (outline,), (words,) = arrived[-1].points, arrived[-1].texts
    assert outline.type == messages.PointsAnnotation.LINE_LOOP
    left, top, right, bottom = answer.x, answer.y, answer.x + answer.width, answer.y + answer.height
    corners = [(point.x, point.y) for point in outline.points]
    np.testing.assert_allclose(corners, [(left, top), (right, top), (right, bottom), (left, bottom)], atol=1e-3)
    assert outline.outline_color.g > max(outline.outline_color.r, outline.outline_color.b)  # TRACKING is green
    assert outline.outline_color.a == words.text_color.a == 1.0 and outline.thickness > 0
    assert words.text == f"target-1 TRACKING {answer.quality:.2f}"
    assert (words.position.x, words.position.y) == corners[0] and words.font_size > 0


def test_rviz_gets_a_ray_along_the_bearing(bench: Bench, tmp_path: Path) -> None:
    markers = pytest.importorskip("visualization_msgs.msg")
    arrived: list[Any] = []
    matrix = [300.0, 0.0, 159.5, 0.0, 300.0, 119.5, 0.0, 0.0, 1.0]
    info = CameraInfo(width=320, height=240, k=matrix, distortion_model="plumb_bob", d=[0.0] * 5)
    with running(tmp_path / "log", bench):
        bench.start_on(SCENE.box(0), at=bench.answer(SCENE.image(0)).header)
        bench.create_subscription(markers.Marker, "bearing_marker", arrived.append, 10)
        bench.wait(lambda: bench.calibration.publish(info) or (bench.answer(SCENE.image(1)) and arrived), "ray")
        answer = bench.answer(SCENE.image(2))
        bench.wait(lambda: arrived[-1].header.stamp == answer.header.stamp, "ray of the last frame")
    ray = arrived[-1]
    assert ray.type == markers.Marker.ARROW and ray.ns == "target-1" and ray.header.frame_id == "camera_optical"
    tail, head = ray.points
    assert (tail.x, tail.y, tail.z) == (0.0, 0.0, 0.0)
    center = [answer.x + answer.width / 2 - 160, answer.y + answer.height / 2 - 120, 300.0]  # px 0 is from 0 to 1
    np.testing.assert_allclose(
        np.array([head.x, head.y, head.z]) / math.hypot(head.x, head.y, head.z),
        np.array(center) / np.linalg.norm(center),
        atol=1e-5,
    )
    assert 0 < ray.lifetime.sec + ray.lifetime.nanosec * 1e-9 < 5


def test_there_is_no_ray_without_a_bearing() -> None:
    pytest.importorskip("visualization_msgs.msg")
    from stdtrack_ros.nodes.tracking.overlays import bearing_ray

    unknown = TrackedBox(target_id="a", status=TrackedBox.STATUS_LOST)
    unknown.bearing.x = math.nan
    assert bearing_ray(unknown) is None
