# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The memory bench: staged tasks that only the past solves, with the network's own memory, none, and another video's.

Everything is drawn from a seed before anything is run, so that all models see the same clips.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from stdtrack_ros.errors import SettingError
from stdtrack_ros.evaluation.arms import in_parallel, model_of
from stdtrack_ros.evaluation.memory_bench import scenes
from stdtrack_ros.evaluation.memory_bench.conditions import CONDITIONS, OTHER, ConditionedModel, learn
from stdtrack_ros.evaluation.memory_bench.objects import ObjectBank, View, cut_out, open_clip
from stdtrack_ros.evaluation.memory_bench.scenes import KINDS, Cast, Scene, backdrop
from stdtrack_ros.evaluation.memory_bench.two_targets import halves, is_first, query
from stdtrack_ros.evaluation.metrics.accuracy import known, overlaps
from stdtrack_ros.evaluation.redetection import StatusRun, run_with_status
from stdtrack_ros.geometry import Image
from stdtrack_ros.images import to_bgr8
from stdtrack_ros.sequences.sequence import Sequence as Frames
from stdtrack_ros.settings import TrackerSettings
from stdtrack_ros.tracker import Tracker
from stdtrack_ros.tracker.frame_view import FrameView
from stdtrack_ros.tracker.result import Status

TASKS = ("swap", "two targets", *KINDS)
LEARN_FRAMES = 10
"""Frames over which a memory is filled before a window with two targets."""
SWAP_FRAMES = 20
"""Frames of a recorded clip that are tracked under each condition."""
RETURN_S = 1.0
"""Time from coming into view within which a target must be found again."""


