# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import io
import pickle
import tarfile
from pathlib import Path

import cv2
import numpy as np
import pytest

from stdtrack_ros.errors import SequenceError
from stdtrack_ros.sequences.annotated import open_annotated
from stdtrack_ros.sequences.shards.opening import read_shard
from stdtrack_ros.sequences.shards.shard_writer import ShardWriter, sequence_files
from stdtrack_ros.sequences.shards.tar_shards import decode, parse_boxes, tar_members


def jpeg(value: int) -> bytes:
    return cv2.imencode(".jpg", np.full((24, 32, 3), value, np.uint8))[1].tobytes()


BOXES = np.array([[1.5, 2, 3, 4], [np.nan] * 4, [5, 6, 7.25, 8]])


@pytest.fixture
def shard(tmp_path: Path) -> Path:
    with ShardWriter(tmp_path, "videos") as writer:
        writer.add(sequence_files("train", "boat_1", [jpeg(10), jpeg(100), jpeg(200)], {"": BOXES}))
        writer.add(sequence_files("pseudo", "cups", [jpeg(50), jpeg(60)], {"red": BOXES[:2], "blue": BOXES[1:]}))
    return writer.paths[0]


def test_what_was_written_is_read_back(shard: Path) -> None:
    boat, blue, red = sorted(read_shard(shard), key=lambda sequence: sequence.name)
    assert [boat.name, blue.name, red.name] == ["boat_1", "cups_blue", "cups_red"]
    np.testing.assert_allclose(boat.boxes, BOXES)
    np.testing.assert_allclose(red.boxes, BOXES[:2])
    assert [len(boat), len(blue)] == [3, 2]
    assert [round(boat.frame(index).mean() / 10) for index in range(3)] == [1, 10, 20]
    assert boat.attributes == frozenset()
    assert blue.attributes == frozenset({"pseudo"})


def test_a_sequence_survives_pickling_for_worker_processes(shard: Path) -> None:
    sequence = pickle.loads(pickle.dumps(read_shard(shard)[0]))
    assert sequence.frame(0).shape == (24, 32, 3)


@pytest.mark.parametrize("place", ["first header", "first file", "later header", "last file", "end mark"])
def test_a_truncated_shard_is_named(shard: Path, place: str) -> None:
    members = sorted(tar_members(shard).values(), key=lambda member: member.offset)
    last = members[-1].offset + members[-1].size
    keep = {
        "first header": 100,
        "first file": members[0].offset + 50,
        "later header": members[3].offset - 300,
        "last file": members[-1].offset + 1,
        "end mark": -(-last // 512) * 512,
    }[place]
    shard.write_bytes(shard.read_bytes()[:keep])
    with pytest.raises(SequenceError, match=str(shard)):
        read_shard(shard)


def test_a_compressed_shard_and_another_file_are_refused(tmp_path: Path) -> None:
    packed = tmp_path / "packed.tar"
    with tarfile.open(packed, "w:gz") as tar:
        tar.addfile(tarfile.TarInfo("a"), io.BytesIO())
    other = tmp_path / "other.tar"
    other.write_text("not a tar at all" * 100)
    for path in (packed, other, tmp_path / "missing.tar"):
        with pytest.raises(SequenceError, match=path.name):
            read_shard(path)


def test_a_shard_without_sequences_is_refused(tmp_path: Path) -> None:
    with ShardWriter(tmp_path, "empty") as writer:
        writer.add([("notes.txt", b"nothing")])
    with pytest.raises(SequenceError, match="holds no sequence"):
        read_shard(writer.paths[0])


def test_a_damaged_frame_is_named(tmp_path: Path) -> None:
    with ShardWriter(tmp_path, "bad") as writer:
        writer.add(sequence_files("train", "car", [jpeg(1), b"no image"], {"": BOXES[:2]}))
    sequence = read_shard(writer.paths[0])[0]
    assert sequence.frame(0).shape == (24, 32, 3)
    with pytest.raises(SequenceError, match=r"train/car/00000002\.jpg is damaged"):
        sequence.frame(1)


def test_boxes_that_do_not_fit_the_frames_are_refused(tmp_path: Path) -> None:
    with ShardWriter(tmp_path, "odd") as writer:
        writer.add(sequence_files("train", "car", [jpeg(1)], {"": BOXES}))
    with pytest.raises(SequenceError, match=r"car/groundtruth\.txt has 3 boxes for 1 frames"):
        read_shard(writer.paths[0])


def test_box_lines_with_any_separator() -> None:
    boxes = parse_boxes("1,2,3,4\n5 6\t7 8\nnan,nan,nan,nan\n1,1,0,5\n", "here")
    np.testing.assert_array_equal(boxes[:2], [[1, 2, 3, 4], [5, 6, 7, 8]])
    assert np.isnan(boxes[2:]).all()  # a box without area is no box
    with pytest.raises(SequenceError, match="here, line 2"):
        parse_boxes("1,2,3,4\n1,2,3\n", "here")


def test_shards_stay_below_their_limit_and_entries_stay_whole(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    with ShardWriter(tmp_path, "small", limit_bytes=100_000) as writer:
        for number in range(12):
            frames = [rng.bytes(5000) for _ in range(int(rng.integers(2, 6)))]
            writer.add(sequence_files("train", f"s{number:02d}", frames, {"": np.ones((len(frames), 4))}))
    assert len(writer.paths) > 2
    assert all(path.stat().st_size <= 100_000 for path in writer.paths)
    names = [sequence.name for path in writer.paths for sequence in read_shard(path)]
    assert sorted(names) == [f"s{number:02d}" for number in range(12)]


def test_a_smaller_set_leaves_no_shard_of_the_larger_one_before_it(tmp_path: Path) -> None:
    for names in (("a", "b", "c"), ("d",)):
        with ShardWriter(tmp_path, "small", limit_bytes=20_000) as writer:
            for name in names:
                writer.add(sequence_files("train", name, [bytes(5000)], {"": np.ones((1, 4))}))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["small_1.tar"]
    with pytest.raises(ZeroDivisionError), ShardWriter(tmp_path, "small") as writer:
        raise ZeroDivisionError
    assert (tmp_path / "small_1.tar").exists()  # nothing was packed: what was there stays


def test_an_entry_larger_than_a_shard_is_refused(tmp_path: Path) -> None:
    with (
        ShardWriter(tmp_path, "small", limit_bytes=50_000) as writer,
        pytest.raises(SequenceError, match="split the sequence"),
    ):
        writer.add([("a", bytes(45_000))])


def test_a_folder_of_shards_and_a_folder_of_sequences_are_opened(shard: Path, tmp_path: Path) -> None:
    (tmp_path / "stills_1.tar").write_bytes(b"")  # stills beside videos are not the videos' business
    assert len(open_annotated(tmp_path)) == 3
    plain = tmp_path / "plain" / "car"
    plain.mkdir(parents=True)
    for number in (1, 2, 3):
        (plain / f"{number:08d}.jpg").write_bytes(jpeg(number))
    (plain / "groundtruth.txt").write_text("1,2,3,4\n2,2,3,4\n3,2,3,4\n")
    (car,) = open_annotated(tmp_path / "plain")
    assert (car.name, len(car)) == ("car", 3)
    np.testing.assert_array_equal(car.boxes[2], [3, 2, 3, 4])


def test_decode_reads_as_asked(shard: Path) -> None:
    image = read_shard(shard)[0].images[0]
    assert decode(image, cv2.IMREAD_GRAYSCALE).shape == (24, 32)
