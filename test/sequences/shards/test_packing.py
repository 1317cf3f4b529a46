# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import tarfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from sample_sequences import write_bag, write_images, write_lines, write_video
from small_disk import small_files

from stdtrack_ros.errors import SettingError
from stdtrack_ros.sequences.annotated import open_annotated
from stdtrack_ros.sequences.origin import origin_of
from stdtrack_ros.sequences.shards.opening import read_shard
from stdtrack_ros.sequences.shards.packing import PackOptions, pack_stills, pack_videos
from stdtrack_ros.sequences.shards.shard_writer import ShardWriter
from stdtrack_ros.sequences.shards.stills import Still, StillObject, open_stills
from stdtrack_ros.sequences.shards.tar_shards import StoredSequence


@dataclass
class Panorama:
    """A large dark picture with a white box that goes right, one step per frame."""

    name: str = "pan"
    frames: int = 30
    size: int = 120
    attributes: frozenset[str] = frozenset()
    notes: tuple[str, ...] = ()

    @property
    def boxes(self) -> np.ndarray:
        steps = np.arange(self.frames)
        sizes = np.full(self.frames, self.size)
        return np.stack([900.0 + 4 * steps, np.full(self.frames, 500.0), sizes, sizes], axis=1)

    @property
    def stamps_s(self) -> np.ndarray:
        return np.arange(self.frames) / 30

    def __len__(self) -> int:
        return self.frames

    def frame(self, index: int) -> np.ndarray:
        image = np.full((1080, 1920, 3), 20, np.uint8)
        x, y, width, height = self.boxes[index].astype(int)
        image[y : y + height, x : x + width] = 250
        return image


def white_box(image: np.ndarray) -> np.ndarray:
    rows, columns = np.nonzero(image[..., 0] > 135)
    return np.array([columns.min(), rows.min(), np.ptp(columns) + 1, np.ptp(rows) + 1], np.float64)


def packed(folder: Path, sequence: Panorama, options: PackOptions) -> list[StoredSequence]:
    with ShardWriter(folder, "videos") as writer:
        pack_videos([sequence], writer, options)
    return [one for path in writer.paths for one in read_shard(path)]


def test_the_target_is_where_the_packed_box_says_and_as_large_as_asked(tmp_path: Path) -> None:
    (sequence,) = packed(tmp_path, Panorama(), PackOptions(target_px=60))
    assert len(sequence) == 30
    for index in (0, 13, 29):
        np.testing.assert_allclose(white_box(sequence.frame(index)), sequence.boxes[index], atol=1.01)
    np.testing.assert_allclose(sequence.boxes[:, 2:], 60, atol=0.5)
    # 3.5 sizes to each side of the path of 29 steps of 4 px, at half the scale
    height, width = sequence.frame(0).shape[:2]
    assert abs(height - 2 * 3.5 * 60) <= 1
    assert abs(width - (2 * 3.5 * 60 + 29 * 4 / 2)) <= 1


def test_nothing_is_enlarged_and_the_longest_side_holds(tmp_path: Path) -> None:
    (small,) = packed(tmp_path / "a", Panorama(size=20, frames=10), PackOptions())
    np.testing.assert_allclose(small.boxes[:, 2:], 20)
    assert small.frame(0).shape[:2] == (240, 240)
    (large,) = packed(tmp_path / "b", Panorama(size=300, frames=10), PackOptions(target_px=1000, longest_px=200))
    assert max(large.frame(0).shape[:2]) == 200


def test_strides_parts_gaps_and_pseudo_labels(tmp_path: Path) -> None:
    class Gap(Panorama):
        @property
        def boxes(self) -> np.ndarray:
            boxes = super().boxes
            boxes[:4] = boxes[22:] = np.nan
            return boxes

        def frame(self, index: int) -> np.ndarray:
            return np.zeros((300, 1920, 3), np.uint8)

    gap = Gap(attributes=frozenset({"pseudo"}))
    parts = packed(tmp_path, gap, PackOptions(stride=2, part_frames=6))
    # frames 0, 2 ... 28 in parts of six: 0-10, 12-22, 24-28; the first starts at its first box, the last has none
    assert [(part.name, len(part)) for part in parts] == [("pan_p0", 4), ("pan_p1", 6)]
    assert not np.isnan(parts[0].boxes).any()
    assert np.isnan(parts[1].boxes).any(axis=1).tolist() == [False] * 5 + [True]
    assert all(part.attributes == frozenset({"pseudo"}) for part in parts)


