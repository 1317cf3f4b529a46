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
from stdtrack_ros.nodes.camera.bearing import bearing, rectification_fault

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


@pytest.mark.parametrize(
    ("topic", "rectified", "words"),
    [
        ("/camera/image_rect", False, "set image_rectified to true"),
        ("/camera/image_rect_color/compressed", False, "set image_rectified to true"),
        ("/camera/image_raw", True, "set image_rectified to false"),
        ("/camera/image_rect", True, ""),
        ("/camera/image_raw", False, ""),
        ("/rectangle/image", False, ""),
    ],
)
def test_a_parameter_that_does_not_fit_the_topic_is_told(topic: str, rectified: bool, words: str) -> None:
    found = rectification_fault(camera("plumb_bob", DISTORTIONS["plumb_bob"]), topic, rectified)
    assert words in found and bool(found) == bool(words)
    assert rectification_fault(camera(), topic, rectified) == "", "without a distortion there is nothing to undo"
