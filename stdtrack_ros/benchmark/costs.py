# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What a frame costs, memory included, by image size, target size, number of targets and status."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from stdtrack_ros.benchmark.footage import Footage, painted_footage
from stdtrack_ros.benchmark.timing import Timing, timing_of_turns
from stdtrack_ros.settings import TrackerSettings
from stdtrack_ros.tracker.models.model import Model
from stdtrack_ros.tracker.multi_tracker import MultiTargetTracker
from stdtrack_ros.tracker.result import Status

IMAGE_SIZES = ((640, 480), (1280, 720), (1920, 1080), (3840, 2160))
TARGET_SIDES = (32, 64, 128, 256)
TARGET_COUNTS = (1, 2, 4, 8)
USUAL_SIZE, USUAL_SIDE = (1280, 720), 90
FRAMES = 4
"""Frames of a scene, shown forth and back: more would take gigabytes at 4K."""
LOSING_FRAMES = 90
"""Frames without the target after which it is LOST, or never will be."""


@dataclass
class Case:
    """One target, or several, in one scene.

    Attributes:
        shown: how many frames have been.
    """

    tracker: MultiTargetTracker
    footage: Footage
    shown: int = 0

    @classmethod
    def started(cls, model: Model, settings: TrackerSettings, footage: Footage, targets: int = 1) -> Case:
        """Start that many targets on the box: what a target costs does not depend on the others' places."""
        tracker = MultiTargetTracker(model, settings)
        for number in range(targets):
            tracker.initialize(f"{number}", footage.frames[0], footage.box, 0.0)
        return cls(tracker, footage)

    def step(self) -> set[Status]:
        """Track in the next frame and remember it; return the status of each target."""
        self.shown += 1
        last = len(self.footage.frames) - 1
        frame = self.footage.frames[last - abs(self.shown % (2 * last) - last)]
        found = self.tracker.track(frame, self.shown / 30)
        self.tracker.finish()
        return {result.status for result in found.results.values()}


def measure_costs(
    model: Model, settings: TrackerSettings, runs: int, clock: Callable[[], float]
) -> Mapping[str, Timing]:
    """Measure all cases in turn, `runs` frames of each, so that what disturbs the machine disturbs all alike."""
    calm = settings.model_copy(update={"status": settings.status.model_copy(update={"enabled": False})})
    usual = painted_footage(*USUAL_SIZE, FRAMES, USUAL_SIDE)
    cases: dict[str, Case] = {}
    for width, height in IMAGE_SIZES:
        scene = painted_footage(width, height, FRAMES, USUAL_SIDE)
        cases[f"{width}x{height} px"] = Case.started(model, calm, scene)
    for side in TARGET_SIDES:
        cases[f"target of {side} px"] = Case.started(model, calm, painted_footage(*USUAL_SIZE, FRAMES, side))
    for count in TARGET_COUNTS:
        cases[f"{count} targets" if count > 1 else "1 target"] = Case.started(model, calm, usual, count)
    if (lost := lost_target(model, settings)) is not None:
        cases[Status.LOST.name] = lost
    return timing_of_turns({name: case.step for name, case in cases.items()}, runs, clock)


def lost_target(model: Model, settings: TrackerSettings) -> Case | None:
    """Return a target that is LOST in a scene without it; None if the tracker does not lose it."""
    case = Case.started(model, settings, painted_footage(*USUAL_SIZE, FRAMES, USUAL_SIDE))
    case.footage = painted_footage(*USUAL_SIZE, FRAMES, side=0, seed=1)
    for _ in range(LOSING_FRAMES):
        if case.step() == {Status.LOST}:
            return case
    return None
