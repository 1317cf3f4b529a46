# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Where the time of a frame goes, from the compressed image to the message, beside other trackers and the floor."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from stdtrack_ros.benchmark.graph_profile import PREPROCESS, count_operations, graph_size, matrix_rate, profile_parts
from stdtrack_ros.evaluation.metrics.accuracy import FloatArray
from stdtrack_ros.evaluation.trackers.tracker_interface import TrackerSpec
from stdtrack_ros.geometry import Box, Image
from stdtrack_ros.settings import TrackerSettings, flatten, make_settings
from stdtrack_ros.tracker import Tracker, load_model
from stdtrack_ros.tracker.backends.backend import Arrays, Backend
from stdtrack_ros.tracker.models.model import FloatArray as Float32Array
from stdtrack_ros.tracker.models.shipped import shipped_model
from stdtrack_ros.tracker.result import TrackResult

WARM_UP = 5
JPEG_QUALITY = 90
PERCENTILES = (50, 95, 99)

STAGES: Mapping[str, str] = {
    "image decoding": "JPEG to pixels (a raw image skips this)",
    "crop": "search window cut out and resampled",
    PREPROCESS: "inside the graph: to float, normalised",
    "backbone": "features of search window and template",
    "transformer": "STARK's encoder and decoder",
    "MFIFM": "fusion with the stored tokens",
    "mask": "mask enhancement",
    "head": "score, size and offset maps",
    "quality": "calibrated quality",
    "rest of the graph": "what belongs to no part",
    "box decoding": "maps to a box, arrays in and out",
    "STM": "token offered to the memory",
    "state": "status, motion, bookkeeping",
    "message": "result to a serialised TrackedBox",
}
"""What a frame goes through, in order."""
OUTSIDE = ("image decoding", "message")
"""Stages that are not the tracker's own."""


@dataclass(frozen=True, slots=True)
class Footage:
    """Frames to measure on.

    Attributes:
        frames: (H, W, 3) uint8 BGR each.
        box: (4,) of the target in the first frame.
        source: where they are from, in words.
    """

    frames: Sequence[Image]
    box: Box
    source: str


@dataclass(frozen=True, slots=True)
class Timing:
    """Milliseconds of one stage.

    Attributes:
        p50, p95, p99: percentiles over frames.
    """

    p50: float
    p95: float
    p99: float


@dataclass(frozen=True, slots=True)
class Benchmark:
    """What was measured.

    Attributes:
        stages: by name, in the order of STAGES.
        total: of whole frames, all stages but the graph's parts summed frame by frame.
        step: of one call of the tracker, as the baselines are measured: all but image decoding and message.
        network: one run of the graph.
        threads: network by number of threads.
        baselines: one step of each other tracker.
        operations: floating-point operations of one run, by part.
        rate: operations a second of a matrix product here, by number of threads.
        floor_ms: operations over rate, by number of threads: no run can be faster.
        model: name, provider, parameters, ... as words by name.
    """

    stages: Mapping[str, Timing]
    total: Timing
    step: Timing
    network: Timing
    threads: Mapping[int, Timing]
    baselines: Mapping[str, Timing]
    operations: Mapping[str, float]
    rate: Mapping[int, float]
    floor_ms: Mapping[int, float]
    model: Mapping[str, str]


@dataclass
class TimedBackend:
    """A backend that keeps how long its last step took, and what it was given."""

    inner: Backend
    step_s: float = 0.0
    inputs: dict[str, NDArray[Any]] = field(default_factory=dict)

    def step(self, inputs: Arrays) -> Mapping[str, Float32Array]:
        """Run the inner backend's step; keep its time and its inputs."""
        begin = time.perf_counter()
        outputs = self.inner.step(inputs)
        self.step_s = time.perf_counter() - begin
        self.inputs = dict(inputs)
        return outputs

    def __getattr__(self, name: str) -> Any:
        """Return an attribute of the inner backend."""
        return getattr(self.inner, name)


def run_benchmark(
    settings: TrackerSettings,
    footage: Footage,
    threads: Sequence[int],
    baselines: Sequence[TrackerSpec],
    make_message: Callable[[TrackResult], object] | None = None,
) -> Benchmark:
    """Measure a tracker on frames; the first number of `threads` is that of the stages and of the baselines.

    The tracker is never LOST here (`status.enabled` false), so that each frame costs one run of the network.

    Raises:
        ModelError: the model cannot be loaded.
    """
    stages, network, inputs, info = _stages(_with_threads(settings, threads[0]), footage, make_message)
    path = Path(settings.model.path).expanduser() if settings.model.path else shipped_model(settings.tracker)
    parts, operations = _graph(path, inputs, threads[0], len(footage.frames), network)
    step = np.sum([network, *(stages[name] for name in stages if name not in OUTSIDE)], axis=0)
    total = np.sum([network, *stages.values()], axis=0)
    measured = {**stages, **parts}
    rate = {count: matrix_rate(count) for count in threads}
    needed = sum(operations.values())
    return Benchmark(
        stages={name: timing(measured[name]) for name in STAGES if name in measured},
        total=timing(total),
        step=timing(step),
        network=timing(network),
        threads={count: timing(_network_time(settings, footage, count)) for count in threads},
        baselines={baseline.name: timing(_baseline_time(baseline, footage, threads[0])) for baseline in baselines},
        operations=operations,
        rate=rate,
        floor_ms={count: 1e3 * needed / each for count, each in rate.items()} if needed else {},
        model={**info, **{name: f"{value:,.2f}" for name, value in graph_size(path).items()}}
        if _is_onnx(path)
        else info,
    )


