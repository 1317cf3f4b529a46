# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What is wrong in a sequence's folder: named with the file, or handled and noted."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from sample_sequences import index_of, picture, write_images, write_lines

from stdtrack_ros.errors import SequenceError
from stdtrack_ros.sequences.catalog import open_sequences
from stdtrack_ros.sequences.datasets.folders import FolderSequence, FolderSource, read_vatic

ABSENT = [np.nan] * 4


def sequence_of(folder: Path, rows: list[str], frames: int = 3, **fields: object) -> FolderSequence:
    write_images(folder, frames)
    ground_truth = write_lines(folder / "groundtruth.txt", rows)
    return FolderSequence(FolderSource("clip", "plain", folder, ground_truth, **fields))


def test_fewer_rows_than_frames(tmp_path: Path) -> None:
    sequence = sequence_of(tmp_path, ["1,2,3,4"])
    np.testing.assert_array_equal(sequence.boxes, [[1, 2, 3, 4], ABSENT, ABSENT])
    assert "has 1 rows for 3 frames: the last frames are not scored." in sequence.notes[0]


def test_more_rows_than_frames(tmp_path: Path) -> None:
    sequence = sequence_of(tmp_path, ["1,2,3,4"] * 5)
    assert sequence.boxes.tolist() == [[1, 2, 3, 4]] * 3
    assert sequence.notes[0].endswith("has 5 rows for 3 frames: the rows after the last frame are left out.")


def test_a_missing_frame_does_not_move_the_rows_after_it(tmp_path: Path) -> None:
    write_images(tmp_path, 4)
    (tmp_path / "00000002.jpg").unlink()
    ground_truth = write_lines(tmp_path / "groundtruth.txt", [f"{row},2,3,4" for row in range(4)])
    sequence = FolderSequence(FolderSource("clip", "plain", tmp_path, ground_truth))
    assert sequence.boxes[:, 0].tolist() == [0, 2, 3]
    assert "1 frames are missing in" in sequence.notes[0]


@pytest.mark.parametrize(
    ("layout", "pattern", "first", "gone"),
    [("plain", "{:08d}.jpg", 1, 0), ("trackingnet", "{}.jpg", 0, 0), ("avist", "img_{:05d}.jpg", 1, 2)],
)
def test_a_frame_that_is_missing_anywhere_moves_no_row(
    tmp_path: Path, layout: str, pattern: str, first: int, gone: int
) -> None:
    write_images(tmp_path, 4, pattern, first)
    (tmp_path / pattern.format(first + gone)).unlink()
    ground_truth = write_lines(tmp_path / "groundtruth.txt", [f"{row},2,3,4" for row in range(4)])
    sequence = FolderSequence(FolderSource("clip", layout, tmp_path, ground_truth))
    assert sequence.boxes[:, 0].tolist() == [row for row in range(4) if row != gone]
    assert "1 frames are missing in" in sequence.notes[0]


def test_names_with_digits_that_are_no_numbers(tmp_path: Path) -> None:
    write_images(tmp_path, 2, "{}\u00b2.png")
    ground_truth = write_lines(tmp_path / "groundtruth.txt", ["1,2,3,4"])
    assert len(FolderSequence(FolderSource("clip", "plain", tmp_path, ground_truth))) == 2
    (tmp_path / "2\u00b2.png").rename(tmp_path / "\u00b2.png")
    assert len(FolderSequence(FolderSource("clip", "plain", tmp_path, ground_truth))) == 2


def test_rows_that_are_no_boxes(tmp_path: Path) -> None:
    sequence = sequence_of(tmp_path, ["nan,2,3,4", "1,2,0,4", "1,2,3,inf"])
    assert np.isnan(sequence.boxes).all()
    assert sequence.notes == (
        "1 boxes have no width or height: they count as absent.",
        "There is no ground truth: nothing can be scored.",
    )


