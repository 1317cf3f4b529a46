# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""True boxes from CSV files, and their way onto the frames by row, by number and by stamp."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sample_sequences import write_lines

from stdtrack_ros.errors import SequenceError
from stdtrack_ros.sequences.datasets.ground_truth import (
    GroundTruthRows,
    clean_boxes,
    hull,
    match_stamps,
    place_rows,
    read_boxes,
    read_ground_truth_csv,
)

ABSENT = [np.nan] * 4
STAMPS = np.array([100.0, 100.1, 100.2, 100.3])


def placed(path: Path) -> tuple[np.ndarray, tuple[str, ...]]:
    return place_rows(read_ground_truth_csv(path), STAMPS, "truth.csv")


@pytest.mark.parametrize(
    "lines",
    [
        ["1,2,3,4", "5,6,7,8", "nan,nan,nan,nan", "9,9,9,9"],
        ["x,y,w,h", "1,2,3,4", "5,6,7,8", ",,,", "9,9,9,9"],
        ["note,height,width,y,x", "a,4,3,2,1", "b,8,7,6,5", "c,,,,", "d,9,9,9,9"],
        ["100.0,1,2,3,4", "100.1,5,6,7,8", "100.3,9,9,9,9"],
        ["stamp,x,y,width,height", "100.3,9,9,9,9", "100.0,1,2,3,4", "100.1,5,6,7,8"],
        ["stamp_ns,x,y,width,height", "100000000000,1,2,3,4", "100100000000,5,6,7,8", "100300000000,9,9,9,9"],
        ["frame,x,y,width,height", "3,9,9,9,9", "0,1,2,3,4", "1,5,6,7,8"],
        ["frame;x;y;width;height", "0;1;2;3;4", "1;5;6;7;8", "3;9;9;9;9"],
        ["x\ty\twidth\theight", "1\t2\t3\t4", "5\t6\t7\t8", "\t\t\t", "9\t9\t9\t9"],
        ["frame,x,y,width,height", "1,1,2,3,4", "2,5,6,7,8", "3,,,,", "4,9,9,9,9"],  # counted from 1
    ],
)
def test_every_form_of_csv(tmp_path: Path, lines: list[str]) -> None:
    boxes, _ = placed(write_lines(tmp_path / "truth.csv", lines))
    np.testing.assert_array_equal(boxes, [[1, 2, 3, 4], [5, 6, 7, 8], ABSENT, [9, 9, 9, 9]])


def test_timestamps_since_1970_in_nanoseconds(tmp_path: Path) -> None:
    rows = read_ground_truth_csv(write_lines(tmp_path / "truth.csv", ["1700000000100000000,1,2,3,4"]))
    assert rows.stamps_s is not None
    assert rows.stamps_s[0] == pytest.approx(1_700_000_000.1, abs=1e-6)


@pytest.mark.parametrize(
    ("lines", "match"),
    [
        ([""], r"truth.csv is empty; it must hold one box a line"),
        (["x,y,width", "1,2,3"], r"has no column 'height'; found x, y, width"),
        (["x,y,width,height", "1,2,3,tall"], r"Line 2 of .* has 'tall' as height; a number is needed"),
        (["1,2,3", "1,2,3"], r"hold 3 numbers; without a header each must hold 4"),
        (["1,2,3,4", "1,2,3,4,5"], r"hold 4, 5 numbers"),
        (["1,2,3,4", "a,b,c,d"], r"Line 2 of .* is 'a,b,c,d'"),
        (["x,y,width,height", "1,2,3,4", "5,6"], r"Line 3 of .* has 2 fields, its header 4; complete it"),
    ],
)
def test_csv_that_cannot_be_read(tmp_path: Path, lines: list[str], match: str) -> None:
    with pytest.raises(SequenceError, match=match):
        read_ground_truth_csv(write_lines(tmp_path / "truth.csv", lines))


