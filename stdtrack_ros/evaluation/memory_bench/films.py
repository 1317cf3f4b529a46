# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Films of staged clips that the memory decides: the tracker with its own memory beside that with another video's."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from stdtrack_ros.evaluation.arms import model_of
from stdtrack_ros.evaluation.memory_bench.bench import Outcome, Task, memory_of, stage
from stdtrack_ros.evaluation.memory_bench.conditions import OTHER, OWN, ConditionedModel
from stdtrack_ros.evaluation.memory_bench.scenes import KINDS
from stdtrack_ros.evaluation.redetection import StatusRun, run_with_status
from stdtrack_ros.geometry import Image
from stdtrack_ros.sequences.recordings.video_writer import VideoWriter
from stdtrack_ros.settings import TrackerSettings
from stdtrack_ros.tracker import Tracker
from stdtrack_ros.tracker.drawing import PLATE, draw_given, draw_target, draw_text
from stdtrack_ros.tracker.result import Status


def decided_by_memory(tasks: Sequence[Task], outcomes: Sequence[Outcome], count: int) -> list[Task]:
    """Return up to `count` staged clips per kind that end on the target with the own memory, and not with another's."""
    right: dict[str, dict[str, bool]] = defaultdict(dict)
    for outcome in outcomes:
        right[outcome.task][outcome.condition] = outcome.on_target > 0.5
    chosen: dict[str, list[Task]] = defaultdict(list)
    for task in tasks:
        under = right[task.name]
        if task.kind in KINDS and under.get(OWN) and under.get(OTHER) is False and len(chosen[task.kind]) < count:
            chosen[task.kind].append(task)
    return [task for some in chosen.values() for task in some]


def write_film(task: Task, settings: TrackerSettings, path: Path) -> None:
    """Write a staged clip twice, side by side: tracked with its own memory, and with another video's.

    The ground truth is white, the tracker's box has the color of its status.
    """
    scene = stage(task)
    other = memory_of(task.strangers[0], settings)[1]
    runs = {
        condition: run_with_status(Tracker(ConditionedModel(model_of(settings), condition, other), settings), scene)
        for condition in (OWN, OTHER)
    }
    with VideoWriter(path, scene.fps) as film:
        for index in range(len(scene)):
            film.write(
                np.hstack([_half(scene.frame(index), run, index, f"{name} memory") for name, run in runs.items()])
            )


def _half(frame: Image, run: StatusRun, index: int, words: str) -> Image:
    picture = frame.copy()
    draw_given(picture, run.ground_truth[index])
    if index:
        draw_target(picture, run.boxes[index], Status(int(run.statuses[index])), float(run.qualities[index]))
    draw_text(picture, words, (0, picture.shape[0]), PLATE)
    return picture
