# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""From a tar shard to the sequences in it, whether its frames are images or video files."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from pathlib import Path

from stdtrack_ros.errors import SequenceError
from stdtrack_ros.sequences.shards.tar_shards import StoredSequence, image_sequences, tar_members
from stdtrack_ros.sequences.shards.video_tar import TarredVideo, videos_of

SUFFIX = ".tar"
_NOT_ANNOTATED = ("stills", "unlabelled")
"""Shards whose names begin so hold no sequences."""


def shards_in(folder: Path) -> list[Path]:
    """Return the shards of annotated video in a folder, sorted by name; those in folders inside it are not taken."""
    return [path for path in sorted(folder.glob(f"*{SUFFIX}")) if not path.name.startswith(_NOT_ANNOTATED)]


def read_shard(path: Path) -> list[StoredSequence | TarredVideo]:
    """Return all sequences of a shard, one per target.

    Raises:
        SequenceError: the file is no whole tar, holds no sequence, or a box file in it does not fit its frames.
    """
    members = tar_members(path)
    sequences: list[StoredSequence | TarredVideo] = [*image_sequences(path, members), *videos_of(path, members)]
    if not sequences:
        raise SequenceError(
            f"The shard {path} holds no sequence, which is a folder of images with a groundtruth.txt, or <clip>.mp4 "
            "with <clip>.txt."
        )
    return sequences


def open_in_shard(name: str, path: Path, member: str) -> StoredSequence | TarredVideo:
    """Return the sequence called `member` of a shard, under another name.

    Raises:
        SequenceError: see `read_shard`; or the shard has been replaced and holds no such sequence any more.
    """
    sequences = _by_name(path)
    if member not in sequences:
        raise SequenceError(f"The shard {path} holds no sequence {member} any more; name the shard again.")
    return replace(sequences[member], name=name)


@lru_cache(maxsize=64)
def _by_name(path: Path) -> dict[str, StoredSequence | TarredVideo]:
    return {sequence.name: sequence for sequence in read_shard(path)}