@dataclass(frozen=True, eq=False)
class Task:
    """One staged clip.

    Attributes:
        name: unique in a bench. kind: one of TASKS. variant: see `scenes.KINDS`.
        target: whose video the outcome counts for. second: what stands beside it. alike: the most alike target of
            another video. background: whose picture is behind. strangers: targets of yet other videos, the first of
            which lends another's memory.
    """

    name: str
    kind: str
    variant: str
    seed: tuple[int, ...]
    target: View
    second: View
    alike: View
    background: View
    strangers: tuple[View, ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one task under one condition.

    Attributes:
        task: its name. kind, variant, video: of the task.
        condition: one of CONDITIONS.
        right: 1: on the target; 0: on the other thing; NaN: on neither.
        on_target: 1 or 0; for `swap` and `fast` the fraction of the frames.
        after_s: `return` alone: time from coming into view to being found; NaN if it was not.
        mistaken: `return` alone: 1 if the look-alike was TRACKING in any frame since the target had left.
    """

    task: str
    kind: str
    variant: str
    video: str
    condition: str
    right: float
    on_target: float
    after_s: float = float("nan")
    mistaken: float = float("nan")


def plan(bank: ObjectBank, kinds: Iterable[str], count: int, seed: int) -> list[Task]:
    """Draw `count` tasks of each kind.

    Raises:
        SettingError: there is no such kind.
    """
    tasks = []
    for kind in kinds:
        if kind not in TASKS:
            raise SettingError(f"There is no kind '{kind}' in the memory bench; allowed are {', '.join(TASKS)}.")
        for number in range(count):
            key = (seed, TASKS.index(kind), number)
            rng = np.random.default_rng(key)
            staged = KINDS.get(kind)
            cut = staged is not None
            target = bank.draw(rng, cut=cut)
            alike = bank.most_alike(target, cut=cut)
            second = alike if staged and staged.alike else bank.draw(rng, (target.video,), cut=cut)
            strangers: list[View] = []
            while len(strangers) < 4:
                strangers.append(bank.draw(rng, (target.video, second.video, *(one.video for one in strangers[:2]))))
            background = bank.draw(rng, (target.video, second.video))
            variant = staged.variants[number % len(staged.variants)] if staged else ""
            name = f"{kind} {number:03d}"
            tasks.append(Task(name, kind, variant, key, target, second, alike, background, tuple(strangers)))
    return tasks


def run_bench(
    tasks: Sequence[Task],
    settings: TrackerSettings,
    conditions: Sequence[str] = CONDITIONS,
    workers: int = 1,
    told: Callable[[list[Outcome]], None] = lambda _: None,
) -> list[Outcome]:
    """Run the tasks, in the order of the tasks.

    Args:
        conditions: those under which recorded and staged clips are tracked; windows with two targets are always read
            under all of them.
        told: called after every task, with what came of it.
    """
    found: dict[str, list[Outcome]] = {}
    for (task, *_), outcomes in in_parallel(run_task, [(task, settings, tuple(conditions)) for task in tasks], workers):
        found[task.name] = outcomes
        told(outcomes)
    return [outcome for task in tasks for outcome in found[task.name]]


def run_task(job: tuple[Task, TrackerSettings, tuple[str, ...]]) -> list[Outcome]:
    """Run one task under the conditions."""
    task, settings, conditions = job
    if task.kind == "two targets":
        return _two_targets(task, settings)
    outcomes = []
    scene = stage(task) if task.kind in KINDS else None
    for condition in conditions:
        other = memory_of(task.strangers[0], settings)[1] if condition == OTHER else None
        tracker = Tracker(ConditionedModel(model_of(settings), condition, other), settings)
        if scene is None:
            run = run_with_status(tracker, _part(task.target, SWAP_FRAMES))
            on = np.nan_to_num(overlaps(run.boxes, run.ground_truth)[1:][known(run.ground_truth)[1:]])
            values: dict[str, float] = {"right": float("nan"), "on_target": float(on.mean())}
        else:
            values = _SCORES[task.kind](scene, run_with_status(tracker, scene))
        outcomes.append(Outcome(task.name, task.kind, task.variant, task.target.video, condition, **values))
    return outcomes


def stage(task: Task) -> Scene:
    """Return the clip of a task whose kind is one of `scenes.KINDS`."""
    image = to_bgr8(open_clip(task.background.clip).frame(task.background.frame))
    cast = Cast(cut_out(task.target), cut_out(task.second), backdrop(image))
    return KINDS[task.kind].stage(np.random.default_rng(task.seed), cast, task.name, task.variant)


def window_of(task: Task, alike: bool, factor: float, size: int) -> tuple[Image, Any, Any]:
    """Return the window of a task with two targets, the target's box in it and the second's."""
    second = task.alike if alike else task.second
    shown = [(to_bgr8(open_clip(view.clip).frame(view.frame)), view.box) for view in (task.target, second)]
    if np.random.default_rng(task.seed).integers(2):
        return halves(shown[0], shown[1], factor, size)
    window, beside, target = halves(shown[1], shown[0], factor, size)
    return window, target, beside


def _two_targets(task: Task, settings: TrackerSettings) -> list[Outcome]:
    model = model_of(settings)
    fresh, learned = memory_of(task.target, settings)
    other = memory_of(task.strangers[0], settings)[1]
    vague = [_start_of(view, settings, view.frame) for view in task.strangers]
    outcomes = []
    for alike in (False, True):
        second = task.alike if alike else task.second
        looks = {"own": [fresh], "vague": vague, "half": [fresh, _start_of(second, settings, second.other_frame)]}
        window, target, beside = window_of(task, alike, model.info.large_search_factor, model.info.search_size)
        for (look, condition), right in query(model, looks, learned, other, window, target, beside).items():
            variant = f"{look} template, {'most alike' if alike else 'random'}"
            values = (float("nan") if right is None else float(right), float(right is True))
            outcomes.append(Outcome(task.name, task.kind, variant, task.target.video, condition, *values))
    return outcomes


_memories: dict[tuple[str, str, int, TrackerSettings], tuple[Any, Any]] = {}
"""States of this process, fresh and with a filled memory, by clip and frame."""


def memory_of(view: View, settings: TrackerSettings) -> tuple[Any, Any]:
    """Return the states of a view's target at the start, and after some frames of its clip (none near the view's)."""
    key = (str(view.clip.handle.path), view.clip.name, view.frame, settings)
    if key not in _memories:
        model = model_of(settings)
        part = _before(view, LEARN_FRAMES)
        _memories[key] = _start_of(view, settings, part.indices[0]), learn(model, settings, part)
    return _memories[key]


def _start_of(view: View, settings: TrackerSettings, frame: int) -> Any:
    model, sequence = model_of(settings), open_clip(view.clip)
    return model.start(FrameView(sequence.frame(frame)), sequence.boxes[frame])


class _Chosen:
    """A `Sequence` of some frames of another one."""

    def __init__(self, sequence: Frames, indices: list[int]) -> None:
        self._sequence, self.indices = sequence, indices
        self.name, self.attributes, self.notes = sequence.name, sequence.attributes, sequence.notes
        self.boxes, self.stamps_s = sequence.boxes[indices], np.arange(len(indices)) / 30.0

    def __len__(self) -> int:
        return len(self.indices)

    def frame(self, index: int) -> Image:
        """See `Sequence`."""
        return to_bgr8(self._sequence.frame(self.indices[index]))


def _part(view: View, count: int) -> _Chosen:
    """Return some frames in a row, from a frame in which the target is seen."""
    sequence = open_clip(view.clip)
    first = min(view.frame, view.other_frame, max(len(sequence) - count, 0))
    seen = np.flatnonzero(known(sequence.boxes))
    start = int(seen[np.searchsorted(seen, first)])
    return _Chosen(sequence, list(range(start, min(start + count, len(sequence)))))


def _before(view: View, count: int) -> _Chosen:
    """Return frames in a row that lead to the view's neighborhood: backward if the view lies in the first half."""
    sequence = open_clip(view.clip)
    seen = np.flatnonzero(known(sequence.boxes))
    middle = (view.frame + view.other_frame) // 2
    forward = view.frame > middle
    chosen = seen[seen <= middle][-count:] if forward else seen[seen >= middle][:count][::-1]
    return _Chosen(sequence, [int(index) for index in chosen])


