# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
import math

import numpy as np
import pytest
from std_msgs.msg import Header
from stdtrack_ros.msg import TrackedBox

from stdtrack_ros.nodes.tracking.messages import (
    Detection2DArray,
    FrameInfo,
    detections,
    duration,
    no_target,
    predicted,
    seconds,
    stale,
    tracked_box,
)
from stdtrack_ros.tracker.result import Status, TrackResult

INFO = FrameInfo(Header(frame_id="eye"), 640, 480, 0.025, 3)
RESULT = TrackResult(
    box=np.array([10.0, 20.0, 30.0, 40.0]),
    status=Status.UNCERTAIN,
    quality=0.25,
    token_quality=float("nan"),
    covariance=np.arange(16.0).reshape(4, 4),
    velocity=np.array([1.5, -2.5]),
    time_since_seen_s=0.75,
    frame_number=9,
    timings_ms={},
)


def test_every_field_of_a_result_reaches_the_message() -> None:
    message = tracked_box(INFO, "it", RESULT, np.array([0.0, 0.6, 0.8]))
    assert message.header.frame_id == "eye" and message.target_id == "it"
    assert message.status == TrackedBox.STATUS_UNCERTAIN
    assert (message.x, message.y, message.width, message.height) == (10, 20, 30, 40)
    assert message.quality == 0.25 and math.isnan(message.token_quality)
    assert list(message.covariance) == list(range(16))
    assert (message.velocity_x, message.velocity_y) == (1.5, -2.5)
    assert (message.bearing.x, message.bearing.y, message.bearing.z) == (0.0, 0.6, 0.8)
    assert seconds(message.time_since_seen) == pytest.approx(0.75) and seconds(message.latency) == pytest.approx(0.025)
    assert (message.frame_number, message.dropped_frames) == (9, 3)
    assert (message.image_width, message.image_height) == (640, 480)


def test_the_numbers_of_a_status_are_those_of_the_message() -> None:
    for status in Status:
        assert getattr(TrackedBox, f"STATUS_{status.name}") == int(status)


def test_nothing_is_known_of_no_target() -> None:
    message = no_target(INFO)
    assert message.status == TrackedBox.STATUS_NONE and message.target_id == ""
    numbers = [message.x, message.y, message.width, message.height, message.quality, message.bearing.x]
    assert np.isnan([*numbers, *message.covariance, message.velocity_x]).all()


def test_a_stale_message_is_lost_and_grows_old() -> None:
    first = tracked_box(INFO, "it", RESULT, np.array([0.0, 0.0, 1.0]))
    again = stale(first, 2.0)
    assert again.status == TrackedBox.STATUS_LOST and again.x == first.x and again.target_id == "it"
    assert seconds(again.latency) == pytest.approx(2.025) and seconds(again.time_since_seen) == pytest.approx(2.75)
    assert math.isnan(again.quality) and math.isnan(again.bearing.z)
    assert first.status == TrackedBox.STATUS_UNCERTAIN, "the message it was made of is as it was"


@pytest.mark.parametrize(
    ("time_s", "sec", "nanosec"),
    [(0.0, 0, 0), (-1.0, 0, 0), (math.nan, 0, 0), (math.inf, 2**31 - 1, 0), (1.25, 1, 250_000_000)],
)
def test_durations(time_s: float, sec: int, nanosec: int) -> None:
    message = duration(time_s)
    assert (message.sec, message.nanosec) == (sec, nanosec)


@pytest.mark.skipif(Detection2DArray is None, reason="vision_msgs is not installed")
def test_detections_are_the_targets_that_are_seen() -> None:
    seen, lost = tracked_box(INFO, "it", RESULT), stale(tracked_box(INFO, "gone", RESULT), 1.0)
    array = detections([seen, lost])
    (detection,) = array.detections
    assert array.header.frame_id == detection.header.frame_id == "eye" and detection.id == "it"
    assert (detection.bbox.center.position.x, detection.bbox.center.position.y) == (25.0, 40.0)
    assert (detection.bbox.size_x, detection.bbox.size_y) == (30.0, 40.0)
    assert detection.results[0].hypothesis.score == 0.25
    assert detection.results[0].hypothesis.class_id == "it"


def test_a_predicted_box_is_that_of_a_later_time() -> None:
    message = tracked_box(INFO, "it", RESULT)
    message.velocity_x, message.velocity_y, message.latency = 100.0, 0.0, duration(0.25)
    later = predicted(message, 0.5)
    assert seconds(later.header.stamp) - seconds(message.header.stamp) == pytest.approx(0.75)
    size = math.sqrt(message.width * message.height)
    assert later.x == pytest.approx(message.x + 75.0 - 0.04 * size, abs=1e-3) and later.y == message.y
    assert (later.width, later.height, later.status) == (message.width, message.height, message.status)
    assert math.isnan(later.bearing.x) and message.x != later.x, "the message itself is left alone"
    unknown = predicted(no_target(INFO), 0.5)
    assert math.isnan(unknown.x) and unknown.status == TrackedBox.STATUS_NONE
