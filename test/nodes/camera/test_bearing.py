# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Bearings against OpenCV's projection: a known ray is projected, and its pixel must lead back to it."""

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sensor_msgs.msg import CameraInfo

from stdtrack_ros.errors import InputError
from stdtrack_ros.nodes.camera.bearing import Rectified, bearing, is_rectified, rectification_fault

MATRIX = np.array([[600.0, 0.0, 322.5], [0.0, 610.0, 241.0], [0.0, 0.0, 1.0]])
DISTORTIONS = {
    "plumb_bob": [-0.28, 0.09, 0.001, -0.0006, -0.01],
    "rational_polynomial": [2.1, 0.9, 0.0002, -0.0001, 0.04, 2.4, 1.3, 0.2],
    "equidistant": [-0.02, 0.01, -0.003, 0.0005],
}


def camera(model: str = "plumb_bob", distortion: list[float] | None = None) -> CameraInfo:
    numbers = [0.0] * 5 if distortion is None else distortion
    info = CameraInfo(width=640, height=480, distortion_model=model, d=numbers, k=MATRIX.ravel())
    info.p = np.hstack([MATRIX, np.zeros((3, 1))]).ravel()
    return info


def project(ray: np.ndarray, model: str, distortion: list[float]) -> np.ndarray:
    """Pixel of a ray, with the origin at the outer corner of the first pixel."""
    point, still = ray.reshape(1, 1, 3), np.zeros(3)
    function = cv2.fisheye.projectPoints if model == "equidistant" else cv2.projectPoints
    pixels, _ = function(point, still, still, MATRIX, np.array(distortion))
    return pixels.reshape(2) + 0.5


@pytest.mark.parametrize("model", DISTORTIONS)
@given(x=st.floats(-0.45, 0.45), y=st.floats(-0.35, 0.35))
def test_a_projected_ray_is_found_again(model: str, x: float, y: float) -> None:
    ray = np.array([x, y, 1.0])
    pixel = project(ray, model, DISTORTIONS[model])
    found = bearing(camera(model, DISTORTIONS[model]), *pixel, 640, 480)
    np.testing.assert_allclose(found, ray / np.linalg.norm(ray), atol=1e-5)


def test_the_principal_point_looks_straight_ahead() -> None:
    np.testing.assert_allclose(bearing(camera(), 323.0, 241.5, 640, 480), [0, 0, 1], atol=1e-12)


def test_right_is_x_and_down_is_y() -> None:
    right, down, _ = bearing(camera(), 640.0, 480.0, 640, 480)
    assert right > 0 and down > 0


def test_a_binned_camera_sees_the_same_rays() -> None:
    info = camera()
    info.binning_x = info.binning_y = 2
    # The corner between four pixels of the binned image is one between sixteen of the full image.
    np.testing.assert_allclose(bearing(info, 100.0, 50.0, 320, 240), bearing(camera(), 200.0, 100.0, 640, 480))


def test_a_region_of_interest_shifts_the_rays() -> None:
    info = camera("plumb_bob", DISTORTIONS["plumb_bob"])
    info.roi.x_offset, info.roi.y_offset, info.roi.width, info.roi.height = 100, 60, 320, 240
    full = bearing(camera("plumb_bob", DISTORTIONS["plumb_bob"]), 130.0, 100.0, 640, 480)
    np.testing.assert_allclose(bearing(info, 30.0, 40.0, 320, 240), full)


def test_region_and_binning_together() -> None:
    info = camera()
    info.roi.x_offset, info.roi.y_offset, info.roi.width, info.roi.height = 100, 60, 320, 240
    info.binning_x = info.binning_y = 2
    np.testing.assert_allclose(bearing(info, 15.0, 20.0, 160, 120), bearing(camera(), 130.0, 100.0, 640, 480))


