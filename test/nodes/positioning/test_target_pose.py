# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""target_pose over DDS: boxes, calibration and depth in; states, poses and sentences out."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
from geometry_msgs.msg import PoseStamped, PoseWithCovarianceStamped, TransformStamped, Vector3
from node_bench import Bench, header
from rclpy.parameter import Parameter
from rclpy.qos import qos_profile_sensor_data
from sensor_msgs.msg import CameraInfo, Image
from stdtrack_ros.msg import TargetState, TrackedBox

from stdtrack_ros.errors import SettingError
from stdtrack_ros.nodes.positioning.target_pose import TargetPose
from stdtrack_ros.nodes.positioning.transforms import AVAILABLE

pytestmark = pytest.mark.ros
WIDTH, HEIGHT, FOCAL = 64, 48, 50.0
needs_tf2 = pytest.mark.skipif(not AVAILABLE, reason="tf2_ros is not installed (the wheels do not have it)")


def calibration() -> CameraInfo:
    """Axis through the middle of the image."""
    matrix = [FOCAL, 0.0, WIDTH / 2 - 0.5, 0.0, FOCAL, HEIGHT / 2 - 0.5, 0.0, 0.0, 1.0]
    return CameraInfo(width=WIDTH, height=HEIGHT, distortion_model="plumb_bob", d=[0.0] * 5, k=matrix)


def box(stamp_s: float, **changes: Any) -> TrackedBox:
    """Return a target whose centre is 10 px right of the axis and 5 px above it."""
    fields: dict[str, Any] = {
        "header": header(stamp_s),
        "target_id": "target-1",
        "status": TrackedBox.STATUS_TRACKING,
        "quality": 0.75,
        "x": 37.0,
        "y": 9.0,
        "width": 10.0,
        "height": 20.0,
        "covariance": np.diag([0.25, 0.25, 1.0, 1.0]).astype(np.float32).reshape(16),
        "image_width": WIDTH,
        "image_height": HEIGHT,
    }
    return TrackedBox(**(fields | changes))


def depth(stamp_s: float, target_m: float = 2.0, width: int = WIDTH, height: int = HEIGHT, frame_id: str = "") -> Image:
    """16UC1: the target's box at one depth, 8 m elsewhere, a fifth of it holes."""
    pixels = np.full((height, width), 8000, dtype=np.uint16)
    pixels[9:29, 37:47] = round(target_m * 1000)
    pixels[np.random.default_rng(0).random(pixels.shape) < 0.2] = 0
    at = header(stamp_s, frame_id or "camera_optical")
    return Image(header=at, height=height, width=width, encoding="16UC1", step=2 * width, data=pixels.tobytes())


def everywhere(metres: float, width: int, height: int) -> Image:
    """Return a depth image with one depth in every pixel."""
    data = np.full((height, width), round(metres * 1000), dtype=np.uint16).tobytes()
    return Image(
        header=header(0.0, "camera_optical"), height=height, width=width, encoding="16UC1", step=2 * width, data=data
    )


