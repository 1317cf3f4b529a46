# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The comparison of arms, clip by clip, against differences worked out by hand."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))

import compare_models

from stdtrack_ros.evaluation.arms import Clip
from stdtrack_ros.evaluation.redetection import StatusRun
from stdtrack_ros.sequences.catalog import SequenceHandle
from stdtrack_ros.sequences.origin import Origin

GROUND_TRUTH = np.tile([10.0, 10.0, 20.0, 20.0], (11, 1))


def clip(name: str, video: str, group: str) -> Clip:
    return Clip(SequenceHandle(name, Path(name), "plain", lambda _: pytest.fail("not opened")), Origin(video, group), 0)


def run(missed: int) -> StatusRun:
    """Ten frames after the start, of which the last `missed` are LOST and elsewhere."""
    boxes, statuses = GROUND_TRUTH.copy(), np.full(11, 1)
    boxes[0] = np.nan
    if missed:
        boxes[-missed:, 0] += 100
        statuses[-missed:] = 3
    return StatusRun(
        boxes, GROUND_TRUTH, statuses, np.ones(11), np.arange(11) / 30, np.full((11, 4, 4), np.nan), GROUND_TRUTH
    )


def test_differences_are_paired_and_groups_count_alike() -> None:
    clips = [clip("a", "a", "sky"), clip("b", "b", "sky"), clip("c", "c", "sky"), clip("d", "d", "street")]
    runs = {
        "first": {"a": run(0), "b": run(0), "c": run(0), "d": run(0)},
        "second": {"a": run(0), "b": run(0), "c": run(0), "d": run(5)},
    }
    found = compare_models.compare(clips, runs)
    second = found["arms"]["second"]
    auc = 100 * 20 / 21  # of a perfect frame: an IoU of 1 is not above the last threshold
    assert second["figures"]["auc"]["mean"] == pytest.approx(auc - auc * 5 / 11 / 2, abs=1e-3)
    assert second["figures"]["lost"]["mean"] == pytest.approx(100 * 5 / 11 / 2, abs=1e-3)
    assert second["difference"]["mean"] == pytest.approx(-auc * 5 / 11 / 2, abs=1e-3)
    assert second["difference_by_group"]["sky"] == {"mean": 0.0, "error": 0.0}
    assert (second["better"], second["worse"]) == (0, 1)
    lines = compare_models.table("set", found).splitlines()
    assert lines[1] == "set: 4 clips of 4 videos"
    assert f"{-auc * 5 / 11 / 2:+.1f} ± " in lines[-1]
