# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""UAV123's sequences that are parts of a folder: frames as `configSeqs.m` counts them, at 30 and at 10 Hz."""

from __future__ import annotations

from stdtrack_ros.sequences.datasets.uav123_parts import PARTS, part


def test_parts_at_both_frame_rates() -> None:
    assert part("bird1_2", 30) == ("bird1", 775, 1477)
    assert part("bird1_2", 10) == ("bird1", 259, 493)  # every third frame from the first: 1, 4, ... 775 is the 259th
    assert part("bird1_1", 10) == ("bird1", 1, 85)


def test_a_sequence_with_a_folder_of_its_own_is_the_whole_folder() -> None:
    assert part("bike1", 30) == ("bike1", 1, None)


def test_parts_of_a_folder_follow_each_other() -> None:
    last: dict[str, int] = {}
    for name, (folder, first, end) in PARTS.items():
        assert name.startswith(f"{folder}_") and first < end
        assert first >= last.get(folder, 1), name
        last[folder] = end