class Positions:
    """A node in this process, its inputs and what it says."""

    def __init__(self, bench: Bench, node: TargetPose) -> None:
        self.bench, self.node = bench, node
        self.states: list[TargetState] = []
        self.poses: list[PoseStamped] = []
        self.uncertain: list[PoseWithCovarianceStamped] = []
        self.boxes = bench.create_publisher(TrackedBox, "tracked_box", 10)
        self.depths = bench.create_publisher(Image, "depth", qos_profile_sensor_data)
        bench.create_subscription(TargetState, "target_state", self.states.append, 50)
        bench.create_subscription(PoseStamped, "target_pose", self.poses.append, 50)
        bench.create_subscription(PoseWithCovarianceStamped, "target_pose_with_covariance", self.uncertain.append, 50)
        self.stamp_s = 100.0
        bench.wait(
            lambda: (
                self.boxes.get_subscription_count() > 1  # the bench listens too
                and bench.calibration.get_subscription_count()
                and bench.count_publishers("target_state")
                and (node.settings.method != "depth" or self.depths.get_subscription_count())
            ),
            "node",
        )

    def calibrate(self) -> None:
        """Send the calibration until the node has it."""
        self.bench.wait(
            lambda: self.bench.calibration.publish(calibration()) or self.node._calibration is not None, "calibration"
        )

    def see(self, depth_image: Image | None = None, **changes: Any) -> TargetState:
        """Send a depth image (until it has arrived) and a box; the state that answers it."""
        at = self.stamp_s = round(self.stamp_s + 0.05, 6)
        if depth_image is not None:
            depth_image.header.stamp = header(at).stamp
            count = self.node._depth_count
            self.bench.wait(
                lambda: self.node._depth_count > count or self.depths.publish(depth_image), "depth in the node"
            )
        self.boxes.publish(box(at, **changes))
        stamp = header(at).stamp
        return self.bench.wait(lambda: next((s for s in self.states if s.header.stamp == stamp), None), "state")

    def refuses(self, words: str, depth_image: Image | None = None, **changes: Any) -> None:
        """Check that the node publishes no position, and gives its reason in these words."""
        self.bench.reports.clear()

        def said() -> bool:
            state = self.see(depth_image, **changes)
            assert state.method == TargetState.METHOD_NONE
            numbers = [state.position.x, state.position.z, state.velocity.x, state.distance, *state.position_covariance]
            assert all(math.isnan(number) for number in numbers)
            self.bench.spin(0.02)
            return any(words in report.message for report in self.bench.reports)

        self.bench.wait(said, f"report of '{words}'")


@contextmanager
def positions(bench: Bench, **parameters: Any) -> Iterator[Positions]:
    """Run a node with these parameters, spun by the bench."""
    with bench.hosting(TargetPose, **parameters) as node:
        yield Positions(bench, node)


def test_a_box_and_a_depth_image_give_state_and_pose(bench: Bench) -> None:
    with positions(bench) as found:
        found.calibrate()
        state = found.see(depth(0.0))
        assert (state.method, state.status, state.quality) == (
            TargetState.METHOD_DEPTH,
            TrackedBox.STATUS_TRACKING,
            0.75,
        )
        place = (state.position.x, state.position.y, state.position.z)
        assert place == pytest.approx((0.4, -0.2, 2.0))  # 2 m * 10 / 50 to the right, 2 m * 5 / 50 up
        assert state.distance == pytest.approx(math.hypot(0.4, 0.2, 2.0))
        assert state.position_covariance[0] == pytest.approx((2.0 * 0.5 / FOCAL) ** 2, rel=0.01)
        assert state.header.frame_id == "camera_optical"
        pose = bench.wait(lambda: found.poses and found.uncertain, "poses") and found.poses[-1]
        assert pose.header == state.header and pose.pose.position == state.position
        assert found.uncertain[-1].pose.covariance[0] == pytest.approx(state.position_covariance[0], rel=1e-5)
        for step in range(1, 10):
            state = found.see(depth(0.0, target_m=2.0 + 0.05 * step))  # 1 m/s away, along the ray
        assert state.velocity.z == pytest.approx(1.0, abs=0.2)
        good = [report.level for report in bench.reports if report.message == "Positions by depth."]
        assert good == [b"\0"] * len(good) and good


