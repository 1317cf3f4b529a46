# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Every benchmark's folders, built as the benchmark lays them out, found untold and read as it means them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from sample_sequences import index_of, write_images, write_lines

from stdtrack_ros.errors import SequenceError
from stdtrack_ros.sequences.datasets.benchmarks import LAYOUTS, find_sequences
from stdtrack_ros.sequences.datasets.folders import FolderSequence

ABSENT = [np.nan] * 4


def only(root: Path, layout: str = "auto") -> FolderSequence:
    (source,) = find_sequences(root, layout)
    return source.open(source.name)


def test_a_list_names_folders_with_blanks_and_may_be_of_any_encoding(tmp_path: Path) -> None:
    names = ("red car", "stra\u00dfe", "dog")
    for name in names:
        write_images(tmp_path / name, 1)
        write_lines(tmp_path / name / "groundtruth.txt", ["10,8,12,9"])
    (tmp_path / "list.txt").write_bytes("\r\n".join(names).encode() + b"\r\n")
    assert [source.name for source in find_sequences(tmp_path)] == list(names)
    (tmp_path / "list.txt").write_bytes("\r\n".join(names).encode("latin-1"))
    assert "dog" in [source.name for source in find_sequences(tmp_path)]


def test_got10k(tmp_path: Path) -> None:
    folder = tmp_path / "val" / "GOT-10k_Val_000001"
    write_images(folder, 4)
    write_lines(folder / "groundtruth.txt", ["10.0000,8.0000,12.0000,9.0000"] * 4)
    write_lines(folder / "cover.label", ["8", "3", "0", "8"])
    write_lines(folder / "absence.label", ["0", "0", "1", "0"])
    write_lines(folder / "cut_by_image.label", ["0", "0", "0", "0"])
    write_lines(
        folder / "meta_info.ini", ["[METAINFO]", "url: https://example.org", "anno_fps: 10Hz", "root_class: animal"]
    )
    write_lines(tmp_path / "val" / "list.txt", ["GOT-10k_Val_000001"])
    for root in (tmp_path, tmp_path / "val", folder):
        sequence = only(root)
        assert sequence.source.layout == "got10k"
        assert sequence.name == "GOT-10k_Val_000001"
        np.testing.assert_array_equal(sequence.boxes, [[10, 8, 12, 9], [10, 8, 12, 9], ABSENT, [10, 8, 12, 9]])
        np.testing.assert_allclose(sequence.stamps_s, [0, 0.1, 0.2, 0.3])
        assert sequence.attributes == {"animal", "absence"}
        assert [index_of(sequence.frame(index)) for index in range(4)] == [0, 1, 2, 3]


def test_got10k_test_set_has_but_the_first_box(tmp_path: Path) -> None:
    write_images(tmp_path / "GOT-10k_Test_000001", 3)
    write_lines(tmp_path / "GOT-10k_Test_000001" / "groundtruth.txt", ["10,8,12,9"])
    sequence = only(tmp_path)
    assert sequence.source.layout == "got10k"
    np.testing.assert_array_equal(sequence.boxes, [[10, 8, 12, 9], ABSENT, ABSENT])
    assert "1 rows for 3 frames: the last frames are not scored." in sequence.notes[0]


def test_otb_separators_two_targets_and_origin(tmp_path: Path) -> None:
    write_images(tmp_path / "Jogging" / "img", 2, "{:04d}.jpg")
    write_lines(tmp_path / "Jogging" / "groundtruth_rect.1.txt", ["11,9,12,9", "12,9,12,9"])
    write_lines(tmp_path / "Jogging" / "groundtruth_rect.2.txt", ["21\t9\t12\t9", "22\t9\t12\t9"])
    write_images(tmp_path / "Human4" / "img", 1, "{:04d}.jpg")
    write_lines(tmp_path / "Human4" / "groundtruth_rect.1.txt", [])
    write_lines(tmp_path / "Human4" / "groundtruth_rect.2.txt", ["31 9 12 9"])
    write_lines(tmp_path / "anno" / "att" / "Human4.txt", ["1,0,1,0,0,0,0,0,0,0,1"])
    sources = find_sequences(tmp_path)
    assert [source.name for source in sources] == ["Human4", "Jogging.1", "Jogging.2"]
    assert {source.layout for source in sources} == {"otb"}
    boxes = [source.open(source.name).boxes.tolist() for source in sources]
    # MATLAB's first pixel is 1: every box moves by one.
    assert boxes == [[[30, 8, 12, 9]], [[10, 8, 12, 9], [11, 8, 12, 9]], [[20, 8, 12, 9], [21, 8, 12, 9]]]


def test_otb_attributes_and_the_frames_of_david(tmp_path: Path) -> None:
    write_images(tmp_path / "David" / "img", 302, "{:04d}.jpg")
    write_lines(tmp_path / "David" / "groundtruth_rect.txt", ["11,9,12,9"] * 3)
    write_lines(tmp_path / "att" / "david.txt", ["1,0,1,0,0,0,0,0,0,0,1"])
    sequence = only(tmp_path)
    assert len(sequence) == 3
    assert sequence.images[0].name == "0300.jpg"
    assert sequence.notes == ()
    assert sequence.attributes == {"IV", "SV", "LR"}


