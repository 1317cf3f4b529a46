# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`stdtrack pack`: shards, and refusals."""

from __future__ import annotations

from pathlib import Path

import pytest
from painted_clips import PaintedClip
from painted_data import painted_still

from stdtrack_ros.cli.pack import Codec, pack
from stdtrack_ros.errors import SettingError
from stdtrack_ros.sequences.shards.opening import read_shard
from stdtrack_ros.sequences.shards.packing import PackOptions, pack_stills, pack_videos
from stdtrack_ros.sequences.shards.shard_writer import ShardWriter
from stdtrack_ros.sequences.shards.stills import open_stills


def test_the_verb_writes_shards_and_refuses_what_it_cannot_do(tmp_path: Path) -> None:
    with ShardWriter(tmp_path / "in", "videos") as writer:
        pack_videos([PaintedClip("red", 5)], writer, PackOptions())
    with ShardWriter(tmp_path / "stills", "stills") as pictures:
        pack_stills([painted_still(seed) for seed in range(3)], pictures, PackOptions())
    pack(tmp_path / "out", videos=writer.paths, stills=None)
    (sequence,) = read_shard(tmp_path / "out" / "videos_1.tar")
    assert len(sequence) == 5
    pack(tmp_path / "coded", videos=writer.paths, stills=None, codec=Codec.h264)
    (coded,) = read_shard(tmp_path / "coded" / "videos_1.tar")
    assert coded.file.name.endswith("red.mp4") and len(coded) == 5
    pack(tmp_path / "out", stills=[tmp_path / "stills"])
    assert [[one.category for one in still.objects] for still in open_stills(tmp_path / "out")] == [["thing"]] * 3
    with pytest.raises(SettingError, match="nothing to pack"):
        pack(tmp_path / "out")
    for name, value, least in (("stride", 0, 1), ("part-frames", 1, 2), ("workers", 0, 1)):
        with pytest.raises(SettingError, match=f"--{name} is {value}; it must be at least {least}"):
            pack(tmp_path / "out", videos=writer.paths, **{name.replace("-", "_"): value})