def test_missing_file_and_binary_file(tmp_path: Path) -> None:
    with pytest.raises(SequenceError, match=r"none.csv cannot be read"):
        read_ground_truth_csv(tmp_path / "none.csv")
    (tmp_path / "picture.csv").write_bytes(bytes(range(128, 256)))
    with pytest.raises(SequenceError, match=r"picture.csv cannot be read: it is no UTF-8 text; save it as UTF-8"):
        read_ground_truth_csv(tmp_path / "picture.csv")


def test_rows_for_frames_that_are_not_there(tmp_path: Path) -> None:
    boxes, notes = placed(
        write_lines(tmp_path / "truth.csv", ["frame,x,y,w,h", "0,1,2,3,4", "4,1,2,3,4", "-1,1,2,3,4"])
    )
    assert np.isfinite(boxes[:, 0]).tolist() == [True, False, False, False]
    assert notes[0] == "truth.csv has 2 rows for frames outside 0..3: they are left out."


def test_frames_counted_from_1_are_told(tmp_path: Path) -> None:
    _, notes = placed(write_lines(tmp_path / "truth.csv", ["frame,x,y,w,h", "1,1,2,3,4", "4,1,2,3,4"]))
    assert notes[0] == "truth.csv counts its 4 frames from 1."


def test_stamps_go_to_the_nearest_frame_within_half_an_interval() -> None:
    ground_truth_s = np.array(
        [100.04, 100.16, 100.2, 100.36]
    )  # 40 ms late, 40 ms early (beaten by 100.2), exact, 60 ms late
    boxes = np.array([[row, 0, 1, 1] for row in range(4)], dtype=np.float64)
    matched, notes = match_stamps(boxes, ground_truth_s, STAMPS, "the file")
    assert matched[0, 0] == 0
    assert matched[2, 0] == 2
    assert np.isnan(matched[[1, 3]]).all()
    assert notes == (
        "1 of 4 rows of the file have no frame near them and are left out.",
        "2 rows of the file have no frame of their own stamp and were given to the nearest one, at most 40.0 ms away.",
    )


@pytest.mark.parametrize("rows_s", [1e3 * (STAMPS - STAMPS[0]) + STAMPS[0], STAMPS[0] + np.arange(len(STAMPS))])
def test_stamps_in_milliseconds_or_numbers_of_frames_are_no_seconds(rows_s: np.ndarray) -> None:
    boxes = np.ones((len(rows_s), 4))
    lost = len(STAMPS) - 1  # the first fits in any unit
    with pytest.raises(SequenceError, match=rf"{lost} of {len(STAMPS)} stamps of the file .* in seconds .* or frame"):
        match_stamps(boxes, rows_s, STAMPS, "the file")


def test_boxes_of_a_longer_recording_and_of_few_frames_are_none_of_another_clock() -> None:
    longer = np.arange(STAMPS[0] - 10.0, STAMPS[-1] + 10.0, 0.1)
    assert len(longer) > 3 * len(STAMPS)
    assert np.isfinite(match_stamps(np.ones((len(longer), 4)), longer, STAMPS, "the file")[0]).all()
    sparse = np.isfinite(match_stamps(np.ones((1, 4)), STAMPS[2:3], STAMPS, "the file")[0]).all(axis=1)
    assert sparse.tolist() == [index == 2 for index in range(len(STAMPS))]


def test_frames_of_one_stamp_share_its_box() -> None:
    matched, notes = match_stamps(
        np.array([[1.0, 2, 3, 4]]), np.array([5.0]), np.array([4.9, 5.0, 5.0, 5.1]), "ground_truth"
    )
    np.testing.assert_array_equal(matched, [ABSENT, [1, 2, 3, 4], [1, 2, 3, 4], ABSENT])
    assert notes == ()


def test_single_frame_and_no_rows() -> None:
    assert match_stamps(np.array([[1.0, 2, 3, 4]]), np.array([5.0]), np.array([5.0]), "the file")[0].tolist() == [
        [1, 2, 3, 4]
    ]
    empty, notes = match_stamps(np.empty((0, 4)), np.empty(0), STAMPS, "the file")
    assert np.isnan(empty).all()
    assert notes == ("the file has no boxes.",)