@pytest.mark.parametrize(("slope", "focal"), [(0.2, FOCAL), (0.1, 2 * FOCAL)])
def test_the_trackers_bearing_says_which_matrix_holds(bench: Bench, slope: float, focal: float) -> None:
    """The box is 10 px right of the axis: a slope of 0.2 by K (50 px), 0.1 by P (100 px)."""
    info = calibration()
    info.p = [2 * FOCAL, 0.0, WIDTH / 2 - 0.5, 0.0, 0.0, 2 * FOCAL, HEIGHT / 2 - 0.5, 0.0, 0.0, 0.0, 1.0, 0.0]
    with positions(bench) as found:
        bench.wait(
            lambda: bench.calibration.publish(info) or found.node._calibration is not None, "calibration in the node"
        )
        ray = np.array([slope, -slope / 2, 1.0])
        x, y, z = ray / np.linalg.norm(ray)
        state = found.see(depth(0.0), bearing=Vector3(x=x, y=y, z=z))
        place = (state.position.x, state.position.y, state.position.z)
        assert place == pytest.approx((2.0 * 10 / focal, -2.0 * 5 / focal, 2.0))


def test_uncertain_is_told_and_not_published_as_a_pose(bench: Bench) -> None:
    with positions(bench) as found:
        found.calibrate()
        state = found.see(depth(0.0), status=TrackedBox.STATUS_UNCERTAIN)
        assert state.status == TrackedBox.STATUS_UNCERTAIN and state.position.z == pytest.approx(2.0)
        found.see(depth(0.0))
        bench.wait(lambda: found.poses, "pose")
        assert len(found.poses) == 1


def test_a_depth_image_that_comes_after_its_box_is_waited_for(bench: Bench) -> None:
    with positions(bench, max_wait=5.0) as found:
        found.calibrate()
        found.boxes.publish(box(200.0))
        bench.spin(0.3)
        assert not found.states
        late = depth(200.0)
        bench.wait(lambda: found.states or found.depths.publish(late), "state")
        assert found.states[0].position.z == pytest.approx(2.0)


def test_what_cannot_be_used_is_a_sentence_and_no_pose(bench: Bench) -> None:
    with positions(bench, max_wait=0.1) as found:
        found.refuses("No camera_info", depth(0.0))
        found.calibrate()
        found.refuses("nearest depth image is 0.050 s")
        found.refuses("LOST", depth(0.0), status=TrackedBox.STATUS_LOST)
        found.refuses("no target", depth(0.0), status=TrackedBox.STATUS_NONE)
        found.refuses("status 77", depth(0.0), status=77)
        found.refuses("32x24 px and the image 64x48", depth(0.0, width=32, height=24))
        found.refuses("frame 'depth_optical'", depth(0.0, frame_id="depth_optical"))
        found.refuses("no surface", depth(0.0, target_m=0.1), x=38.0, width=6.0)
        found.refuses("no size", depth(0.0), width=math.nan)
        found.refuses("no size", depth(0.0), height=0.0)
        found.refuses("outside the depth image", depth(0.0), x=100.0)
        wrong = depth(0.0)
        wrong.encoding = "8UC1"
        found.refuses("encoding '8UC1'", wrong)
        cut = depth(0.0)
        cut.data = cut.data[:100]
        found.refuses("found a step of", cut)
        small = {"x": 5.0, "y": 2.0, "image_width": 32, "image_height": 24}
        found.refuses("for images of 64x48", everywhere(2.0, 32, 24), **small)
        assert not found.poses
        assert found.see(depth(0.0)).position.z == pytest.approx(2.0), "and it goes on"


def test_without_depth_it_says_what_to_remap(bench: Bench) -> None:
    with positions(bench, max_wait=0.1) as found:
        found.calibrate()
        found.refuses("remap `depth`")