def timing(seconds: FloatArray) -> Timing:
    """Return percentiles in milliseconds of (N,) seconds."""
    return Timing(*(float(value) for value in np.percentile(seconds * 1e3, PERCENTILES)))


def _stages(
    settings: TrackerSettings, footage: Footage, make_message: Callable[[TrackResult], object] | None
) -> tuple[dict[str, FloatArray], FloatArray, dict[str, NDArray[Any]], dict[str, str]]:
    """Return seconds of each stage outside the graph and of the graph, by frame; the graph's inputs; the model info."""
    model = load_model(settings)
    backend = TimedBackend(model.backend)  # type: ignore[attr-defined]
    model.backend = backend  # type: ignore[attr-defined]
    tracker = Tracker(model, settings)
    tracker.initialize(footage.frames[0], footage.box)
    rows: list[dict[str, float]] = []
    network: list[float] = []
    for frame in _warmed_up(footage.frames):
        encoded = cv2.imencode(".jpg", frame, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])[1]
        begin = time.perf_counter()
        image = cv2.imdecode(encoded, cv2.IMREAD_COLOR)
        decoded = time.perf_counter()
        result = tracker.track(np.asarray(image, dtype=np.uint8))
        tracked = time.perf_counter()
        if make_message is not None:
            make_message(result)
        done = time.perf_counter()
        spent = {key: 1e-3 * value for key, value in result.timings_ms.items()}
        network.append(backend.step_s)
        rows.append(
            {
                "image decoding": decoded - begin,
                "crop": spent["crop"],
                "box decoding": spent["model"] - backend.step_s,
                "STM": spent["memory"],
                "state": tracked - decoded - spent["crop"] - spent["model"] - spent["memory"],
                **({"message": done - tracked} if make_message is not None else {}),
            }
        )
    rows, network = rows[WARM_UP:], network[WARM_UP:]
    info = model.info
    words = {
        "name": info.name,
        "provider": info.provider,
        "precision": info.precision,
        "note": info.note,
        "sha256": info.sha256,
    }
    return {name: np.array([row[name] for row in rows]) for name in rows[0]}, np.array(network), backend.inputs, words


def _graph(
    path: Path, inputs: dict[str, NDArray[Any]], threads: int, runs: int, network: FloatArray
) -> tuple[dict[str, FloatArray], dict[str, float]]:
    """Return the seconds of the graph's parts and their operations; without ONNX the graph is one piece.

    The profiler itself costs time: its parts are scaled so that their sum has the median of the unprofiled run.
    """
    if not _is_onnx(path):
        return {"rest of the graph": network}, {}
    profiled = profile_parts(path, inputs, threads, max(runs, 20))
    scale = float(np.median(network)) / float(np.median(np.sum(list(profiled.values()), axis=0)))
    parts: dict[str, FloatArray] = {}
    for part, seconds in profiled.items():
        name = part if part in STAGES else "rest of the graph"
        parts[name] = parts.get(name, np.zeros(len(seconds))) + seconds * scale
    return parts, count_operations(path, inputs)


def _network_time(settings: TrackerSettings, footage: Footage, threads: int) -> FloatArray:
    return _stages(_with_threads(settings, threads), footage, None)[1]


def _baseline_time(baseline: TrackerSpec, footage: Footage, threads: int) -> FloatArray:
    tracker = baseline.make(threads)
    tracker.initialize(footage.frames[0], footage.box, 0.0)
    seconds = []
    for number, frame in enumerate(_warmed_up(footage.frames), start=1):
        begin = time.perf_counter()
        tracker.track(frame, number / 30)
        seconds.append(time.perf_counter() - begin)
    return np.array(seconds[WARM_UP:])


def _warmed_up(frames: Sequence[Image]) -> list[Image]:
    """Return the frames after the first, with WARM_UP repetitions of the second before them."""
    return [frames[1]] * WARM_UP + list(frames[1:])


def _with_threads(settings: TrackerSettings, threads: int) -> TrackerSettings:
    return make_settings({**flatten(settings), "model.threads": threads, "status.enabled": False})


def _is_onnx(path: Path) -> bool:
    return path.suffix == ".onnx"


def painted_footage(width: int, height: int, frames: int) -> Footage:
    """Paint in memory frames with a patch of texture that sways over another texture."""
    random = np.random.default_rng(0)
    background = _texture(random, width, height, 12)
    side = max(min(width, height) // 8, 16)
    patch = _texture(random, side, side, 4)
    pictures: list[Image] = []
    first: NDArray[np.int64] = np.zeros(2, dtype=np.int64)
    for number in range(frames + 1):
        phase = 2 * np.pi * number / 120
        corner = np.array([width - side, height - side]) * (0.5 + 0.2 * np.array([np.sin(phase), np.cos(phase)]))
        x, y = corner.astype(int)
        first = corner.astype(np.int64) if number == 0 else first
        picture = background.copy()
        picture[y : y + side, x : x + side] = patch
        pictures.append(picture)
    return Footage(pictures, np.array([*first, side, side], dtype=np.float64), f"painted, {width}x{height} px")


def _texture(random: np.random.Generator, width: int, height: int, grain: int) -> Image:
    coarse = random.integers(0, 256, (max(height // grain, 2), max(width // grain, 2), 3), dtype=np.uint8)
    return np.asarray(cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC), dtype=np.uint8)
