# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Where a pixel looks: unit vectors in the camera's optical frame, from CameraInfo."""

from __future__ import annotations

from typing import Any, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from stdtrack_ros.errors import InputError

MODELS = ("plumb_bob", "rational_polynomial", "equidistant", "")
"""Distortion models of CameraInfo that can be undone; an empty name is taken for no distortion."""

Rectified = Literal["auto", "true", "false"]
"""Whether images are rectified, as a parameter."""

RECTIFIED_WORDS = {"rect", "rectified", "undistorted"}
"""Words by which a topic's name says that its images are rectified (image_rect, image_rect_color, color/rect/image)."""

LARGEST_TANGENT = 1e3
"""Rays further from the optical axis than this (in units of the depth) are what diverging iterations give."""


def bearing(
    info: Any, x: float, y: float, image_width: int, image_height: int, rectified: bool = False
) -> NDArray[np.float64]:
    """Return the (3,) unit vector (x right, y down, z forward) to a pixel of the image as it was delivered.

    Args:
        info: sensor_msgs/CameraInfo; its K and ROI are in full, unbinned pixels (REP 104).
        x, y: pixels of the delivered image, origin at the outer corner of the top-left pixel.
        rectified: the image is rectified, so that P holds and there is no distortion.

    Raises:
        InputError: no calibration in it, a distortion that is not known, or another size than the image's.
    """
    direction = np.append(plane_point(info, x, y, image_width, image_height, rectified), 1.0)
    if rectified:
        rotation = np.asarray(info.r, dtype=np.float64).reshape(3, 3)
        direction = rotation.T @ direction if np.linalg.norm(rotation) > 0.5 else direction
    unit: NDArray[np.float64] = direction / np.linalg.norm(direction)
    return unit


def plane_point(
    info: Any, x: float, y: float, image_width: int, image_height: int, rectified: bool = False
) -> NDArray[np.float64]:
    """Return (2,) X/Z and Y/Z of what a pixel sees, in the frame of the delivered image; arguments as for `bearing`.

    Raises:
        InputError: as for `bearing`.
    """
    _check_size(info, image_width, image_height)
    u, v = _full_pixels(info, x, y)
    intrinsic = np.asarray(info.p if rectified else info.k, dtype=np.float64)
    matrix = intrinsic.reshape(3, 4)[:, :3] if rectified else intrinsic.reshape(3, 3)
    upper = matrix[1, 0] == 0 and (matrix[2] == (0, 0, 1)).all()
    if not (upper and matrix[0, 0] > 0 and matrix[1, 1] > 0 and np.isfinite(matrix).all()):
        raise InputError("The CameraInfo has no calibration (focal lengths above 0, 1 in the corner): no bearings.")
    normalized = _plane(matrix, u, v) if rectified else _undistorted(info, matrix, u, v)
    if not np.abs(normalized).max() < LARGEST_TANGENT:  # also if it is NaN
        raise InputError("The pixel lies outside what the lens model of the CameraInfo covers: no bearing.")
    return normalized


def is_rectified(info: Any, image_topic: str, parameter: Rectified) -> bool:
    """Return whether P and R of a CameraInfo hold for the images of a topic, rather than K and D.

    Args:
        parameter: image_rectified; auto: the one matrix that is filled if there is no distortion, else as the topic's
            name says, and not rectified if it says nothing.
    """
    if parameter != "auto":
        return parameter == "true"
    if not any(info.d) and (info.k[0] > 0) != (info.p[0] > 0):
        return bool(info.p[0] > 0)
    return _named_rectified(image_topic) is True


def rectification_fault(info: Any, image_topic: str, parameter: Rectified) -> str:
    """Return a sentence if image_rectified contradicts the name of the image topic, and bearings differ; else empty."""
    named = _named_rectified(image_topic)
    if parameter == "auto" or named is None or named == (parameter == "true") or not _rectification_matters(info):
        return ""
    found, wrong = ("rectified", "K and D, which are") if named else ("not rectified", "P and R, which are")
    return (
        f"{image_topic} is {found} by its name, but image_rectified is {parameter}: bearings take {wrong} those of "
        "other images; set image_rectified to auto."
    )


def _named_rectified(image_topic: str) -> bool | None:
    """Return what a topic's name says, the last part that says something; None: nothing."""
    for part in reversed(image_topic.split("/")):
        words = set(part.lower().split("_"))
        if words & RECTIFIED_WORDS:
            return True
        if "raw" in words:
            return False
    return None


def _rectification_matters(info: Any) -> bool:
    """Tell whether K and D give other bearings than P and R."""
    matrix, turn = np.reshape(info.p, (3, 4))[:, :3], np.reshape(info.r, (3, 3))
    turned = bool(np.any(turn)) and not np.allclose(turn, np.eye(3))
    return any(info.d) or turned or not np.allclose(matrix, np.reshape(info.k, (3, 3)))


def _check_size(info: Any, image_width: int, image_height: int) -> None:
    width, height = info.roi.width or info.width, info.roi.height or info.height
    width, height = width // max(info.binning_x, 1), height // max(info.binning_y, 1)
    if (width, height) != (image_width, image_height):
        raise InputError(
            f"The CameraInfo is for images of {width}x{height} px and the image has {image_width}x{image_height} px: "
            "no bearings."
        )


def _full_pixels(info: Any, x: float, y: float) -> tuple[float, float]:
    """Convert to pixels of the calibrated image; there, whole numbers are the centres of pixels."""
    u = x * max(info.binning_x, 1) + info.roi.x_offset - 0.5
    v = y * max(info.binning_y, 1) + info.roi.y_offset - 0.5
    return u, v


def _plane(matrix: NDArray[np.float64], u: float, v: float) -> NDArray[np.float64]:
    y = (v - matrix[1, 2]) / matrix[1, 1]
    return np.array([(u - matrix[0, 2] - matrix[0, 1] * y) / matrix[0, 0], y])


def _undistorted(info: Any, matrix: NDArray[np.float64], u: float, v: float) -> NDArray[np.float64]:
    distortion = np.asarray(info.d, dtype=np.float64)
    pixel = np.array([[[u, v]]], dtype=np.float64)
    if info.distortion_model not in MODELS:
        raise InputError(
            f"The distortion model '{info.distortion_model}' of the CameraInfo is not known; "
            f"it may be one of {', '.join(filter(None, MODELS))}: no bearings."
        )
    if not distortion.any():
        return _plane(matrix, u, v)
    try:
        if info.distortion_model == "equidistant":
            plane = cv2.fisheye.undistortPoints(pixel, matrix, distortion)
        else:
            # The five steps that OpenCV takes of itself leave a wide-angle lens some pixels off.
            stop = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 100, 1e-10)
            plane = cv2.undistortPointsIter(pixel, matrix, distortion, None, None, stop)
    except cv2.error:
        raise InputError(
            f"The CameraInfo has {distortion.size} numbers of distortion, which {info.distortion_model} does not take."
        ) from None
    result: NDArray[np.float64] = plane.reshape(2)
    return result
