# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The pictures of a recorded run: what is drawn where, the part that is shown, samples beside hand-made boxes."""

from __future__ import annotations

import numpy as np
import pytest
from painted_clips import HEIGHT, WIDTH, PaintedClip

from stdtrack_ros.cli.overlay_video import close_up, overlay_frames, sample_pictures, stamps_ns
from stdtrack_ros.evaluation.report.box_log import BoxLog
from stdtrack_ros.tracker.drawing import STATUS_COLORS
from stdtrack_ros.tracker.result import Status

CLIP = PaintedClip("clip", length=5)
STAMPS = [100_000_000_000 + 100_000_000 * index for index in range(5)]


def log(frames: list[int], statuses: list[Status]) -> BoxLog:
    count = len(frames)
    boxes = np.array([[10.0 + 2 * frame, 40, 20, 16] for frame in frames])
    return BoxLog(
        np.array([STAMPS[frame] for frame in frames]),
        boxes,
        np.array(statuses, dtype=np.int64),
        np.full(count, 0.9),
        np.full((count, 2), np.nan),
        np.full(count, 0.012),
        0,
    )


def has(picture: np.ndarray, color: tuple[int, int, int]) -> bool:
    return bool((picture == color).all(axis=2).any())


def test_the_stamps_are_those_of_the_images() -> None:
    assert stamps_ns(CLIP) == STAMPS


def test_each_image_shows_the_newest_box_in_the_colour_of_its_status() -> None:
    run = log([1, 3], [Status.TRACKING, Status.LOST])
    given, *rest = overlay_frames(CLIP, run, CLIP.boxes[0])
    assert len(rest) == 4 and all(picture.shape == (HEIGHT, WIDTH, 3) for picture in [given, *rest])
    tracking, lost = STATUS_COLORS[Status.TRACKING], STATUS_COLORS[Status.LOST]
    assert [has(picture, tracking) for picture in [given, *rest]] == [False, True, True, False, False]
    assert [has(picture, lost) for picture in [given, *rest]] == [False, False, False, True, True]
    assert not np.array_equal(given, CLIP.frame(0)), "the given box is drawn"


def test_an_image_that_the_node_dropped_says_so() -> None:
    run = log([1, 2, 3, 4], [Status.TRACKING] * 4)
    gap = log([1, 3, 4], [Status.TRACKING] * 3)
    whole, dropped = (list(overlay_frames(CLIP, each, CLIP.boxes[0])) for each in (run, gap))
    rows = slice(HEIGHT - 20, HEIGHT)  # the line of words
    assert np.array_equal(whole[1][rows], dropped[1][rows])
    assert not np.array_equal(whole[2][rows], dropped[2][rows])


def test_every_second_image_of_a_part() -> None:
    window = slice(20, 80), slice(0, 64)
    pictures = list(overlay_frames(CLIP, log([1], [Status.TRACKING]), CLIP.boxes[0], stride=2, window=window))
    assert [picture.shape for picture in pictures] == [(60, 64, 3)] * 3


def test_the_part_that_holds_all_boxes() -> None:
    # Boxes from x 12 to 38 and y 40 to 56: 26 wide, so 0.6 * 26 = 15.6 px around them, cut at the edges.
    rows, columns = close_up(log([1, 4], [Status.TRACKING] * 2), WIDTH, HEIGHT)
    assert (rows.start, rows.stop, columns.start, columns.stop) == (24, 71, 0, 53)


def test_samples_compare_the_node_with_the_hand() -> None:
    hand = {STAMPS[0]: CLIP.boxes[0], STAMPS[1]: CLIP.boxes[1], STAMPS[4]: CLIP.boxes[4]}
    captions, pictures = zip(*sample_pictures(CLIP, log([1], [Status.TRACKING]), hand, count=3), strict=True)
    # At 0.4 s the newest box is that of 0.1 s, 6 px to the left: 14 * 16 px of 26 * 16.
    assert captions == ("0.00 s, IoU 0.00", "0.10 s, IoU 1.00", f"0.40 s, IoU {14 / 26:.2f}")
    assert all(picture.shape == (44, columns, 3) for picture, columns in zip(pictures, (42, 44, 44), strict=True))


def test_without_hand_made_boxes_there_are_no_samples() -> None:
    assert sample_pictures(CLIP, log([1], [Status.TRACKING]), {}, count=3) == []


@pytest.mark.parametrize("count", [1, 2])
def test_fewer_samples_than_boxes(count: int) -> None:
    hand = {stamp: CLIP.boxes[index] for index, stamp in enumerate(STAMPS[1:], 1)}
    assert len(sample_pictures(CLIP, log([1], [Status.TRACKING]), hand, count)) == count
