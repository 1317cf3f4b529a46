# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The bench from a folder of clips to its figures, and each step of it against what is known beforehand."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import numpy as np
import pytest
import typer
from painted_targets import write_targets
from typer.testing import CliRunner

from stdtrack_ros.cli.memory_bench import memory_bench
from stdtrack_ros.errors import SequenceError, SettingError
from stdtrack_ros.evaluation.arms import list_clips
from stdtrack_ros.evaluation.memory_bench.bench import Outcome, plan, stage, window_of
from stdtrack_ros.evaluation.memory_bench.objects import ObjectBank, cut_out
from stdtrack_ros.evaluation.memory_bench.summary import read_outcomes, summarize, write_json
from stdtrack_ros.evaluation.memory_bench.two_targets import halves, is_first


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_targets(tmp_path_factory.mktemp("targets"))


@pytest.fixture(scope="module")
def bank(folder: Path) -> ObjectBank:
    return ObjectBank(list_clips([folder]))


def test_tasks_are_drawn_from_the_seed_and_no_video_meets_itself(bank: ObjectBank) -> None:
    tasks = plan(bank, ["two targets", "twins"], 12, seed=3)
    again = pickle.loads(pickle.dumps(plan(bank, ["two targets", "twins"], 12, seed=3)))
    assert [task.target.video for task in tasks] == [task.target.video for task in again]
    assert [task.target.video for task in tasks] != [task.target.video for task in plan(bank, ["twins"], 24, seed=4)]
    for task in tasks:
        videos = {task.second.video, task.alike.video, task.background.video, *(one.video for one in task.strangers)}
        assert task.target.video not in videos
    with pytest.raises(SettingError, match="no kind 'dance'"):
        plan(bank, ["dance"], 1, seed=0)


def test_too_few_videos_are_refused(folder: Path) -> None:
    with pytest.raises(SequenceError, match="1 source videos; staging needs six"):
        ObjectBank(list_clips([folder])[:1])


def test_the_most_alike_is_of_another_video(bank: ObjectBank) -> None:
    for view in bank.views:
        assert bank.most_alike(view).video != view.video
        np.testing.assert_allclose(np.linalg.norm(view.descriptor), 1.0, atol=1e-5)


def test_a_cut_out_is_the_thing(bank: ObjectBank) -> None:
    for view in bank.views[:4]:
        cut = cut_out(view)
        height, width = cut.alpha.shape
        assert 0.8 < height / width < 1.25
        assert 45 < np.sqrt(height * width) < 75  # 64 px, as asked for
        assert (cut.alpha > 127).mean() > 0.7


def test_two_targets_stand_side_by_side() -> None:
    left, right = np.zeros((100, 200, 3), np.uint8), np.zeros((100, 200, 3), np.uint8)
    left[40:60, 90:110], right[30:40, 20:60] = (255, 0, 0), (0, 255, 0)
    boxes = np.array([90.0, 40, 20, 20]), np.array([20.0, 30, 40, 10])
    window, first, second = halves((left, boxes[0]), (right, boxes[1]), 4.0, 128)
    np.testing.assert_allclose(first, [16, 48, 32, 32])
    np.testing.assert_allclose(second, [64, 56, 64, 16])
    assert window[64, 32].tolist() == [255, 0, 0]
    assert window[64, 96].tolist() == [0, 255, 0]
    assert is_first(first, first, second) is True
    assert is_first(second, first, second) is False
    assert is_first(first + np.array([0, 60, 0, 0]), first, second) is None


def test_the_target_is_on_either_side(bank: ObjectBank) -> None:
    tasks = plan(bank, ["two targets"], 12, seed=0)
    sides = {bool(window_of(task, False, 4.0, 128)[1][0] < 32) for task in tasks}
    assert sides == {True, False}
    assert len(stage(plan(bank, ["fast"], 1, seed=0)[0])) == 16


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


def test_the_verb_writes_figures_page_and_pictures(folder: Path, tmp_path: Path) -> None:
    app = typer.Typer()
    app.command()(memory_bench)
    arguments = [str(folder), "--quick", "--clips", "2", "--kind", "two targets", "--kind", "fast", "--pictures", "1"]
    result = CliRunner().invoke(app, [*arguments, "--out", str(tmp_path)], catch_exceptions=False)
    assert result.exit_code == 0
    found = json.loads((tmp_path / "memory_bench.json").read_text())
    kinds = {(row["kind"], row["variant"]) for row in found["rows"]}
    assert ("two targets", "vague template, most alike") in kinds
    assert ("fast", "") in kinds
    assert {one["condition"] for one in found["outcomes"]} == {"own", "none", "another's"}
    assert "fast" in (tmp_path / "memory_bench.html").read_text()
    assert len(list((tmp_path / "pictures").iterdir())) == 2
