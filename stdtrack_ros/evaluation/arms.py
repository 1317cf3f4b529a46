# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Several trackers (models, settings) over the same sequences, in parallel processes; a pass is never run twice."""

from __future__ import annotations

import hashlib
import multiprocessing
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import suppress
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import cv2
import numpy as np
import yaml

from stdtrack_ros.errors import SettingError
from stdtrack_ros.evaluation.protocols import start_of
from stdtrack_ros.evaluation.redetection import StatusRun, run_with_status
from stdtrack_ros.sequences.catalog import SequenceHandle, open_sequences
from stdtrack_ros.sequences.origin import Origin, origin_of
from stdtrack_ros.sequences.sequence import Sequence
from stdtrack_ros.sequences.shaking import ShakingSequence
from stdtrack_ros.settings import TrackerSettings, flatten, make_settings
from stdtrack_ros.tracker import Tracker, load_model
from stdtrack_ros.tracker.models.model import Model

PUBLISHED: Mapping[str, Any] = {"status.enabled": False, "motion.enabled": False, "redetection.enabled": False}
"""The tracker alone, without loss detection, as trackers are compared in the literature."""
_NO_MATTER = {"model.path", "model.threads"}
"""Settings that do not change a pass: of the model file its hash counts."""
In = TypeVar("In")
Out = TypeVar("Out")


@dataclass(frozen=True)
class Arm:
    """One of the things that are compared."""

    name: str
    settings: TrackerSettings


def parse_arm(text: str, base: Mapping[str, Any]) -> Arm:
    """Return the arm that `name=setting=value,setting=value` describes; `name=` alone takes the base.

    Args:
        base: values by dotted name that hold unless the arm says otherwise.

    Raises:
        SettingError: a setting that does not exist, or a value that is not allowed.
    """
    name, _, changes = text.partition("=")
    values = dict(base)
    for change in filter(None, changes.split(",")):
        key, separator, value = change.partition("=")
        if not separator:
            raise SettingError(f"An arm is name=setting=value,setting=value; found '{change}' in '{text}'.")
        values[key] = yaml.safe_load(value)
    return Arm(name, make_settings(values))


@dataclass(frozen=True)
class Clip:
    """A sequence, of which every `stride`-th of at most `frames` frames from the start on is tracked (0: all).

    With `shake`, as by a camera that shakes so much; see `ShakingSequence`.
    """

    handle: SequenceHandle
    origin: Origin
    frames: int
    stride: int = 1
    shake: float = 0.0

    @property
    def name(self) -> str:
        """The name of the sequence."""
        return self.handle.name


def list_clips(
    paths: Iterable[Path], frames: int = 0, pseudo: bool = False, stride: int = 1, shake: float = 0.0
) -> list[Clip]:
    """Return the clips under the paths, without those labeled by a tracker unless `pseudo`.

    Two clips of different paths may have one name.

    Raises:
        SequenceError: a sequence cannot be opened.
    """
    # Path by path: a name that occurs under two paths would be changed, and no longer tell the source video.
    handles = [handle for path in paths for handle in open_sequences([path])]
    clips = [Clip(handle, origin_of(handle.open()), frames, stride, shake) for handle in handles]
    return [clip for clip in clips if pseudo or clip.origin.label != "pseudo"]


def run_arms(
    arms: Iterable[Arm], clips: Iterable[Clip], cache_folder: Path, workers: int = 1, told: Callable[[], None] = print
) -> dict[str, dict[str, StatusRun]]:
    """Return the pass of each arm over each clip, by the arm's name and the clip's.

    A pass is kept in the cache folder under a hash of the model file, the settings, the tracker's source code and the
    clip, and read from there the next time.

    Args:
        told: called after every pass, for a progress bar.

    Raises:
        StdtrackError: a model or a sequence cannot be read.
    """
    jobs = [(arm, clip) for arm in arms for clip in clips]
    found: dict[str, dict[str, StatusRun]] = {}
    missing = []
    for arm, clip in jobs:
        run = _read(_cache_file(cache_folder, arm, clip))
        if run is None:
            missing.append((arm, clip))
            continue
        found.setdefault(arm.name, {})[clip.name] = run
        told()
    for (arm, clip), run in in_parallel(run_clip, missing, workers):
        _write(_cache_file(cache_folder, arm, clip), run)
        found.setdefault(arm.name, {})[clip.name] = run
        told()
    return found


