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

from stdtrack_ros.benchmark.costs import measure_costs
from stdtrack_ros.benchmark.energy import consumed_j
from stdtrack_ros.benchmark.footage import Footage
from stdtrack_ros.benchmark.graph_profile import (
    PREPROCESS,
    count_operations,
    count_quantized,
    graph_size,
    matrix_rate,
    profile_parts,
)
from stdtrack_ros.benchmark.timing import CLOCKS, WARM_UP, Timing, timing, timing_of_turns
from stdtrack_ros.evaluation.metrics.accuracy import FloatArray
from stdtrack_ros.evaluation.trackers.tracker_interface import TrackerSpec, TrackerUnderTest, own_tracker_spec
from stdtrack_ros.geometry import Image
from stdtrack_ros.settings import TrackerSettings, flatten, make_settings
from stdtrack_ros.tracker import Tracker, load_model
from stdtrack_ros.tracker.backends.backend import Arrays, Backend
from stdtrack_ros.tracker.models.model import FloatArray as Float32Array
from stdtrack_ros.tracker.models.shipped import shipped_model
from stdtrack_ros.tracker.result import TrackResult

JPEG_QUALITY = 90

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
class Benchmark:
    """What was measured.

    Attributes:
        stages: by name, in the order of STAGES.
        total: of whole frames, all stages but the graph's parts summed frame by frame.
        step: of one call of the tracker: all but image decoding and message.
        network: one run of the graph.
        threads: network by number of threads.
        beside: one step of this tracker and of each other one, frame by frame in turn.
        costs: a frame by image size, target size, number of targets and status.
        energy_mj: of one step, of the whole processor; None if it does not tell.
        operations: floating-point operations of one run, by part.
        quantized: of these, what is done in 8 bits.
        rate: operations per second of a matrix product here, by number of threads.
        rate_8_bit: the same of 8-bit numbers.
        floor_ms: operations over their rates, by number of threads: no run can be faster.
        model: name, provider, parameters, ... as words by name.
    """

    stages: Mapping[str, Timing]
    total: Timing
    step: Timing
    network: Timing
    threads: Mapping[int, Timing]
    beside: Mapping[str, Timing]
    costs: Mapping[str, Timing]
    energy_mj: float | None
    operations: Mapping[str, float]
    quantized: float
    rate: Mapping[int, float]
    rate_8_bit: Mapping[int, float]
    floor_ms: Mapping[int, float]
    model: Mapping[str, str]


@dataclass
class TimedBackend:
    """A backend that keeps how long its last `step` took, and what that was given."""

    inner: Backend
    step_s: float = 0.0
    inputs: dict[str, NDArray[Any]] = field(default_factory=dict)

    def run(self, graph: str, inputs: Arrays) -> Mapping[str, Float32Array]:
        """See `Backend.run`."""
        begin = time.perf_counter()
        outputs = self.inner.run(graph, inputs)
        if graph == "step":
            self.step_s, self.inputs = time.perf_counter() - begin, dict(inputs)
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
    clock: str = "wall",
    cost_runs: int = 0,
) -> Benchmark:
    """Measure a tracker on frames; the first number of `threads` is that of the stages and of the baselines.

    The tracker is never LOST here (`status.enabled` false), so that each frame costs one run of the network.

    Args:
        clock: one of CLOCKS, for whole steps; stages are always measured by the wall's.
        cost_runs: frames of each case of `measure_costs`; 0: none.

    Raises:
        ModelError: the model cannot be loaded.
    """
    first = _with_threads(settings, threads[0])
    stages, network, inputs, info = _stages(first, footage, make_message)
    path = Path(info["file"])
    operations = count_operations(path, inputs) if _is_onnx(path) else {}
    parts = {"rest of the graph": network}
    if info["backend"] == "onnx":
        parts = _parts(path, inputs, threads[0], len(footage.frames), network)
    step = np.sum([network, *(stages[name] for name in stages if name not in OUTSIDE)], axis=0)
    total = np.sum([network, *stages.values()], axis=0)
    measured = {**stages, **parts}
    rate, rate_8_bit = ({count: matrix_rate(count, quantized) for count in threads} for quantized in (False, True))
    needed = sum(operations.values())
    quantized = count_quantized(path, inputs) if _is_onnx(path) else 0.0
    floors = {n: (needed - quantized) / rate[n] + quantized / rate_8_bit[n] for n in threads}
    ours = own_tracker_spec(first, info["name"])
    return Benchmark(
        stages={name: timing(measured[name]) for name in STAGES if name in measured},
        total=timing(total),
        step=timing(step),
        network=timing(network),
        threads={count: timing(_network_time(settings, footage, count)) for count in threads},
        beside=_beside([ours, *baselines], footage, threads[0], CLOCKS[clock]),
        costs=measure_costs(load_model(first), settings, cost_runs, CLOCKS[clock]) if cost_runs else {},
        energy_mj=_energy_mj(ours, footage, threads[0]),
        operations=operations,
        quantized=quantized,
        rate=rate,
        rate_8_bit=rate_8_bit,
        floor_ms={count: 1e3 * floor for count, floor in floors.items()} if needed else {},
        model={**info, **{name: f"{value:,.2f}" for name, value in graph_size(path).items()}}
        if _is_onnx(path)
        else info,
    )


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
        "backend": info.backend,
        "provider": info.provider,
        "precision": info.precision,
        "note": info.note,
        "sha256": info.sha256,
        "file": str(getattr(backend, "path", "") or _model_path(settings)),
    }
    return {name: np.array([row[name] for row in rows]) for name in rows[0]}, np.array(network), backend.inputs, words