def _at_the_end(scene: Scene, run: StatusRun) -> dict[str, float]:
    """Score by the last frame in which the target is seen."""
    last = int(np.flatnonzero(known(scene.boxes))[-1])
    return _on(is_first(run.boxes[last], scene.boxes[last], scene.decoys[last]), run.statuses[last])


def _on(right: bool | None, status: int) -> dict[str, float]:
    if status == int(Status.LOST) or right is None:
        return {"right": float("nan"), "on_target": 0.0}
    return {"right": float(right), "on_target": float(right)}


def _fraction_of_frames(scene: Scene, run: StatusRun) -> dict[str, float]:
    """Score by all frames; `right` by the last one."""
    on = np.nan_to_num(overlaps(run.boxes, run.ground_truth)[1:]) >= 0.3
    return {**_at_the_end(scene, run), "on_target": float(on.mean())}


def _return(scene: Scene, run: StatusRun) -> dict[str, float]:
    """Score by the first second after the target came into view again."""
    away = scenes.RETURN_AWAY[0] + int(np.flatnonzero(np.isnan(scene.boxes[scenes.RETURN_AWAY[0] :, 0]))[0])
    back = away + int(np.flatnonzero(known(scene.boxes[away:]))[0])
    tracking = run.statuses == int(Status.TRACKING)
    firsts = [is_first(*boxes) for boxes in zip(run.boxes, scene.boxes, scene.decoys, strict=True)]
    limit = back + round(RETURN_S * scene.fps)
    found = [index for index in range(back, len(scene)) if tracking[index] and firsts[index] is True]
    mistaken = any(tracking[index] and firsts[index] is False for index in range(away, len(scene)))
    in_time = bool(found) and found[0] <= limit
    ending = _at_the_end(scene, run)
    return {
        "right": ending["right"],
        "on_target": float(in_time),
        "after_s": (found[0] - back) / scene.fps if found else float("nan"),
        "mistaken": float(mistaken),
    }


_SCORES: dict[str, Callable[[Scene, StatusRun], dict[str, float]]] = {
    "twins": _at_the_end,
    "metamorphosis": _at_the_end,
    "fast": _fraction_of_frames,
    "return": _return,
}
