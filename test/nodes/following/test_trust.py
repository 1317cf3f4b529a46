# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""On which boxes nothing may move, and where a box points."""

from __future__ import annotations

import math

import pytest
from follow_messages import box
from geometry_msgs.msg import Vector3
from stdtrack_ros.msg import TrackedBox

from stdtrack_ros.nodes.following.trust import TrustSettings, approached, direction, stop_reason
from stdtrack_ros.nodes.tracking.messages import duration

SETTINGS = TrustSettings()


@pytest.mark.parametrize(
    ("changes", "silent_s", "words"),
    [
        ({"status": TrackedBox.STATUS_LOST}, 0.0, "LOST"),
        ({"status": TrackedBox.STATUS_UNCERTAIN}, 0.0, "UNCERTAIN"),
        ({"status": TrackedBox.STATUS_NONE}, 0.0, "no target"),
        ({"status": 77}, 0.0, "no target"),
        ({"quality": 0.39}, 0.0, "min_quality"),
        ({"quality": math.nan}, 0.0, "min_quality"),
        ({}, 0.31, "older than max_age"),
        ({"latency": duration(0.25)}, 0.1, "older than max_age"),
        ({"height": 0.0}, 0.0, "no size"),
        ({"x": math.nan}, 0.0, "no size"),
        ({"bearing": Vector3(x=math.nan, y=math.nan, z=math.nan)}, 0.0, "direction"),
    ],
)
def test_each_reason_to_stop(changes: dict[str, object], silent_s: float, words: str) -> None:
    assert words in stop_reason(box(**changes), silent_s, SETTINGS)


def test_without_any_box_it_stops() -> None:
    assert "no box" in stop_reason(None, 0.0, SETTINGS)


def test_uncertain_is_followed_if_asked_for() -> None:
    assert stop_reason(box(status=TrackedBox.STATUS_UNCERTAIN), 0.0, TrustSettings(follow_uncertain=True)) == ""


def test_the_field_of_view_stands_in_for_a_calibration() -> None:
    unknown = Vector3(x=math.nan, y=math.nan, z=math.nan)
    settings = TrustSettings(horizontal_fov=math.pi / 2)
    right, down, ahead = direction(box(x=620.0, bearing=unknown), settings) or (0.0, 0.0, 0.0)
    assert (right / ahead, down / ahead) == (pytest.approx(1.0), pytest.approx(0.0))


def test_the_newest_image_counts_not_the_newest_message() -> None:
    """A box is as old as its image: the time since it came and the tracker's latency together."""
    assert stop_reason(box(latency=duration(0.1)), 0.19, SETTINGS) == ""
    assert "max_age" in stop_reason(box(latency=duration(0.1)), 0.21, SETTINGS)


@pytest.mark.parametrize(("wanted", "becomes"), [(1.0, 0.3), (-1.0, -0.1), (0.15, 0.15)])
def test_a_value_moves_towards_the_wanted_one_by_so_much_at_most(wanted: float, becomes: float) -> None:
    assert approached(0.1, wanted, 0.2) == pytest.approx(becomes)
