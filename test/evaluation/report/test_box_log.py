# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A recorded run in numbers, against values counted by hand, and its picture."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from stdtrack_ros.errors import SequenceError
from stdtrack_ros.evaluation.report.box_log import BoxLog, newest_row, overlaps, read_box_log, state_changes, summarize
from stdtrack_ros.evaluation.report.run_picture import draw_run

HEADER = (
    "stamp_ns,target_id,status,x,y,width,height,quality,velocity_x,velocity_y,latency_s,frame_number,dropped_frames"
)
ROWS = [
    "1000000000,,0,nan,nan,nan,nan,nan,nan,nan,0.001,0,0",  # before the start
    "1100000000,target-1,1,10,10,10,10,0.9,0,0,0.010,1,0",
    "1400000000,target-1,3,15,10,10,10,0.1,5,0,0.040,3,1",  # out of order
    "1200000000,target-1,2,10,10,10,10,0.4,nan,nan,0.020,2,0",
    "1400000000,target-1,3,15,10,10,10,nan,5,0,0.900,3,1",  # images stalled: the last frame again
]


@pytest.fixture
def log(tmp_path: Path) -> BoxLog:
    path = tmp_path / "boxes.csv"
    path.write_text("\n".join([HEADER, *ROWS]) + "\n")
    return read_box_log(path)


def test_rows_of_a_target_are_read_in_the_order_of_their_stamps(log: BoxLog) -> None:
    assert log.stamps_ns.tolist() == [1_100_000_000, 1_200_000_000, 1_400_000_000]
    assert log.times_s == pytest.approx([0.0, 0.1, 0.3])
    assert log.status.tolist() == [1, 2, 3]
    assert log.dropped == 1
    assert np.isnan(log.velocity[1]).all()


def test_the_summary_counts_what_is_there(log: BoxLog) -> None:
    # At 1.1 s the box is exact; 1.3 s was dropped and is judged by the box of 1.2 s, half off: 50 / 150.
    ground_truth = {1_100_000_000: np.array([10, 10, 10, 10.0]), 1_300_000_000: np.array([15, 10, 10, 10.0])}
    summary = summarize(log, images=5, ground_truth=ground_truth)
    assert summary["frames_in"] == 5
    assert summary["frames_tracked"] == 3
    assert summary["frames_dropped"] == 1
    assert summary["frames_not_arrived"] == 0  # 1 given, 3 tracked, 1 dropped
    assert summary["fps"] == pytest.approx(2 / 0.3)
    assert summary["latency_ms_p50"] == pytest.approx(20.0)
    assert summary["latency_ms_max"] == pytest.approx(40.0)
    assert summary["mean_iou"] == pytest.approx((1 + 1 / 3) / 2)
    assert summary["annotated_frames_dropped"] == 1
    assert summary["fraction_lost"] == pytest.approx(1 / 3)
    json.dumps(summary, allow_nan=False)


def test_state_changes_name_time_and_both_states(log: BoxLog) -> None:
    changes = state_changes(log)
    assert [(round(time, 3), *names) for time, *names in changes] == [
        (0.1, "TRACKING", "UNCERTAIN"),
        (0.3, "UNCERTAIN", "LOST"),
    ]


def test_before_the_first_result_there_is_none_and_the_overlap_is_zero(log: BoxLog) -> None:
    assert newest_row(log, 1_099_999_999) is None
    assert newest_row(log, 1_100_000_000) == 0
    assert newest_row(log, 9_000_000_000) == 2
    assert overlaps(log, {1_000_000_000: np.array([10, 10, 10, 10.0])}) == {1_000_000_000: 0.0}


def test_a_row_that_was_cut_off_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "boxes.csv"
    for end in (3, 5, 20, 45):
        path.write_text("\n".join([HEADER, *ROWS[:2], ROWS[2][:end]]))
        assert read_box_log(path).stamps_ns.tolist() == [1_100_000_000]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "cannot be read"),
        (HEADER + "\n" + ROWS[0] + "\n", "never started"),
        ("a,b\n1,2\n", "cannot be read"),
        (HEADER + "\n1100000000,target-1,tracking,1\n", "cannot be read"),
    ],
)
def test_a_file_that_holds_no_run_is_an_error_with_a_sentence(tmp_path: Path, content: str | None, words: str) -> None:
    path = tmp_path / "boxes.csv"
    if content is not None:
        path.write_text(content)
    with pytest.raises(SequenceError, match=words):
        read_box_log(path)


def test_the_picture_is_written_with_and_without_samples(log: BoxLog, tmp_path: Path) -> None:
    background = np.full((60, 80, 3), 90, np.uint8)
    for name, samples in (("plain", []), ("samples", [("0.1 s", background[:20, :20]), ("0.2 s", background)])):
        draw_run(tmp_path / f"{name}.png", log, background, samples, "a title")
    plain, sampled = (cv2.imread(str(tmp_path / f"{name}.png")) for name in ("plain", "samples"))
    assert plain.shape[1] == sampled.shape[1]
    assert sampled.shape[0] > plain.shape[0]
