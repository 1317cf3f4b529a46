# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The bench from a folder of clips to its figures, and each step of it against what is known beforehand."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest
from painted_targets import write_targets

from stdtrack_ros.errors import SequenceError, SettingError
from stdtrack_ros.evaluation.arms import list_clips
from stdtrack_ros.evaluation.memory_bench.bench import plan, stage, window_of
from stdtrack_ros.evaluation.memory_bench.objects import ObjectBank, cut_out


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


def test_the_target_is_on_either_side(bank: ObjectBank) -> None:
    tasks = plan(bank, ["two targets"], 12, seed=0)
    sides = {bool(window_of(task, False, 4.0, 128)[1][0] < 32) for task in tasks}
    assert sides == {True, False}
    assert len(stage(plan(bank, ["fast"], 1, seed=0)[0])) == 16