def test_a_rectified_image_takes_p_and_turns_back_by_r() -> None:
    info = camera("plumb_bob", DISTORTIONS["plumb_bob"])
    turn, _ = cv2.Rodrigues(np.array([0.0, 0.1, 0.0]))
    info.r = turn.ravel()
    found = bearing(info, 323.0, 241.5, 640, 480, rectified=True)
    np.testing.assert_allclose(found, turn.T @ [0, 0, 1], atol=1e-12)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"k": np.zeros(9)}, "no calibration"),
        ({"k": [1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0]}, "no calibration"),
        ({"k": [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0]}, "no calibration"),
        ({"distortion_model": "wonder", "d": [0.1] * 5}, "'wonder'.*plumb_bob"),
        ({"d": [0.1] * 3}, "3 numbers"),
        ({"width": 1280}, "1280x480 px and the image has 640x480"),
    ],
)
def test_what_cannot_be_used_is_said(change: dict, words: str) -> None:
    info = camera()
    for name, value in change.items():
        setattr(info, name, value)
    with pytest.raises(InputError, match=words):
        bearing(info, 10.0, 10.0, 640, 480)


def stereo_camera() -> CameraInfo:
    """K: 400 px, with half a barrel; P: 600 px, no turn. Axis through the pixel (320, 240)."""
    return CameraInfo(
        width=640,
        height=480,
        distortion_model="plumb_bob",
        d=[-0.25, 0.0, 0.0, 0.0, 0.0],
        k=[400.0, 0.0, 319.5, 0.0, 400.0, 239.5, 0.0, 0.0, 1.0],
        r=np.eye(3).ravel(),
        p=[600.0, 0.0, 319.5, 0.0, 0.0, 600.0, 239.5, 0.0, 0.0, 0.0, 1.0, 0.0],
    )


@pytest.mark.parametrize(
    ("topic", "parameter", "rectified"),
    [
        ("/camera/image_raw", "auto", False),
        ("/camera/image_rect", "auto", True),
        ("/camera/image_rect_color/compressed", "auto", True),
        ("/camera/infra1/image_rect_raw", "auto", True),
        ("/zed/rgb/color/rect/image", "auto", True),
        ("/zed/rgb/color/raw/image/ffmpeg", "auto", False),
        ("/rect_camera/image_raw", "auto", False),
        ("/rectangle/image", "auto", False),
        ("/camera/image_raw", "true", True),
        ("/camera/image_rect", "false", False),
    ],
)
def test_the_topic_says_which_matrix_holds(topic: str, parameter: Rectified, rectified: bool) -> None:
    info = stereo_camera()
    assert is_rectified(info, topic, parameter) == rectified
    # The pixel is 300 px right of the axis: raw 300 / 400 = 0.75 = x (1 - 0.25 x²), so x = 1; rectified 300 / 600.
    ray = np.array([0.5, 0.0, 1.0]) if rectified else np.array([1.0, 0.0, 1.0])
    found = bearing(info, 620.0, 240.0, 640, 480, is_rectified(info, topic, parameter))
    np.testing.assert_allclose(found, ray / np.linalg.norm(ray), atol=1e-6)


def test_without_a_distortion_the_one_matrix_that_is_filled_holds() -> None:
    only_p, only_k = camera(), camera()
    only_p.k, only_k.p = np.zeros(9), np.zeros(12)
    assert is_rectified(only_p, "/camera/image_raw", "auto")
    assert not is_rectified(only_k, "/camera/image_rect", "auto")
    straight_ahead = bearing(only_p, 323.0, 241.5, 640, 480, True)
    np.testing.assert_allclose(straight_ahead, [0, 0, 1], atol=1e-12)


@pytest.mark.parametrize(
    ("topic", "parameter", "words"),
    [
        ("/camera/image_rect", "false", "is rectified by its name, but image_rectified is false"),
        ("/camera/image_rect_color/compressed", "false", "is rectified by its name"),
        ("/camera/image_raw", "true", "is not rectified by its name, but image_rectified is true"),
        ("/camera/image_rect", "true", ""),
        ("/camera/image_raw", "false", ""),
        ("/camera/image_raw", "auto", ""),
        ("/rectangle/image", "false", ""),
    ],
)
def test_a_parameter_that_does_not_fit_the_topic_is_told(topic: str, parameter: Rectified, words: str) -> None:
    found = rectification_fault(stereo_camera(), topic, parameter)
    assert words in found and bool(found) == bool(words)
    assert rectification_fault(camera(), topic, parameter) == "", "K and P are the same and there is no distortion"
    longer = camera()
    longer.p[0] *= 1.5
    assert bool(rectification_fault(longer, topic, parameter)) == bool(words)
