# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Result files: where each toolkit looks for them, what stands in them, and that they come back as written."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from raw_results import read_result
from sample_sequences import write_images, write_lines

from stdtrack_ros.errors import SequenceError
from stdtrack_ros.sequences.datasets.benchmarks import LAYOUTS, find_sequences
from stdtrack_ros.sequences.datasets.toolkit_results import (
    FORMATS,
    VOT_BOX,
    VOT_FAILURE,
    VOT_SKIPPED,
    VOT_START,
    RawResult,
    one_pass,
    result_file,
    write_result,
)

BOXES = [[10.0, 8.0, 12.0, 9.0], [11.25, 8.5, 12.0, 9.0]]


def test_got10k_layout(tmp_path: Path) -> None:
    path = write_result(tmp_path, "got10k", "Ours", "GOT-10k_Val_000001", one_pass(BOXES, [0.5, 0.025]))
    folder = tmp_path / "GOT-10k" / "Ours" / "GOT-10k_Val_000001"
    assert path == folder / "GOT-10k_Val_000001_001.txt"
    assert path.read_text() == "10.000,8.000,12.000,9.000\n11.250,8.500,12.000,9.000\n"
    assert (folder / "GOT-10k_Val_000001_time.txt").read_text() == "0.50000000\n0.02500000\n"


def test_otb_layout_counts_pixels_from_one(tmp_path: Path) -> None:
    path = write_result(tmp_path, "otb", "Ours", "Jogging.1", one_pass(BOXES, [0.5, 0.025]))
    assert path == tmp_path / "OTB2015" / "Ours" / "Jogging.1.txt"
    assert path.read_text() == "11.000,9.000,12.000,9.000\n12.250,9.500,12.000,9.000\n"
    times = tmp_path / "OTB2015" / "Ours" / "times" / "Jogging.1_time.txt"
    assert times.read_text() == "0.50000000\n0.02500000\n"


def test_vot_layout_of_a_supervised_run(tmp_path: Path) -> None:
    boxes = np.array([BOXES[0], BOXES[1], *([[np.nan] * 4] * 3), BOXES[1]])
    states = np.array([VOT_START, VOT_BOX, VOT_FAILURE, VOT_SKIPPED, VOT_START, VOT_BOX])
    result = RawResult(boxes, np.full(6, np.nan), states)
    path = write_result(tmp_path, "vot", "Ours", "ball1", result, experiment="baseline")
    assert path == tmp_path / "VOT" / "Ours" / "baseline" / "ball1" / "ball1_001.txt"
    assert path.read_text().split() == [
        "1",
        "11.2500,8.5000,12.0000,9.0000",
        "2",
        "0",
        "1",
        "11.2500,8.5000,12.0000,9.0000",
    ]
    back = read_result(tmp_path, "vot", "Ours", "ball1", experiment="baseline")
    np.testing.assert_array_equal(back.states, states)
    np.testing.assert_array_equal(back.boxes[[1, 5]], [BOXES[1], BOXES[1]])
    assert np.isnan(back.boxes[[0, 2, 3, 4]]).all()


@given(
    st.sampled_from(sorted(set(FORMATS) - {"vot"})),
    st.lists(
        st.tuples(*[st.floats(-5000, 5000, allow_subnormal=False)] * 4, st.floats(0, 10)), min_size=1, max_size=12
    ),
)
def test_what_is_written_comes_back(layout: str, rows: list[tuple[float, ...]]) -> None:
    table = np.array(rows)
    with tempfile.TemporaryDirectory() as folder:
        write_result(Path(folder), layout, "Ours", "clip", one_pass(table[:, :4], table[:, 4]))
        back = read_result(Path(folder), layout, "Ours", "clip")
    np.testing.assert_allclose(back.boxes, table[:, :4], rtol=0, atol=0.0005 + 1e-9)
    np.testing.assert_allclose(back.times_s, table[:, 4], rtol=0, atol=1e-8)


