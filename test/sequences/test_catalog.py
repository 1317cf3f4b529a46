# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""From paths to handles: what is found, how it is named, and what is said of what is not there."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest
from sample_sequences import index_of, write_bag, write_images, write_lines, write_video

from stdtrack_ros.errors import SequenceError
from stdtrack_ros.sequences.catalog import open_sequences


def make_folder(folder: Path) -> Path:
    write_images(folder, 2)
    write_lines(folder / "groundtruth.txt", ["10,8,12,9"] * 2)
    return folder


def test_bags_videos_and_folders_side_by_side_through_pickle(tmp_path: Path) -> None:
    paths = [write_bag(tmp_path / "flight"), make_folder(tmp_path / "clip"), tmp_path / "film.mp4"]
    write_video(tmp_path / "film.mp4", 3)
    handles = pickle.loads(pickle.dumps(open_sequences(paths)))
    assert [(handle.name, handle.layout) for handle in handles] == [
        ("flight", "bag"),
        ("clip", "plain"),
        ("film", "video"),
    ]
    sequences = [handle.open() for handle in handles]
    assert [len(sequence) for sequence in sequences] == [5, 2, 3]
    assert [sequence.name for sequence in sequences] == [handle.name for handle in handles]
    assert [index_of(sequence.frame(1)) for sequence in sequences] == [1, 1, 1]


def test_folder_of_bags_and_glob(tmp_path: Path) -> None:
    for number in (2, 10, 1):
        write_bag(tmp_path / "day" / f"run{number}", storage="mcap" if number < 10 else "sqlite3")
    next((tmp_path / "day" / "run1").glob("*.mcap")).rename(tmp_path / "day" / "loose.mcap")
    handles = open_sequences([tmp_path / "day"])
    assert [handle.name for handle in handles] == ["loose", "run1", "run2", "run10"]
    assert [handle.name for handle in open_sequences([tmp_path / "day" / "run*"])] == ["run1", "run2", "run10"]
    assert len(handles[0].open()) == 5
    with pytest.raises(SequenceError, match="run1 cannot be read"):  # its storage file is gone; the others still open
        handles[1].open()
    assert [len(handle.open()) for handle in handles[2:]] == [5, 5]


def test_recording_cut_off_before_its_metadata_is_still_found(tmp_path: Path) -> None:
    write_bag(tmp_path / "day" / "run1")
    (tmp_path / "day" / "run1" / "metadata.yaml").unlink()
    (handle,) = open_sequences([tmp_path / "day"])
    assert (handle.name, len(handle.open())) == ("run1", 5)


def test_folders_named_like_files_are_what_is_in_them(tmp_path: Path) -> None:
    write_bag(tmp_path / "flight.bag")  # `ros2 bag record -o flight.bag`
    make_folder(tmp_path / "film.mp4")  # a video's frames
    handles = open_sequences([tmp_path])
    assert [(handle.name, handle.layout) for handle in handles] == [("flight.bag", "bag"), ("film.mp4", "plain")]
    assert [len(handle.open()) for handle in handles] == [5, 2]


def test_a_video_beside_sequences_hides_none_of_them(tmp_path: Path) -> None:
    make_folder(tmp_path / "clip")
    write_video(tmp_path / "preview.mp4", 2)
    assert [(h.name, h.layout) for h in open_sequences([tmp_path])] == [("preview", "video"), ("clip", "plain")]
    assert [handle.name for handle in open_sequences([tmp_path], layout="plain")] == ["clip"]


def test_a_folder_of_results_is_left_out_unless_it_is_what_is_named(tmp_path: Path) -> None:
    make_folder(tmp_path / "clip")
    results = tmp_path / "results"
    (results / "videos").mkdir(parents=True)
    write_video(results / "videos" / "clip.mp4", 2)
    assert [handle.name for handle in open_sequences([tmp_path], exclude=results)] == ["clip"]
    named = open_sequences([results / "videos" / "clip.mp4"], exclude=results)
    assert [handle.layout for handle in named] == ["video"]


def test_names_are_made_unique(tmp_path: Path) -> None:
    paths = [make_folder(tmp_path / "a" / "clip"), make_folder(tmp_path / "b" / "clip"), tmp_path / "b" / "clip"]
    handles = open_sequences(paths)
    assert [handle.name for handle in handles] == ["a_clip", "b_clip", "b_clip_2"]
    assert [handle.open().name for handle in handles] == ["a_clip", "b_clip", "b_clip_2"]
    more = open_sequences([*paths, make_folder(tmp_path / "c" / "b_clip_2")])
    assert len({handle.name for handle in more}) == 4


