# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Pictures of staged clips with what the tracker did, and the bench's page: one HTML file that needs nothing else."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from pathlib import Path

import cv2
import jinja2
import numpy as np

from stdtrack_ros.evaluation.arms import model_of
from stdtrack_ros.evaluation.memory_bench.bench import Task, memory_of, stage, window_of
from stdtrack_ros.evaluation.memory_bench.conditions import OTHER, OWN, ConditionedModel
from stdtrack_ros.evaluation.memory_bench.scenes import KINDS, Scene
from stdtrack_ros.evaluation.memory_bench.summary import Row
from stdtrack_ros.evaluation.metrics.paired import Estimated
from stdtrack_ros.evaluation.redetection import run_with_status
from stdtrack_ros.geometry import Box, Image
from stdtrack_ros.outputs import write_text
from stdtrack_ros.settings import TrackerSettings
from stdtrack_ros.tracker import Tracker
from stdtrack_ros.tracker.result import Status

FRAMES = 6
TARGET, DECOY, OWN_BOX, SWAPPED_BOX = (255, 255, 255), (60, 60, 255), (80, 220, 80), (255, 140, 40)
"""Colors, BGR: the target, the other thing, the tracker with its own memory, and with another video's."""


def draw_task(task: Task, settings: TrackerSettings) -> Image:
    """Return a strip of frames of a staged clip, or the two windows of a task with two targets; (H, W, 3) uint8 BGR."""
    if task.kind in KINDS:
        return _strip(stage(task), task, settings)
    info = model_of(settings).info
    windows = []
    for alike in (False, True):
        window, target, second = window_of(task, alike, info.large_search_factor, info.search_size)
        picture = window.copy()
        _draw(picture, target, TARGET)
        _draw(picture, second, DECOY)
        windows.append(picture)
    return np.hstack(windows)


def _strip(scene: Scene, task: Task, settings: TrackerSettings) -> Image:
    model, other = model_of(settings), memory_of(task.strangers[0], settings)[1]
    runs = [
        run_with_status(Tracker(ConditionedModel(model, condition, other), settings), scene)
        for condition in (OTHER, OWN)
    ]
    shown = []
    for index in np.linspace(0, len(scene) - 1, FRAMES).round().astype(int):
        picture = scene.frame(int(index)).copy()
        _draw(picture, scene.boxes[index], TARGET)
        _draw(picture, scene.decoys[index], DECOY)
        for run, color in zip(runs, (SWAPPED_BOX, OWN_BOX), strict=True):
            if run.statuses[index] != int(Status.LOST):
                _draw(picture, run.boxes[index], color)
        shown.append(picture)
    strip = np.hstack(shown)
    return np.asarray(cv2.resize(strip, None, fx=0.6, fy=0.6, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def _draw(picture: Image, box: Box, color: tuple[int, int, int]) -> None:
    if np.isfinite(box).all():
        x, y, width, height = (int(number) for number in np.round(box))
        cv2.rectangle(picture, (x, y), (x + width, y + height), color, 2)


def write_page(path: Path, facts: Mapping[str, object], rows: Sequence[Row], pictures: Mapping[str, Path]) -> None:
    """Write the page with the rows as a table, and the pictures in it."""
    loader = jinja2.PackageLoader("stdtrack_ros.evaluation.memory_bench", ".")
    environment = jinja2.Environment(loader=loader, autoescape=True, trim_blocks=True, lstrip_blocks=True)
    encoded = {name: base64.b64encode(file.read_bytes()).decode() for name, file in pictures.items()}
    page = environment.get_template("page.html.j2").render(
        facts=facts, cells=[cells(row) for row in rows], columns=COLUMNS, pictures=encoded
    )
    write_text(path, page)


COLUMNS = (
    "kind",
    "clips / videos",
    "right, own",
    "right, none",
    "right, another's",
    "on target, own",
    "none",
    "another's",
    "own - none",
    "own - another's",
    "mistaken",
    "change",
)


def cells(row: Row) -> list[str]:
    """Return a row's cells as text, in percent, in the order of COLUMNS."""
    name = f"{row.kind}: {row.variant}" if row.variant else row.kind
    percentages = [
        _percent(values.get(key)) for values in (row.right, row.on_target) for key in ("own", "none", "another's")
    ]
    later = [
        _signed(row.lost_without),
        _signed(row.lost_swapped),
        _percent(row.mistaken.get("own")),
        _signed(row.change),
    ]
    return [name, f"{row.clips} / {row.videos}", *percentages, *later]


def _percent(value: Estimated | None) -> str:
    return f"{100 * value.mean:.1f} ± {100 * value.error:.1f}" if value and np.isfinite(value.mean) else ""


def _signed(value: Estimated | None) -> str:
    return f"{100 * value.mean:+.1f} ± {100 * value.error:.1f}" if value and np.isfinite(value.mean) else ""