def in_parallel(work: Callable[[In], Out], items: Iterable[In], workers: int) -> Iterator[tuple[In, Out]]:
    """Yield each item with what `work` makes of it, as they come; in this process if there is one worker."""
    todo = list(items)
    if workers < 2 or len(todo) < 2:
        yield from ((item, work(item)) for item in todo)
        return
    # Spawned, not forked: the threads of OpenCV and ONNX Runtime do not survive a fork.
    with ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn")) as pool:
        running = {pool.submit(work, item): item for item in todo}
        yield from ((running[future], future.result()) for future in as_completed(running))


def run_clip(job: tuple[Arm, Clip]) -> StatusRun:
    """Track a clip from its first box."""
    arm, clip = job
    frames: Sequence = FirstFrames(clip.handle.open(), clip.frames, clip.stride)
    if clip.shake:
        frames = ShakingSequence(frames, clip.shake)
    return run_with_status(Tracker(model_of(arm.settings), arm.settings), frames)


@cache
def _loaded(settings: tuple[tuple[str, Any], ...]) -> Model:
    cv2.setNumThreads(1)  # the budget of a process is one core
    return load_model(make_settings(dict(settings)))


def model_of(settings: TrackerSettings) -> Model:
    """Return the model that the settings name; a process loads each one once.

    Raises:
        ModelError: see `load_model`.
    """
    return _loaded(tuple(flatten(settings).items()))


class FirstFrames:
    """A `Sequence` of the first frames of another one, from its first known box on."""

    def __init__(self, sequence: Sequence, frames: int, stride: int = 1) -> None:
        """Take every `stride`-th of at most `frames` frames (0: all), with its own stamp: a slower camera."""
        self._sequence = sequence
        self._start = start_of(sequence)[0]
        end = self._start + frames if frames else len(sequence)
        self.name, self.attributes, self.notes = sequence.name, sequence.attributes, sequence.notes
        self._stride = stride
        self.boxes = sequence.boxes[self._start : end : stride]
        self.stamps_s = sequence.stamps_s[self._start : end : stride]

    def __len__(self) -> int:
        return len(self.boxes)

    def frame(self, index: int) -> Any:
        """See `Sequence`."""
        return self._sequence.frame(self._start + self._stride * index)


def _cache_file(folder: Path, arm: Arm, clip: Clip) -> Path:
    values = {
        name: value for name, value in flatten(arm.settings).items() if name not in ("model.path", "model.threads")
    }
    info = model_of(arm.settings).info
    changed = clip.handle.path.stat().st_mtime_ns
    parts = (info.sha256, info.backend, sorted(values.items()), _code(), str(clip.handle.path), changed, clip.name)
    key = hashlib.sha256(repr((parts, clip.frames, clip.stride, clip.shake)).encode()).hexdigest()
    return folder / key[:2] / f"{key[:32]}.npz"


@cache
def _code() -> str:
    """Return a hash of the source code that decides what a tracker gives."""
    package = Path(__file__).resolve().parents[1]
    files = [
        package / "geometry.py",
        *sorted(package.glob("tracker/**/*.py")),
        *sorted(package.glob("network/**/*.py")),
    ]
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()


def _write(file: Path, run: StatusRun) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_suffix(".partial")
    with part.open("wb") as stream:
        np.savez_compressed(stream, **{each.name: getattr(run, each.name) for each in fields(run)})
    part.replace(file)


def _read(file: Path) -> StatusRun | None:
    with suppress(OSError, ValueError, KeyError, EOFError), np.load(file) as archive:
        return StatusRun(**{each.name: archive[each.name] for each in fields(StatusRun)})
    return None