@given(st.lists(st.integers(0, 2_000_000), min_size=1, max_size=40, unique=True), st.randoms(use_true_random=False))
def test_rows_with_the_frames_own_stamps_come_back_whatever_their_order(micros: list[int], random: object) -> None:
    frames_s = 1.7e9 + np.array(sorted(micros)) * 1e-5
    order = np.array(sorted(range(len(frames_s)), key=lambda _: random.random()))  # type: ignore[attr-defined]
    boxes = np.array([[index, 1, 2, 3] for index in range(len(frames_s))], dtype=np.float64)
    matched, notes = match_stamps(boxes[order], frames_s[order], frames_s, "the file")
    np.testing.assert_array_equal(matched, boxes)
    assert notes == ()


def test_polygon_lines_of_every_kind(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "truth.txt", ["0,0,4,1,3,5,-1,4", "1 2 3 4", "0,0,2,0,1,3", "nan", "1;2;3;4"])
    np.testing.assert_array_equal(read_boxes(path), [[-1, 0, 5, 5], [1, 2, 3, 4], [0, 0, 2, 3], ABSENT, [1, 2, 3, 4]])


@given(st.lists(st.tuples(st.floats(-1e3, 1e3), st.floats(-1e3, 1e3)), min_size=1, max_size=8))
def test_hull_holds_every_corner_and_touches_four(corners: list[tuple[float, float]]) -> None:
    x, y, width, height = hull(corners)
    assert width >= 0
    assert height >= 0
    xs, ys = zip(*corners, strict=True)
    assert (x, y) == (min(xs), min(ys))
    assert (x + width, y + height) == pytest.approx((max(xs), max(ys)))


def test_clean_boxes_notes_a_late_start() -> None:
    cleaned, notes = clean_boxes(np.array([ABSENT, [1, 2, np.nan, 4], [1, 2, 3, 4]]))
    np.testing.assert_array_equal(cleaned, [ABSENT, ABSENT, [1, 2, 3, 4]])
    assert notes[0] == "The first frame has no box: tracking can start at frame 2 (counted from 0)."


def test_ground_truth_rows_without_stamps_follow_the_frames() -> None:
    boxes, notes = place_rows(GroundTruthRows(np.array([[1.0, 2, 3, 4]] * 4)), STAMPS, "the file")
    assert boxes.tolist() == [[1, 2, 3, 4]] * 4
    assert notes == ()


def test_of_several_targets_the_first_is_taken_with_a_note(tmp_path: Path) -> None:
    lines = ["frame,id,x,y,width,height"]
    lines += [f"{frame},{name},{10 * frame + 100 * name},2,3,4" for frame in range(5) for name in (7, 9)]
    boxes, notes = placed(write_lines(tmp_path / "two.csv", lines))
    assert boxes[:4, 0].tolist() == [700, 710, 720, 730]
    assert notes[0] == f"{tmp_path / 'two.csv'} holds several targets; '7' is taken, '9' left out."


def test_a_log_of_boxes_is_ground_truth_where_its_target_was_seen(tmp_path: Path) -> None:
    lines = ["stamp_ns,target_id,status,x,y,width,height,quality"]
    lines += [
        f"{round(time * 1e9)},{name},{3 if index == 2 else 1},{x + index},2,3,4,0.9"
        for index, time in enumerate(STAMPS)
        for name, x in (("target-1", 10), ("target-2", 200))
    ]
    boxes, notes = placed(write_lines(tmp_path / "boxes.csv", lines))
    assert boxes[[0, 1, 3], 0].tolist() == [10, 11, 13] and np.isnan(boxes[2]).all()
    assert "'target-1' is taken, 'target-2' left out" in notes[0]


@pytest.mark.parametrize("place", ["frame", "stamp"])
def test_two_boxes_of_one_frame_are_refused(tmp_path: Path, place: str) -> None:
    path = write_lines(tmp_path / "double.csv", [f"{place},x,y,width,height", "1,1,2,3,4", "1,5,2,3,4", "2,1,2,3,4"])
    with pytest.raises(SequenceError, match=rf"has 2 rows with the {place} 1; .* column target_id"):
        read_ground_truth_csv(path)