def test_dtb70_is_told_from_otb_by_its_five_digits(tmp_path: Path) -> None:
    root = tmp_path / "drones"
    write_images(root / "Gull1" / "img", 2, "{:05d}.jpg")
    write_lines(root / "Gull1" / "groundtruth_rect.txt", ["11,9,12,9", "12,9,12,9"])
    write_lines(root / "att" / "Gull1.txt", ["0 0 0 0 1 0 0 0 0 1 1"])
    sequence = only(root)
    assert sequence.source.layout == "dtb70"
    assert sequence.boxes.tolist() == [[10, 8, 12, 9], [11, 8, 12, 9]]
    assert sequence.attributes == {"FCM", "SOA", "MB"}
    write_images(tmp_path / "Board" / "img", 1, "{:05d}.jpg")
    write_lines(tmp_path / "Board" / "groundtruth_rect.txt", ["11,9,12,9"])
    assert only(tmp_path / "Board").source.layout == "otb"


def test_lasot(tmp_path: Path) -> None:
    folder = tmp_path / "airplane" / "airplane-1"
    write_images(folder / "img", 3)
    write_lines(folder / "groundtruth.txt", ["11,9,12,9", "12,9,12,9", "0,0,0,0"])
    write_lines(folder / "full_occlusion.txt", ["0,1,0"])
    write_lines(folder / "out_of_view.txt", ["0,0,1"])
    for root in (tmp_path, tmp_path / "airplane"):
        sequence = only(root)
        assert (sequence.source.layout, sequence.name) == ("lasot", "airplane-1")
        np.testing.assert_array_equal(sequence.boxes, [[10, 8, 12, 9], ABSENT, ABSENT])
        assert sequence.attributes == {"full_occlusion", "out_of_view"}
    write_lines(tmp_path / "annos" / "att" / "airplane-1.txt", ["1,0,0,1,0,1,0,0,0,0,0,0,0,1"])
    assert only(tmp_path).attributes == {"CM", "FOC", "OV", "FM"}


def test_trackingnet_sorts_by_number(tmp_path: Path) -> None:
    write_images(tmp_path / "TEST" / "frames" / "abc_0", 12, "{}.jpg", first=0)
    write_lines(tmp_path / "TEST" / "anno" / "abc_0.txt", ["10,8,12,9"])
    for root in (tmp_path, tmp_path / "TEST"):
        sequence = only(root)
        assert (sequence.source.layout, len(sequence)) == ("trackingnet", 12)
        assert [index_of(sequence.frame(index)) for index in (1, 2, 10, 11)] == [1, 2, 10, 11]


def test_uav123_parts_of_one_folder_and_uav20l(tmp_path: Path) -> None:
    write_images(tmp_path / "data_seq" / "UAV123" / "car1", 760, "{:06d}.jpg")
    write_lines(tmp_path / "anno" / "UAV123" / "car1_1.txt", ["11,9,12,9"] * 751)
    write_lines(tmp_path / "anno" / "UAV123" / "car1_2.txt", ["11,9,12,9", "NaN,NaN,NaN,NaN"])
    write_lines(tmp_path / "anno" / "UAV123" / "att" / "car1_2.txt", ["1,0,0,0,0,0,1,0,0,0,0,1"])
    write_lines(tmp_path / "anno" / "UAV20L" / "car1.txt", ["11,9,12,9"] * 760)
    first, second = (source.open(source.name) for source in find_sequences(tmp_path))
    assert (first.name, len(first), first.images[-1].name) == ("car1_1", 751, "000751.jpg")
    assert (second.name, second.images[0].name) == ("car1_2", "000751.jpg")
    np.testing.assert_array_equal(second.boxes[:2], [[10, 8, 12, 9], ABSENT])
    assert second.attributes == {"SV", "OV", "SOB"}
    assert len(only(tmp_path, "uav20l")) == 760


def test_uav123_at_10_hz_counts_every_third_frame(tmp_path: Path) -> None:
    write_images(tmp_path / "data_seq" / "UAV123_10fps" / "bird1", 262, "{:06d}.jpg")
    write_lines(tmp_path / "anno" / "UAV123_10fps" / "bird1_2.txt", ["11,9,12,9"] * 4)
    sequence = only(tmp_path)
    assert (sequence.source.layout, sequence.images[0].name) == ("uav123_10fps", "000259.jpg")
    np.testing.assert_allclose(sequence.stamps_s, [0, 0.1, 0.2, 0.3])


def test_nfs_corners_lost_rows_and_both_rates(tmp_path: Path) -> None:
    rows = [f'0 10 8 {22 + row} 17 {row} {int(row == 8)} 0 0 "bag"' for row in range(16)]
    for rate in ("30", "240"):
        write_images(tmp_path / "bag" / rate / "bag", 2 if rate == "30" else 16, "{:05d}.jpg")
        write_lines(tmp_path / "bag" / rate / "bag.txt", rows)
    slow, fast = only(tmp_path), only(tmp_path, "nfs240")
    np.testing.assert_array_equal(slow.boxes, [[10, 8, 12, 9], ABSENT])  # every eighth row; row 8 is lost
    np.testing.assert_allclose(slow.stamps_s, [0, 1 / 30])
    assert fast.boxes[1].tolist() == [10, 8, 13, 9]
    np.testing.assert_allclose(fast.stamps_s[:2], [0, 1 / 240])