def test_sequences_of_one_name_stay_apart_and_two_processes_give_the_same(tmp_path: Path) -> None:
    sequences = [Panorama(frames=3, size=50), Panorama(frames=4, size=60)]
    sizes = []
    for workers in (1, 2):
        with ShardWriter(tmp_path / str(workers), "videos") as writer:
            assert pack_videos(sequences, writer, PackOptions(), workers) == 2
        assert [(one.name, len(one)) for one in read_shard(writer.paths[0])] == [("pan", 3), ("pan_2", 4)]
        sizes.append(writer.paths[0].read_bytes())
    assert sizes[0] == sizes[1]


def test_shards_of_h264_hold_the_same_frames_and_tell_of_their_clips(tmp_path: Path) -> None:
    sequences = [Panorama(frames=20), Panorama(frames=6, attributes=frozenset({"pseudo"}))]
    for codec in ("jpeg", "h264"):
        with ShardWriter(tmp_path / codec, "videos") as writer:
            assert pack_videos(sequences, writer, PackOptions(stride=2, codec=codec), 2) == 2
    jpeg, coded = (open_annotated(tmp_path / codec) for codec in ("jpeg", "h264"))
    assert (tmp_path / "h264" / "videos_1.tar").stat().st_size < (tmp_path / "jpeg" / "videos_1.tar").stat().st_size
    by_label = {"pseudo" in one.attributes: one for one in coded}
    for one in jpeg:
        other = by_label["pseudo" in one.attributes]
        np.testing.assert_allclose(other.boxes[:, 2:], one.boxes[:, 2:], rtol=0.02)
        assert other.stamps_s[1] == pytest.approx(2 / 30)
        for index in (len(one) - 1, 0, len(one) // 2):
            np.testing.assert_allclose(white_box(other.frame(index)), other.boxes[index], atol=1.01)
    assert {origin_of(one).video for one in coded} == {"pan"}
    assert {one.name for one in coded} == {"pan", "pan_2"}


def test_a_video_and_a_bag_without_boxes_beside_the_sequences_are_left_out(tmp_path: Path) -> None:
    write_video(tmp_path / "data" / "preview.mp4", 3)
    write_bag(tmp_path / "data" / "flight")
    write_images(tmp_path / "data" / "car", 3)
    write_lines(tmp_path / "data" / "car" / "groundtruth.txt", ["10,8,12,9"] * 3)
    with ShardWriter(tmp_path / "out", "videos") as writer:
        assert pack_videos(open_annotated(tmp_path / "data"), writer, PackOptions(), workers=2) == 1
    assert [one.name for one in read_shard(writer.paths[0])] == ["car"]


def test_stills_keep_their_objects_and_masks(tmp_path: Path) -> None:
    @dataclass
    class Grey:
        name: str = "grey"

        def read(self) -> np.ndarray:
            import cv2

            return cv2.imencode(".png", np.full((400, 600, 3), 128, np.uint8))[1]

    square = np.array([[100.0, 100], [299, 100], [299, 299], [100, 299]])
    polygon = StillObject(np.array([100.0, 100, 200, 200]), "box", polygons=(square,))
    boxed = StillObject(np.array([400.0, 20, 60, 60]), "lamp")
    still = Still("set/grey.png", Grey(), None, (boxed, polygon))
    with ShardWriter(tmp_path, "stills") as writer:
        assert pack_stills([still, still], writer, PackOptions()) == 2  # the same picture only once
    (kept,) = open_stills(tmp_path)
    large, lamp = kept.objects
    assert kept.pixels().shape == (200, 300, 3)
    assert (large.category, large.has_mask, lamp.category, lamp.has_mask) == ("box", True, "lamp", False)
    np.testing.assert_allclose(lamp.box, [200, 10, 30, 30])
    rows, columns = np.nonzero(kept.mask_of(large, 300, 200))
    np.testing.assert_allclose([columns.min(), rows.min(), np.ptp(columns) + 1, np.ptp(rows) + 1], [50, 50, 100, 100])


def test_a_full_disk_leaves_the_shards_that_are_whole(tmp_path: Path) -> None:
    with ShardWriter(tmp_path, "videos", 45_000) as writer:
        writer.add([("videos/a/1.jpg", bytes(15_000))])
        words = r"videos_2\.tar cannot be written: File too large; make room"
        with small_files(25_000), pytest.raises(SettingError, match=words):
            writer.add([("videos/b/1.jpg", bytes(30_000))])
    assert [path.name for path in tmp_path.iterdir()] == ["videos_1.tar"]
    with tarfile.open(tmp_path / "videos_1.tar") as tar:
        assert [member.size for member in tar] == [15_000]
