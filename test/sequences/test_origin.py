# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Where a sequence comes from: as its source says, or as its name suggests."""

from __future__ import annotations

import pytest
from painted_clips import PaintedClip

from stdtrack_ros.sequences.origin import Origin, origin_from_name, origin_of


@pytest.mark.parametrize(
    ("name", "video", "group"),
    [
        ("bear_0", "bear", "bear"),
        ("bear_12", "bear_12", "bear"),  # two digits are no part
        ("uav0000_1", "uav0000", "uav"),
        ("bear", "bear", "bear"),
    ],
)
def test_parts_share_a_video_and_the_first_word_is_the_group(name: str, video: str, group: str) -> None:
    assert origin_from_name(name) == Origin(video, group)


def test_what_the_source_says_counts_more_than_the_name() -> None:
    clip = PaintedClip("bear_0")
    assert origin_of(clip) == Origin("bear", "bear")
    clip.origin = Origin("film 7", "films", "human")  # type: ignore[attr-defined]
    assert origin_of(clip) == Origin("film 7", "films", "human")
    clip.origin = "film 7"  # type: ignore[attr-defined]
    assert origin_of(clip) == Origin("bear", "bear")
