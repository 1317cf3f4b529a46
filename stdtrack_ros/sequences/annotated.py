# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Annotated video for training, from tar shards or from the folders of a benchmark."""

from __future__ import annotations

from pathlib import Path

from stdtrack_ros.sequences.catalog import open_sequences
from stdtrack_ros.sequences.sequence import Sequence
from stdtrack_ros.sequences.shards.opening import SUFFIX, read_shard, shards_in


def open_annotated(path: Path) -> list[Sequence]:
    """Open all sequences of a tar shard, of a folder of shards, or of a benchmark's folder (see `benchmarks.LAYOUTS`).

    Raises:
        SequenceError: nothing is there, or a file of it cannot be read.
    """
    tars = [path] if path.suffix == SUFFIX else shards_in(path)
    if tars:
        return [sequence for tar in tars for sequence in read_shard(tar)]
    return [handle.open() for handle in open_sequences([path])]