def test_a_known_height_and_a_known_width(bench: Bench) -> None:
    with positions(bench, method="height", target_height=1.0) as found:
        found.calibrate()
        state = found.see()
        assert state.method == TargetState.METHOD_SIZE
        assert (state.position.x, state.position.z) == (pytest.approx(0.5), pytest.approx(2.5))  # 1 m * 50 / 20 px
        # 1 px of 20 and 10 % of the height
        assert math.sqrt(state.position_covariance[8]) == pytest.approx(2.5 * math.hypot(0.05, 0.1), rel=1e-3)
        found.refuses("touches the edge", y=0.5)
        found.refuses("further than max_depth", height=0.5)
    with positions(bench, method="width", target_width=1.0) as found:
        found.calibrate()
        assert found.see().position.z == pytest.approx(5.0)


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"method": "height"}, "needs target_height"),
        ({"method": "width"}, "needs target_width"),
        ({"method": "ground"}, "needs fixed_frame"),
        ({"min_depth": 50.0}, "min_depth is not below"),
        ({"method": "height", "target_height": 1e6}, "from 0 to 200"),
    ],
)
def test_settings_that_make_no_sense_end_the_start(ros: None, parameters: dict[str, Any], words: str) -> None:
    given = [Parameter(name, value=value) for name, value in parameters.items()]
    with pytest.raises(SettingError, match=words):
        TargetPose(parameter_overrides=given)


@pytest.mark.skipif(AVAILABLE, reason="tf2_ros is installed")
def test_a_fixed_frame_without_tf2_ends_the_start(ros: None) -> None:
    with pytest.raises(SettingError, match="tf2_ros is not installed"):
        TargetPose(parameter_overrides=[Parameter("fixed_frame", value="odom")])


@needs_tf2
def test_the_ground_under_a_drone_over_tf(bench: Bench) -> None:
    from tf2_ros import Buffer, StaticTransformBroadcaster, TransformListener

    camera = TransformStamped(header=header(0.0, "odom"), child_frame_id="camera_optical")
    camera.transform.translation.x, camera.transform.translation.z = 100.0, 10.0
    camera.transform.rotation.x, camera.transform.rotation.w = 1.0, 0.0  # looks down, image up is north
    sender = StaticTransformBroadcaster(bench)
    with positions(bench, method="ground", fixed_frame="odom", max_wait=0.1) as found:
        found.calibrate()
        found.refuses("TF has no transform from 'camera_optical' to 'odom'")
        sender.sendTransform(camera)
        buffer = Buffer(node=bench)
        listener = TransformListener(buffer, bench)
        state = bench.wait(lambda: next((s for s in [found.see()] if s.method), None), "position")
        assert state.method == TargetState.METHOD_GROUND and state.header.frame_id == "odom"
        place = (state.position.x, state.position.y, state.position.z)
        assert place == pytest.approx((102.0, 1.0, 0.0), abs=1e-4)
        assert (state.camera_position.x, state.camera_position.z) == (100.0, 10.0)
        assert state.distance == pytest.approx(math.hypot(2.0, 1.0, 10.0))
        seen = bench.wait(
            lambda: (
                buffer.can_transform("odom", "target", state.header.stamp)
                and buffer.lookup_transform("odom", "target", state.header.stamp)
            ),
            "TF frame of the target",
        )
        assert seen.transform.translation.x == pytest.approx(102.0, abs=1e-4)
        listener.unregister()


@needs_tf2
def test_a_moving_camera_and_a_late_transform(bench: Bench) -> None:
    from tf2_ros import TransformBroadcaster

    sender = TransformBroadcaster(bench)

    def camera_at(stamp_s: float, x: float) -> None:
        pose = TransformStamped(header=header(stamp_s, "odom"), child_frame_id="camera_optical")
        pose.transform.translation.x, pose.transform.rotation.w = x, 1.0
        sender.sendTransform(pose)

    with positions(bench, fixed_frame="odom", max_wait=5.0) as found:
        found.calibrate()
        bench.wait(lambda: bench.count_subscribers("/tf"), "listener")
        image = depth(300.0)
        bench.wait(lambda: found.node._depth_count or found.depths.publish(image), "depth")
        found.boxes.publish(box(300.0))
        bench.spin(0.3)
        assert not found.states, "it waits for TF"
        bench.wait(lambda: [camera_at(299.9, 1.0), camera_at(300.1, 2.0)] and found.states, "state")
        state = found.states[0]
        assert state.position.x == pytest.approx(0.4 + 1.5), "the camera where it was when the picture was taken"
        assert state.camera_position.x == pytest.approx(1.5)
