# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""How good a network is while it trains: one pass over sequences that it does not train on."""

from __future__ import annotations

import tempfile
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from torch import nn

from stdtrack_ros.evaluation.metrics.accuracy import score
from stdtrack_ros.evaluation.runner import run_ope
from stdtrack_ros.evaluation.trackers.tracker_interface import OwnTracker
from stdtrack_ros.families import tracker_in
from stdtrack_ros.network.families import describe, save_network
from stdtrack_ros.sequences.catalog import open_sequences
from stdtrack_ros.sequences.origin import origin_of
from stdtrack_ros.settings import make_settings


def make_validation(paths: Sequence[Path], threads: int) -> Callable[[nn.Module], dict[str, float]] | None:
    """Return a function from a network to its scores; None without sequences.

    `auc` is the mean success AUC (OPE) over groups of sequences (see `sequences.origin`), so that a benchmark with many
    clips does not decide alone; `auc_sequences` is the plain mean.

    Raises:
        SequenceError: a path that cannot be read.
    """
    if not paths:
        return None
    handles = open_sequences(paths)

    def validate(network: nn.Module) -> dict[str, float]:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "network.pt"  # exporting to ONNX takes longer than it saves
            save_network(network, path)
            model = {"tracker": tracker_in(describe(network)), "model.path": str(path), "model.threads": threads}
            settings = make_settings({**model, "status.enabled": False})
            sequences = [handle.open() for handle in handles]
            tracks = run_ope(lambda: OwnTracker(settings), sequences)
        groups: dict[str, list[float]] = defaultdict(list)
        for sequence in sequences:
            groups[origin_of(sequence).group].append(score(tracks[sequence.name].boxes, sequence.boxes).auc)
        values = [value for group in groups.values() for value in group]
        return {
            "auc": float(np.mean([np.mean(group) for group in groups.values()])),
            "auc_sequences": float(np.mean(values)),
        }

    return validate
