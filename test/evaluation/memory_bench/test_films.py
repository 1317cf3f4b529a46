# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Which staged clips the memory decides, and a film of one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from painted_targets import write_targets

from stdtrack_ros.evaluation.arms import PUBLISHED, list_clips, parse_arm
from stdtrack_ros.evaluation.memory_bench.bench import Outcome, Task, plan, stage
from stdtrack_ros.evaluation.memory_bench.films import decided_by_memory, write_film
from stdtrack_ros.evaluation.memory_bench.objects import ObjectBank
from stdtrack_ros.sequences.catalog import open_sequences


def outcome(task: Task, condition: str, on_target: float) -> Outcome:
    return Outcome(task.name, task.kind, task.variant, task.target.video, condition, on_target, on_target)


def test_the_memory_decides_where_the_own_one_alone_is_right(tmp_path: Path) -> None:
    bank = ObjectBank(list_clips([write_targets(tmp_path)]))
    tasks = plan(bank, ["two targets", "twins", "fast"], 3, seed=0)
    pairs, twins, fast = tasks[:3], tasks[3:6], tasks[6:]
    outcomes = [outcome(task, condition, 1.0) for task in tasks for condition in ("own", "another's")]
    wrong = {pairs[0].name, twins[1].name, twins[2].name, fast[2].name}
    outcomes = [
        replace(one, on_target=0.0) if one.task in wrong and one.condition != "own" else one for one in outcomes
    ]
    assert decided_by_memory(tasks, outcomes, 2) == [twins[1], twins[2], fast[2]]
    assert decided_by_memory(tasks, outcomes, 1) == [twins[1], fast[2]]
    assert decided_by_memory(tasks, [one for one in outcomes if one.condition == "own"], 2) == []


def test_a_film_shows_every_frame_twice(tmp_path: Path) -> None:
    bank = ObjectBank(list_clips([write_targets(tmp_path / "targets")]))
    task = plan(bank, ["fast"], 1, seed=0)[0]
    settings = parse_arm("shipped=model.threads=1", PUBLISHED).settings
    write_film(task, settings, tmp_path / "films" / "fast.mp4")
    film = open_sequences([tmp_path / "films" / "fast.mp4"])[0].open()
    scene = stage(task)
    assert len(film) == len(scene)
    height, width = scene.frame(0).shape[:2]
    assert film.frame(3).shape[:2] == (height, 2 * width)