def _parts(
    path: Path, inputs: dict[str, NDArray[Any]], threads: int, runs: int, network: FloatArray
) -> dict[str, FloatArray]:
    """Measure seconds of the graph's parts by ONNX Runtime's profiler.

    That itself costs time: its parts are scaled so that their sum has the median of the unprofiled run.
    """
    profiled = profile_parts(path, inputs, threads, max(runs, 20))
    scale = float(np.median(network)) / float(np.median(np.sum(list(profiled.values()), axis=0)))
    parts: dict[str, FloatArray] = {}
    for part, seconds in profiled.items():
        name = part if part in STAGES else "rest of the graph"
        parts[name] = parts.get(name, np.zeros(len(seconds))) + seconds * scale
    return parts


def _network_time(settings: TrackerSettings, footage: Footage, threads: int) -> FloatArray:
    return _stages(_with_threads(settings, threads), footage, None)[1]


@dataclass
class _Run:
    """A tracker on its way through the footage, forth and back."""

    tracker: TrackerUnderTest
    footage: Footage
    shown: int = 0

    @classmethod
    def started(cls, spec: TrackerSpec, footage: Footage, threads: int) -> _Run:
        tracker = spec.make(threads)
        tracker.initialize(footage.frames[0], footage.box, 0.0)
        return cls(tracker, footage)

    def step(self) -> None:
        self.shown += 1
        last = len(self.footage.frames) - 1
        self.tracker.track(self.footage.frames[last - abs(self.shown % (2 * last) - last)], self.shown / 30)


def _beside(
    specs: Sequence[TrackerSpec], footage: Footage, threads: int, clock: Callable[[], float]
) -> dict[str, Timing]:
    runs = {spec.name: _Run.started(spec, footage, threads) for spec in specs}
    return timing_of_turns({name: run.step for name, run in runs.items()}, len(footage.frames) - 1, clock)


def _energy_mj(spec: TrackerSpec, footage: Footage, threads: int) -> float | None:
    """Energy of one step, from that of all frames; None if it cannot be read, or the counter began anew meanwhile."""
    run, steps = _Run.started(spec, footage, threads), len(footage.frames) - 1
    before = consumed_j()
    if before is None:
        return None
    for _ in range(steps):
        run.step()
    after = consumed_j()
    return None if after is None or after < before else 1e3 * (after - before) / steps


def _warmed_up(frames: Sequence[Image]) -> list[Image]:
    """Return the frames after the first, with WARM_UP repetitions of the second before them."""
    return [frames[1]] * WARM_UP + list(frames[1:])


def _with_threads(settings: TrackerSettings, threads: int) -> TrackerSettings:
    return make_settings({**flatten(settings), "model.threads": threads, "status.enabled": False})


def _model_path(settings: TrackerSettings) -> Path:
    return Path(settings.model.path).expanduser() if settings.model.path else shipped_model(settings.tracker)


def _is_onnx(path: Path) -> bool:
    return path.suffix == ".onnx"