def test_avist(tmp_path: Path) -> None:
    write_images(tmp_path / "sequences" / "air_show", 3, "img_{:05d}.jpg")
    write_lines(tmp_path / "anno" / "air_show.txt", ["10 8 12 9"] * 3)
    write_lines(tmp_path / "full_occlusion" / "air_show_full_occlusion.txt", ["0,1,0"])
    write_lines(tmp_path / "out_of_view" / "air_show_out_of_view.txt", ["0,0,0"])
    sequence = only(tmp_path)
    assert sequence.source.layout == "avist"
    np.testing.assert_array_equal(sequence.boxes, [[10, 8, 12, 9], ABSENT, [10, 8, 12, 9]])


@pytest.mark.parametrize("images", ["color", "."])
def test_vot_polygons_become_hulls(tmp_path: Path, images: str) -> None:
    folder = tmp_path / "ball1"
    write_images(folder / images, 3)
    # A square of diagonal 10 on its corner, around (20, 30); an upright box; an absent target.
    write_lines(
        folder / "groundtruth.txt",
        ["15,30,20,25,25,30,20,35", "10,8,22,8,22,17,10,17", "nan,nan,nan,nan,nan,nan,nan,nan"],
    )
    write_lines(folder / "occlusion.tag", ["0", "1"])
    write_lines(folder / "camera_motion.tag", ["0", "0", "0"])
    write_lines(folder / "sequence", ["name=ball1", "fps=25"])
    write_lines(tmp_path / "list.txt", ["ball1"])
    sequence = only(tmp_path)
    assert sequence.source.layout == "vot"
    np.testing.assert_array_equal(sequence.boxes, [[15, 25, 10, 10], [10, 8, 12, 9], ABSENT])
    np.testing.assert_allclose(sequence.stamps_s, [0, 0.04, 0.08])
    assert sequence.attributes == {"occlusion"}
    assert index_of(sequence.frame(2)) == 2


def test_plain_with_nan_rows_tags_and_several_targets(tmp_path: Path) -> None:
    write_images(tmp_path / "one", 3)
    write_lines(tmp_path / "one" / "groundtruth.txt", ["10,8,12,9", "nan,nan,nan,nan", "12,8,12,9"])
    write_lines(tmp_path / "one" / "attributes.txt", ["fast motion, small"])
    write_images(tmp_path / "two", 1, "{:08d}.png")
    write_lines(tmp_path / "two" / "groundtruth_1.txt", ["10,8,12,9"])
    write_lines(tmp_path / "two" / "groundtruth_7.txt", ["20,8,12,9"])
    write_images(tmp_path / "three" / "img", 1)
    write_lines(tmp_path / "three" / "groundtruth.txt", ["10,8,12,9"])
    by_name = {source.name: source.open(source.name) for source in find_sequences(tmp_path)}
    assert sorted(by_name) == ["one", "three", "two_1", "two_7"]
    assert {sequence.source.layout for sequence in by_name.values()} == {"plain"}
    np.testing.assert_array_equal(by_name["one"].boxes, [[10, 8, 12, 9], ABSENT, [12, 8, 12, 9]])
    assert by_name["one"].notes == ("1 of 3 frames have no ground-truth box (absent or not known): not scored.",)
    assert by_name["one"].attributes == {"fast motion", "small"}
    assert by_name["two_7"].boxes.tolist() == [[20, 8, 12, 9]]
    assert by_name["three"].boxes.tolist() == [[10, 8, 12, 9]]  # not LaSOT, whose boxes count from 1


def test_a_sequence_that_the_list_names_and_that_is_missing_is_told(tmp_path: Path) -> None:
    write_images(tmp_path / "here", 1)
    write_lines(tmp_path / "here" / "groundtruth.txt", ["10,8,12,9"])
    write_lines(tmp_path / "list.txt", ["here", "gone"])
    here, gone = find_sequences(tmp_path)
    assert len(here.open("here")) == 1
    with pytest.raises(SequenceError, match=r"The sequence 'gone' has no images in .*gone"):
        gone.open("gone")


def test_what_is_no_benchmark_is_told_with_the_layouts(tmp_path: Path) -> None:
    write_images(tmp_path / "holiday", 2)
    with pytest.raises(SequenceError, match=r"No sequence was found under .*; looked for GOT-10k: .*plain: "):
        find_sequences(tmp_path)
    with pytest.raises(SequenceError, match=r"looked for NFS: "):
        find_sequences(tmp_path, "nfs")
    with pytest.raises(
        SequenceError, match=f"The layout 'imagenet' is not known; it may be auto, {', '.join(LAYOUTS)}"
    ):
        find_sequences(tmp_path, "imagenet")
