# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Runs trackers over sequences."""

from __future__ import annotations

from collections.abc import Iterable

from stdtrack_ros.evaluation.protocols import Track, run_one_pass
from stdtrack_ros.evaluation.tracker_under_test import TrackerFactory
from stdtrack_ros.sequences.sequence import Sequence


def run_ope(make_tracker: TrackerFactory, sequences: Iterable[Sequence]) -> dict[str, Track]:
    """One tracker over sequences, one pass each, in this process; the track of each sequence by its name."""
    tracker = make_tracker()
    return {sequence.name: run_one_pass(tracker, sequence) for sequence in sequences}
