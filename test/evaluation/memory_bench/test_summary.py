# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The figures of the memory bench, paired by task, by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from stdtrack_ros.errors import SettingError
from stdtrack_ros.evaluation.memory_bench.bench import Outcome
from stdtrack_ros.evaluation.memory_bench.summary import read_outcomes, summarize, write_json


def outcome(task: str, condition: str, right: float, on_target: float) -> Outcome:
    return Outcome(task, "twins", "in the open", f"video {task}", condition, right, on_target)


def test_figures_are_paired_by_task(tmp_path: Path) -> None:
    ends = {"a": (1, 1), "b": (1, 1), "c": (np.nan, 0), "d": (0, 0)}
    own = [outcome(task, "own", *end) for task, end in ends.items()]
    none = [outcome("a", "none", 0, 0), outcome("b", "none", 1, 1)]
    (row,) = summarize([*own, *none], against=[outcome("a", "own", 0, 0), outcome("d", "own", 0, 0)])
    assert (row.clips, row.videos) == (4, 4)
    assert row.right["own"].mean == pytest.approx(2 / 3)
    assert row.on_target["own"].mean == pytest.approx(0.5)
    assert row.lost_without.mean == pytest.approx(0.5)  # of a and b
    assert row.change is not None
    assert row.change.mean == pytest.approx(0.5)  # of a and d
    assert np.isnan(row.lost_swapped.mean)
    write_json(tmp_path / "bench.json", {"seed": 1}, [row], own)
    assert [one.task for one in read_outcomes(tmp_path / "bench.json")] == list("abcd")
    assert np.isnan(read_outcomes(tmp_path / "bench.json")[2].right)
    with pytest.raises(SettingError, match=r"not a memory_bench\.json"):
        read_outcomes(tmp_path / "missing.json")
