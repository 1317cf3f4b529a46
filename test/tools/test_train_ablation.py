# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The arms of the ablation, and their steps against values worked out by hand."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))

import itertools

import train_ablation

from stdtrack_ros.evaluation.memory_bench.bench import Outcome
from stdtrack_ros.network.stdtrack.config import NetworkConfig
from stdtrack_ros.settings import make_settings


def test_the_last_arm_is_the_whole_network_and_each_adds_one_part() -> None:
    names = list(train_ablation.PARTS)
    configs = [NetworkConfig(**train_ablation.switches_of(name)) for name in names]
    assert configs[-1] == NetworkConfig()
    for before, after in itertools.pairwise(configs):
        assert sum(getattr(before, name) != getattr(after, name) for name in NetworkConfig.model_fields) == 1


def test_rows_are_compared_with_the_one_before_and_settings_with_the_whole_network() -> None:
    rows = train_ablation.candidates({name: (Path(name),) for name in train_ablation.PARTS})
    before = {row.name: row.before for row in rows}
    assert before["base"] == ""
    assert before["+ STM and MFIFM"] == "+ token"
    assert before["FIFO"] == before["capacity 8"] == "+ recall"
    for row in rows:
        make_settings(row.settings)
    assert len(train_ablation.candidates({"base": (Path("base"),)})) == 1  # without an STM there is none to vary


def outcome(kind: str, task: str, on_target: float, condition: str = "own") -> Outcome:
    return Outcome(task, kind, "", task, condition, on_target, on_target)


def test_steps_are_means_over_seeds_task_by_task() -> None:
    first = [[outcome("twins", "a", 0), outcome("twins", "b", 1)], [outcome("twins", "a", 1), outcome("twins", "b", 1)]]
    then = [[outcome("twins", "a", 1), outcome("twins", "b", 1), outcome("twins", "b", 0, "none")]]
    found = train_ablation.bench_figures(then, first)
    assert found["twins"]["mean"] == 100.0
    assert found["twins step"]["mean"] == pytest.approx(25.0)
    pair = {"mean": 50.0, "error": 1.0}
    report = {"base": {"before": "", "AUC": pair}, "more": {"before": "base", "AUC": pair, "AUC step": pair}}
    assert train_ablation.table(report).splitlines()[-1] == "| more | base | 50.0 ± 1.0 (+50.0 ± 1.0) |"