def test_rows_that_are_no_numbers(tmp_path: Path) -> None:
    with pytest.raises(SequenceError, match=r"Line 2 of .*groundtruth.txt is 'one,2,3,4'; each line must hold numbers"):
        sequence_of(tmp_path, ["1,2,3,4", "one,2,3,4"])
    with pytest.raises(SequenceError, match=r"Line 1 of .* has 3 numbers; a box has 4, a polygon 6, 8 or more"):
        sequence_of(tmp_path, ["1,2,3"])


def test_no_ground_truth_at_all(tmp_path: Path) -> None:
    write_images(tmp_path, 2)
    sequence = FolderSequence(FolderSource("clip", "plain", tmp_path, None))
    assert np.isnan(sequence.boxes).all()
    assert sequence.notes == ("There is no ground truth: nothing can be scored.",)


def test_no_images(tmp_path: Path) -> None:
    with pytest.raises(SequenceError, match="The sequence 'clip' has no images in"):
        FolderSequence(FolderSource("clip", "plain", tmp_path, None))


@pytest.mark.parametrize("keep", [0.0, 0.4, 0.98])
@pytest.mark.parametrize("suffix", [".jpg", ".png"])
def test_a_cut_off_frame_is_named_and_never_filled_with_grey(tmp_path: Path, keep: float, suffix: str) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (48, 64, 3), dtype=np.uint8)
    data = cv2.imencode(suffix, noise)[1].tobytes()
    (tmp_path / f"1{suffix}").write_bytes(data[: int(keep * len(data))])
    sequence = FolderSequence(FolderSource("clip", "plain", tmp_path, None))
    with pytest.raises(SequenceError, match=rf"The frame .*1\{suffix} \(\d+ bytes\) is damaged, cut off or no image"):
        sequence.frame(0)


def test_frames_of_another_size_are_refused(tmp_path: Path) -> None:
    write_images(tmp_path, 1)
    cv2.imwrite(str(tmp_path / "00000002.jpg"), picture(1, 32, 24))
    sequence = FolderSequence(FolderSource("clip", "plain", tmp_path, None))
    assert index_of(sequence.frame(0)) == 0
    with pytest.raises(SequenceError, match=r"00000002.jpg has 32x24 px, the frames before it 64x48 px"):
        sequence.frame(1)


def test_labels_that_do_not_fit_the_frames(tmp_path: Path) -> None:
    labels = write_lines(tmp_path / "full_occlusion.txt", ["0,1"])
    with pytest.raises(SequenceError, match=r"full_occlusion.txt has 2 values for 3 frames; it must have one each"):
        sequence_of(tmp_path / "clip", ["1,2,3,4"] * 3, absent=(labels,))


def test_attributes_that_do_not_fit_the_benchmark(tmp_path: Path) -> None:
    write_images(tmp_path, 1)
    vector = write_lines(tmp_path / "att.txt", ["1,0,1"])
    with pytest.raises(SequenceError, match="has 3 values; otb has 11 attributes"):
        FolderSequence(FolderSource("clip", "otb", tmp_path, None, vector=vector))


def test_vatic_rows_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(SequenceError, match=r"Line 2 of .* is '0 1 2'; it must be a line of VATIC's"):
        read_vatic(write_lines(tmp_path / "clip.txt", ['0 1 2 3 4 0 0 0 0 "x"', "0 1 2"]))


TIMES = ["1699999999.5", "1699999999.75", "1700000000.05", "1700000000.25"]


@pytest.mark.parametrize("names", [TIMES, [str(round(float(time) * 1e9)) for time in TIMES]], ids=["seconds", "ns"])
def test_pictures_named_by_their_time_are_in_its_order_and_keep_it(tmp_path: Path, names: list[str]) -> None:
    for index in (2, 0, 3, 1):
        cv2.imwrite(str(tmp_path / f"{names[index]}.png"), np.full((12, 16, 3), 50 * index, np.uint8))
    (handle,) = open_sequences([tmp_path])
    sequence = handle.open()
    assert [int(sequence.frame(index).mean()) for index in range(4)] == [0, 50, 100, 150]
    assert np.diff(sequence.stamps_s) == pytest.approx([0.25, 0.3, 0.2], abs=1e-6)
    assert "The stamps are the times in the images' names." in sequence.notes