def test_frames_without_a_box_stay_without(tmp_path: Path) -> None:
    write_result(tmp_path, "lasot", "Ours", "clip", one_pass([BOXES[0], [np.nan] * 4]))
    back = read_result(tmp_path, "lasot", "Ours", "clip")
    np.testing.assert_array_equal(back.boxes, [BOXES[0], [np.nan] * 4])
    assert np.isnan(back.times_s).all()


def test_another_trackers_file_with_tabs_and_without_times(tmp_path: Path) -> None:
    write_lines(result_file(tmp_path, "uav123", "Theirs", "car1_1"), ["11\t9\t12\t9", "12\t9\t12\t9"])
    back = read_result(tmp_path, "uav123", "Theirs", "car1_1")
    assert back.boxes.tolist() == [[10, 8, 12, 9], [11, 8, 12, 9]]
    assert np.isnan(back.times_s).all()


def test_bad_files_are_told(tmp_path: Path) -> None:
    with pytest.raises(SequenceError, match=r"no result format 'imagenet'; it may be got10k, otb"):
        result_file(tmp_path, "imagenet", "Ours", "clip")
    with pytest.raises(SequenceError, match=r"clip.txt cannot be read"):
        read_result(tmp_path, "otb", "Ours", "clip")
    write_lines(result_file(tmp_path, "otb", "Ours", "clip"), ["1,2,3,4", "1,2,3"])
    with pytest.raises(SequenceError, match=r"Line 2 of .*clip.txt has 3 numbers; a result has 4"):
        read_result(tmp_path, "otb", "Ours", "clip")
    path = write_result(tmp_path, "otb", "Ours", "clip", one_pass(BOXES, [1, 1]))
    write_lines(path.parent / "times" / "clip_time.txt", ["1"])
    with pytest.raises(SequenceError, match=r"has 1 times for 2 frames"):
        read_result(tmp_path, "otb", "Ours", "clip")


def test_every_layout_has_a_format() -> None:
    assert set(LAYOUTS) | {"bag", "video", "images", "shard"} == set(FORMATS)


def test_the_got10k_toolkit_reads_our_files_and_agrees(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its own data set class, its own report: mean IoU over the frames with a visible target, the first left out."""
    experiments = pytest.importorskip("got10k.experiments")
    monkeypatch.setenv("MPLBACKEND", "Agg")
    folder = tmp_path / "data" / "val" / "GOT-10k_Val_000001"
    write_images(folder, 4)
    ground_truth = [[10, 8, 12, 10], [12, 8, 12, 10], [14, 8, 12, 10], [16, 8, 12, 10]]
    write_lines(folder / "groundtruth.txt", [",".join(map(str, box)) for box in ground_truth])
    for label, marks in (("cover", "8808"), ("absence", "0010"), ("cut_by_image", "0000")):
        write_lines(folder / f"{label}.label", list(marks))
    write_lines(folder / "meta_info.ini", ["[METAINFO]", "anno_fps: 10Hz", "resolution: (64, 48)"])
    write_lines(tmp_path / "data" / "val" / "list.txt", [folder.name])
    # Exact; (frame 2 is absent); moved by half the width: 60 of 180 px.
    boxes = [ground_truth[0], ground_truth[1], [0, 0, 1, 1], [22, 8, 12, 10]]
    write_result(tmp_path / "results", "got10k", "Ours", folder.name, one_pass(boxes, [0.1, 0.02, 0.02, 0.02]))
    monkeypatch.chdir(tmp_path)
    experiment = experiments.ExperimentGOT10k(str(tmp_path / "data"), "val", result_dir=str(tmp_path / "results"))
    report = experiment.report(["Ours"])["Ours"]["overall"]
    assert report["ao"] == pytest.approx((1 + 60 / 180) / 2)
    assert report["sr"] == pytest.approx(0.5)
    (source,) = find_sequences(tmp_path / "data")
    ours = source.open(source.name)
    theirs, anno = experiment.dataset[0][:2]
    assert [str(path) for path in ours.images] == theirs
    np.testing.assert_array_equal(ours.boxes[[0, 1, 3]], anno[[0, 1, 3]])
    assert np.isnan(ours.boxes[2]).all()