def test_options_reach_the_bags(tmp_path: Path) -> None:
    for name in ("one", "two"):
        write_bag(tmp_path / "bags" / name)
        write_lines(tmp_path / "ground_truth" / f"{name}.csv", ["1,2,3,4"] * 5)
    by_topic = open_sequences([tmp_path / "bags"], topic="/camera/image", ground_truth_topic="/ground_truth")
    assert [handle.open().boxes[0].tolist() for handle in by_topic] == [[10, 8, 12, 9]] * 2
    by_csv = open_sequences([tmp_path / "bags"], ground_truth_csv=tmp_path / "ground_truth")
    assert [handle.open().boxes[0].tolist() for handle in by_csv] == [[1, 2, 3, 4]] * 2
    (tmp_path / "ground_truth" / "two.csv").unlink()
    with pytest.raises(SequenceError, match=r"two.csv cannot be read"):
        by_csv[1].open()
    with pytest.raises(SequenceError, match=r"cannot be the ground truth of 2 recordings; give a folder"):
        open_sequences([tmp_path / "bags"], ground_truth_csv=tmp_path / "ground_truth" / "one.csv")
    with pytest.raises(SequenceError, match=r"cannot be the ground truth of 2 recordings; give a folder"):
        open_sequences(
            [tmp_path / "bags" / "one", tmp_path / "bags" / "two"],
            ground_truth_csv=tmp_path / "ground_truth" / "one.csv",
        )


def test_bags_of_one_name_have_ground_truth_files_of_their_own(tmp_path: Path) -> None:
    for number, day in enumerate(("monday", "tuesday")):
        write_bag(tmp_path / day / "run")
        write_lines(tmp_path / "ground_truth" / f"{day}_run.csv", [f"{number},2,3,4"] * 5)
    write_lines(tmp_path / "ground_truth" / "run.csv", ["7,7,7,7"] * 5)
    handles = open_sequences([tmp_path / "monday", tmp_path / "tuesday"], ground_truth_csv=tmp_path / "ground_truth")
    assert [handle.open().boxes[0].tolist() for handle in handles] == [[0, 2, 3, 4], [1, 2, 3, 4]]


def test_ground_truth_is_not_taken_for_benchmark_folders(tmp_path: Path) -> None:
    make_folder(tmp_path / "clip")
    with pytest.raises(SequenceError, match="is for bags and videos"):
        open_sequences([tmp_path / "clip"], ground_truth_csv=tmp_path / "truth.csv")


def test_nothing_there(tmp_path: Path) -> None:
    with pytest.raises(SequenceError, match=r"There is nothing at .*gone; name a bag"):
        open_sequences([tmp_path / "gone"])
    with pytest.raises(SequenceError, match=r"There is nothing at .*\*\.mcap"):
        open_sequences([tmp_path / "*.mcap"])
    with pytest.raises(SequenceError, match="No bag, video or sequence was named"):
        open_sequences([])
    with pytest.raises(SequenceError, match=r"notes.txt is neither a bag .* nor a video"):
        open_sequences([write_lines(tmp_path / "notes.txt", ["hello"])])
    (tmp_path / "empty").mkdir()
    with pytest.raises(SequenceError, match=r"No sequence was found under .*empty"):
        open_sequences([tmp_path / "empty"])


def test_current_folder_has_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(write_bag(tmp_path / "flight"))
    (handle,) = open_sequences([Path()])
    assert handle.name == "flight"


def test_stamps_do_not_decrease_and_boxes_fit_the_frames(tmp_path: Path) -> None:
    write_video(tmp_path / "film.mp4", 4)
    paths = [write_bag(tmp_path / "flight"), make_folder(tmp_path / "clip"), tmp_path / "film.mp4"]
    for handle in open_sequences(paths):
        sequence = handle.open()
        assert sequence.boxes.shape == (len(sequence), 4)
        assert sequence.stamps_s.shape == (len(sequence),)
        assert (np.diff(sequence.stamps_s) >= 0).all()
        assert isinstance(sequence.attributes, frozenset)
        assert isinstance(sequence.notes, tuple)
