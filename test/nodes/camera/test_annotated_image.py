# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Boxes drawn into a copy of the image."""

from __future__ import annotations

import numpy as np
import pytest
from stdtrack_ros.msg import TrackedBox

from stdtrack_ros.nodes.camera.annotated_image import annotated
from stdtrack_ros.tracker.drawing import STATUS_COLORS
from stdtrack_ros.tracker.result import Status

pytestmark = pytest.mark.ros


def test_boxes_are_drawn_into_a_copy_of_the_image() -> None:
    image = np.full((480, 640, 3), 60, dtype=np.uint8)
    box = TrackedBox(target_id="it", status=TrackedBox.STATUS_TRACKING, x=40.0, y=60.0, width=80.0, height=40.0)
    box.quality = 0.75
    picture = annotated(image, [box, TrackedBox(status=TrackedBox.STATUS_NONE)], 1.0)
    assert picture.shape == image.shape and (image == 60).all()
    assert (picture[80, 40] == STATUS_COLORS[Status.TRACKING]).all(), "the left edge"
    assert (picture[80, 80] == 60).all(), "the middle stays free"


def test_a_smaller_picture_has_the_boxes_where_they_belong() -> None:
    box = TrackedBox(target_id="it", status=TrackedBox.STATUS_LOST, x=40.0, y=60.0, width=80.0, height=40.0)
    picture = annotated(np.full((480, 640, 3), 60, dtype=np.uint8), [box], 0.5)
    assert picture.shape == (240, 320, 3)
    found = (picture == STATUS_COLORS[Status.LOST]).all(axis=2)
    rows, columns = np.nonzero(found[:, :100])
    assert abs(columns.min() - 20) <= 2 and abs(rows.max() - 50) <= 2
