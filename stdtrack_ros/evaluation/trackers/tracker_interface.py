# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What evaluation asks of a tracker, and where it finds trackers: ours, baselines, and those that users plug in.

A user's own tracker takes ten lines (`docs/evaluation.md`): a class with `initialize` and `track`, and an entry point
in the group `stdtrack_ros.trackers` that names something which makes one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple, Protocol, runtime_checkable

import numpy as np
from numpy.typing import ArrayLike

from stdtrack_ros.errors import SettingError
from stdtrack_ros.geometry import Pixels
from stdtrack_ros.settings import TrackerSettings, flatten, make_settings
from stdtrack_ros.tracker.result import TrackResult

ENTRY_POINT_GROUP = "stdtrack_ros.trackers"


class Estimate(NamedTuple):
    """What a tracker under test says of one frame; a plain `(box, quality)` does as well.

    Attributes:
        box: x, y, width, height in pixels; NaN if the tracker says that it has none.
        quality: the tracker's own confidence; NaN if it gives none.
        velocity: (2,) of the box centre in px/s, for forecasting; NaN if it gives none.
    """

    box: ArrayLike
    quality: float = float("nan")
    velocity: ArrayLike = (float("nan"), float("nan"))


class TrackerUnderTest(Protocol):
    """One tracker object; it is started again and again, each time afresh.

    tracker.initialize(sequence.frame(0), sequence.boxes[0], sequence.stamps_s[0])
    box, quality, *_ = tracker.track(sequence.frame(1), sequence.stamps_s[1])
    """

    def initialize(self, image: Pixels, box: ArrayLike, stamp_s: float) -> None:
        """Start on a box (x, y, width, height in px) of an image; what was tracked before is forgotten.

        Images are (H, W, 3) BGR, uint8 or, from sensors of more bits, uint16 (`stdtrack_ros.images.to_bgr8` converts).
        """

    def track(self, image: Pixels, stamp_s: float) -> Estimate | tuple[ArrayLike, float]:
        """Return where the target is in the next image that the tracker is shown."""


@runtime_checkable
class PromptTracker(TrackerUnderTest, Protocol):
    """A tracker whose result can be out before all of the work on a frame is done."""

    def track_first(self, image: Pixels, stamp_s: float) -> Estimate | tuple[ArrayLike, float]:
        """Do as `track` does, and leave for `finish`, or else for the next call, what the result does not need."""

    def finish(self, spare_s: float) -> None:
        """Do the rest, but nothing that can be left out and takes longer than this, in seconds."""


TrackerFactory = Callable[[], TrackerUnderTest]


@dataclass(frozen=True, slots=True)
class TrackerSpec:
    """A tracker by name, and how to make one; picklable, so that other processes make their own.

    Attributes:
        name: as reports show it, unique in a run, fit for a file name.
        make: makes the tracker with that number of CPU threads (0: all cores).
        note: a sentence on how it is set up, for reports.
        identity: changes when results can change (settings, model's hash), so that old results are not mixed in.
    """

    name: str
    make: Callable[[int], TrackerUnderTest]
    note: str = ""
    identity: str = ""


class OwnTracker:
    """The package's tracker behind the interface of evaluation."""

    def __init__(self, settings: TrackerSettings) -> None:
        """Load the model.

        Raises:
            ModelError: the model cannot be loaded.
        """
        from stdtrack_ros.tracker import create_tracker

        self.tracker = create_tracker(settings)

    def initialize(self, image: Pixels, box: ArrayLike, stamp_s: float) -> None:
        """See `TrackerUnderTest`."""
        self.tracker.initialize(image, np.asarray(box, dtype=np.float64), stamp_s)

    def track(self, image: Pixels, stamp_s: float) -> Estimate:
        """See `TrackerUnderTest`."""
        return _estimate(self.tracker.track(image, stamp_s))

    def track_first(self, image: Pixels, stamp_s: float) -> Estimate:
        """See `PromptTracker`."""
        return _estimate(self.tracker.track(image, stamp_s, remember_later=True))

    def finish(self, spare_s: float) -> None:
        """See `PromptTracker`."""
        self.tracker.finish(spare_s)


def _estimate(result: TrackResult) -> Estimate:
    return Estimate(result.box, result.quality, result.velocity)


def own_tracker_spec(settings: TrackerSettings, name: str = "") -> TrackerSpec:
    """Return the package's tracker with these settings; its model is loaded once, so that a bad one is known now.

    Raises:
        ModelError: the model cannot be loaded.
    """
    defaults = flatten(make_settings({}))
    values = flatten(settings)
    changed = {key: value for key, value in values.items() if value != defaults[key]}
    info = OwnTracker(settings).tracker.model.info
    words = [info.name, info.provider, info.precision, info.note, f"model {info.sha256[:12]}"]
    words += [f"{key} {value}" for key, value in changed.items()]
    identity = f"{info.sha256} {info.provider} {sorted(values.items())}"  # defaults, too, may be others one day
    return TrackerSpec(name or settings.tracker, partial(_make_own, settings), ", ".join(filter(None, words)), identity)


def _make_own(settings: TrackerSettings, threads: int) -> TrackerUnderTest:
    model = settings.model.model_copy(update={"threads": threads or settings.model.threads})
    return OwnTracker(settings.model_copy(update={"model": model}))


def plugged_in() -> dict[str, metadata.EntryPoint]:
    """Return the trackers that installed packages offer, by name."""
    return {point.name: point for point in metadata.entry_points(group=ENTRY_POINT_GROUP)}


def plugged_in_tracker_spec(name: str) -> TrackerSpec:
    """Return a user's tracker, by the name of its entry point.

    Raises:
        SettingError: no installed package offers a tracker of that name.
    """
    points = plugged_in()
    if name not in points:
        known = ", ".join(sorted(points)) or "none"
        raise SettingError(
            f"No installed package offers a tracker named '{name}' (entry points of the group {ENTRY_POINT_GROUP}: "
            f"{known}); install the package, or name one of these."
        )
    point = points[name]
    version = f"{point.dist.name} {point.dist.version}" if point.dist else point.value
    return TrackerSpec(name, partial(_make_plugged_in, name), f"plug-in {version}", f"{version} {_changed(point)}")


def _changed(point: metadata.EntryPoint) -> float:
    """Return when the plug-in's module was changed: under development, code changes and the version does not."""
    try:
        spec = find_spec(point.module)
        return Path(spec.origin).stat().st_mtime if spec and spec.origin else 0.0
    except (ImportError, ValueError, OSError):
        return 0.0


def _make_plugged_in(name: str, threads: int) -> TrackerUnderTest:
    try:
        made: TrackerUnderTest = plugged_in()[name].load()()
    except Exception as error:  # the plug-in is foreign code: whatever it raises is the user's to see in one line
        raise SettingError(
            f"The plugged-in tracker '{name}' cannot be made: {type(error).__name__}: {error}"
        ) from error
    for verb in ("initialize", "track"):
        if not callable(getattr(made, verb, None)):
            raise SettingError(
                f"The plugged-in tracker '{name}' has no method '{verb}'; it needs initialize and track."
            )
    return made
