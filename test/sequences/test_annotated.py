# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Annotated video for training: shards, folders of shards, folders of a benchmark."""

from __future__ import annotations

from pathlib import Path

import pytest
from painted_clips import PaintedClip
from sample_sequences import write_images, write_lines

from stdtrack_ros.errors import SequenceError
from stdtrack_ros.sequences.annotated import open_annotated
from stdtrack_ros.sequences.shards.packing import PackOptions, pack_videos
from stdtrack_ros.sequences.shards.shard_writer import ShardWriter


@pytest.fixture
def shards(tmp_path: Path) -> Path:
    """Write two shards of one clip each."""
    for name in ("first", "second"):
        with ShardWriter(tmp_path / "shards", name) as writer:
            pack_videos([PaintedClip(name, 4)], writer, PackOptions())
    return tmp_path / "shards"


def test_a_shard_and_a_folder_of_shards(shards: Path) -> None:
    assert [(one.name, len(one)) for one in open_annotated(shards / "first_1.tar")] == [("first", 4)]
    assert sorted(one.name for one in open_annotated(shards)) == ["first", "second"]


def test_a_folder_of_a_benchmark(tmp_path: Path) -> None:
    write_images(tmp_path / "data" / "car", 3)
    write_lines(tmp_path / "data" / "car" / "groundtruth.txt", ["10,8,12,9", "11,8,12,9", "nan,nan,nan,nan"])
    (sequence,) = open_annotated(tmp_path / "data")
    assert (sequence.name, len(sequence)) == ("car", 3)
    assert sequence.boxes[1].tolist() == [11, 8, 12, 9]


def test_a_place_without_anything_is_named(tmp_path: Path) -> None:
    with pytest.raises(SequenceError, match="nothing"):
        open_annotated(tmp_path / "nothing")
