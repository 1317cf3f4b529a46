#!/usr/bin/env python3
# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Check of a machine with a GPU: does the network run there, how fast, and does it give what the CPU gives.

    python tools/gpu_check.py --out gpu_check.json

runs the network on a painted clip by each way that there is (ONNX Runtime and PyTorch, on CPU, CUDA and TensorRT), each
in a process of its own, twice: the second time finds the caches of the first. It prints a table and writes JSON; a way
that is not there is one sentence. It needs no ROS.
"""

from __future__ import annotations

import argparse
import ctypes
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from stdtrack_ros.settings import make_settings  # noqa: E402
from stdtrack_ros.system_info import describe_system  # noqa: E402
from stdtrack_ros.tracker import MultiTargetTracker, load_model  # noqa: E402
from stdtrack_ros.tracker.models.decode import decode  # noqa: E402
from stdtrack_ros.tracker.models.shipped import shipped_model  # noqa: E402

WAYS = ("onnx:cpu", "onnx:cuda", "onnx:tensorrt", "onnx:auto", "torch:cpu", "torch:cuda")
DEVICES = {"onnx:cuda": "CUDA", "onnx:tensorrt": "Tensorrt", "torch:cuda": "cuda"}
"""What the provider's name begins with where a way is really there."""
GRAPHS = ("start", "memory", "step")
WIDTH, HEIGHT, SIDE = 640, 480, 56
TARGETS = 4
KEPT = 6
"""Of how many steps one is kept, to be run again elsewhere."""
BATCHES = (1, 2, 3, TARGETS, 5, 1)
"""Batch sizes as they come when targets join, and one more window is searched for a lost one."""


@dataclass
class RecordingBackend:
    """A backend that keeps what went in and out."""

    inner: Any
    calls: list[tuple[str, Mapping[str, Any], Mapping[str, Any]]] = field(default_factory=list)

    def run(self, graph: str, inputs: Mapping[str, Any]) -> Mapping[str, Any]:
        """See `Backend.run`."""
        outputs = self.inner.run(graph, inputs)
        self.calls.append((graph, dict(inputs), outputs))
        return outputs

    def __getattr__(self, name: str) -> Any:
        """Leave everything else to the inner backend."""
        return getattr(self.inner, name)


def painted_clip(frames: int) -> tuple[list[Any], list[Any]]:
    """Paint four patches of texture that sway over another texture.

    Returns:
        `frames` images (H, W, 3) uint8, and the (4,) boxes of the patches in the first.
    """
    random = np.random.default_rng(0)

    def texture(width: int, height: int, grain: int) -> Any:
        coarse = random.integers(0, 256, (height // grain, width // grain, 3), dtype=np.uint8)
        return cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)

    background, patches = texture(WIDTH, HEIGHT, 20), [texture(SIDE, SIDE, 7) for _ in range(TARGETS)]
    centres = [(160, 120), (480, 120), (160, 360), (480, 360)]
    images, boxes = [], []
    for number in range(frames):
        image = background.copy()
        for index, (patch, (x, y)) in enumerate(zip(patches, centres, strict=True)):
            phase = 2 * np.pi * (number / 60 + index / TARGETS)
            left, top = int(x + 40 * np.sin(phase)) - SIDE // 2, int(y + 30 * np.cos(phase)) - SIDE // 2
            image[top : top + SIDE, left : left + SIDE] = patch
            if number == 0:
                boxes.append(np.array([left, top, SIDE, SIDE], dtype=np.float64))
        images.append(image)
    return images, boxes


def settings_of(way: str, model: Path, checkpoint: Path) -> Any:
    """Return the tracker's settings: 32 bits, and targets that are never lost, so that all ways run the same steps."""
    backend, provider = way.split(":")
    return make_settings(
        {
            "model.path": str(checkpoint if backend == "torch" else model),
            "model.provider": provider,
            "model.precision": "fp32",
            "status.enabled": False,
        }
    )


def track(model: Any, settings: Any, frames: int, targets: int) -> Any:
    """Return the (frames - 1, targets, 4) boxes of the painted clip."""
    images, boxes = painted_clip(frames)
    tracker = MultiTargetTracker(model, settings)
    for index, box in enumerate(boxes[:targets]):
        tracker.initialize(str(index), images[0], box, 0.0)
    found = []
    for number, image in enumerate(images[1:], start=1):
        results = tracker.track(image, number / 30).results
        tracker.finish()
        found.append([results[str(index)].box for index in range(targets)])
    return np.array(found)


def record(path: Path, way: str, model: Path, checkpoint: Path, frames: int) -> None:
    """Write what goes in and out of the network on the CPU, and the boxes, for one target and for four."""
    settings = settings_of(way, model, checkpoint)
    arrays: dict[str, Any] = {"frames": np.array(frames)}
    for targets in (1, TARGETS):
        network = load_model(settings)
        network.backend = backend = RecordingBackend(network.backend)
        arrays[f"boxes/{targets}"] = track(network, settings, frames, targets)
        calls = [call for call in backend.calls if call[0] == "start"]
        calls += [call for call in backend.calls if call[0] == "memory"]
        calls += [call for call in backend.calls if call[0] == "step"][::KEPT]
        for number, (graph, inputs, outputs) in enumerate(calls):
            for side, values in (("in", inputs), ("out", outputs)):
                arrays |= {f"{targets}/{graph}/{number}/{side}/{name}": array for name, array in values.items()}
    np.savez(path, **arrays)


def recorded(arrays: Mapping[str, Any], targets: int, graph: str) -> list[dict[str, dict[str, Any]]]:
    """Return the recorded calls of a graph: arrays by name under `in` and `out`."""
    calls: dict[str, dict[str, dict[str, Any]]] = {}
    for key in arrays:
        place, _, rest = key.partition(f"{targets}/{graph}/")
        if not place and rest:
            number, side, name = rest.split("/")
            calls.setdefault(number, {"in": {}, "out": {}})[side][name] = arrays[key]
    return list(calls.values())


def measure(way: str, model: Path, checkpoint: Path, recording: Path, runs: int) -> dict[str, Any]:
    """Measure one way in this process."""
    if way.startswith("torch"):
        import torch  # noqa: F401  (its import is no part of the time to load)
    settings = settings_of(way, model, checkpoint)
    begin = time.perf_counter()
    network = load_model(settings)
    row: dict[str, Any] = {"load_s": time.perf_counter() - begin}
    info, backend = network.info, network.backend
    row |= {"provider": info.provider, "nodes": dict(getattr(backend, "nodes_by_provider", {})), "note": info.note}
    if not info.provider.startswith(DEVICES.get(way, "")):
        return {"sentence": f"{info.note} {loader_error(way)}".strip()}
    if runs == 0:
        return row
    arrays = dict(np.load(recording))
    row["engines_after_loading"] = engines()
    step = recorded(arrays, 1, "step")[0]["in"]
    row["new_batch_ms"] = [(size, first_and_later(backend, step, size)) for size in BATCHES]
    row["engines_at_the_end"] = engines()
    for graph in GRAPHS:
        for targets in (1, TARGETS) if graph == "step" else (1,):
            inputs = [call["in"] for call in recorded(arrays, targets, graph)]
            row[f"{graph}_{targets}_ms"] = percentiles(partial(backend.run, graph), inputs, runs)
    row["difference"] = differences(backend, arrays)
    for targets in (1, TARGETS):
        boxes = track(network, settings, int(arrays["frames"]), targets)
        row[f"clip_{targets}_px"] = float(np.median(np.abs(boxes - arrays[f"boxes/{targets}"]).max(axis=-1)))
    return row


def loader_error(way: str) -> str:
    """Return what the system's loader says of ONNX Runtime's provider library; empty if it is not installed."""
    backend, provider = way.split(":")
    specification = importlib.util.find_spec("onnxruntime") if backend == "onnx" else None
    if specification is None or specification.origin is None:
        return ""
    library = Path(specification.origin).parent / "capi" / f"libonnxruntime_providers_{provider}.so"
    if not library.exists():
        return ""
    try:
        ctypes.CDLL(str(library))
    except OSError as error:
        return f"({error})"
    return ""


def engines() -> int:
    """Return how many engines lie in the cache."""
    return len(list(Path(os.environ.get("XDG_CACHE_HOME", "/nowhere")).rglob("*.engine")))


def first_and_later(backend: Any, step: Mapping[str, Any], size: int) -> tuple[float, float]:
    """Return milliseconds of the first step of a batch size, and the median of the ten after it."""
    inputs = {name: np.repeat(array, size, axis=0) for name, array in step.items()}
    spent = [timed(partial(backend.run, "step"), inputs) for _ in range(11)]
    return spent[0], float(np.median(spent[1:]))


def percentiles(run: Any, inputs: list[Any], runs: int) -> dict[str, float]:
    """Return p50 and p95 in ms over `runs` runs, after some to warm up."""
    spent = [timed(run, inputs[number % len(inputs)]) for number in range(runs + 10)][10:]
    p50, p95 = np.percentile(spent, (50, 95))
    return {"p50": float(p50), "p95": float(p95)}


def timed(run: Any, inputs: Mapping[str, Any]) -> float:
    """Return how many ms a run takes until its outputs are in the host's memory."""
    begin = time.perf_counter()
    run(inputs)
    return 1e3 * (time.perf_counter() - begin)


def differences(backend: Any, arrays: Mapping[str, Any]) -> dict[str, float]:
    """Return the largest difference from the CPU by output, and of the box (px of the crop), on the recorded inputs."""
    largest: dict[str, float] = {}
    for targets in (1, TARGETS):
        for graph in GRAPHS:
            for call in recorded(arrays, targets, graph):
                outputs, expected = dict(backend.run(graph, call["in"])), call["out"]
                if "offset" in outputs:
                    size = call["in"]["search"].shape[1]
                    outputs["box"], expected["box"] = decoded(outputs, size), decoded(expected, size)
                for name, array in outputs.items():
                    largest[name] = max(largest.get(name, 0.0), float(np.abs(array - expected[name]).max()))
    return largest


def decoded(outputs: Mapping[str, Any], size: int) -> Any:
    """Return the (B, 4) boxes of a step's maps."""
    maps = zip(outputs["score"], outputs["size"], outputs["offset"], strict=True)
    return np.array([decode(score[0], sizes, offset, size, 0.8) for score, sizes, offset in maps])


def check(model: Path, checkpoint: Path, ways: list[str], frames: int, runs: int, limit_s: float) -> dict[str, Any]:
    """Record on the CPU, then measure each way in two processes, the second of which finds the caches of the first."""
    rows: dict[str, Any] = {}
    with tempfile.TemporaryDirectory(prefix="gpu_check_") as name:
        folder = Path(name)
        shared = ["--model", str(model), "--checkpoint", str(checkpoint), "--recording", str(folder / "recording.npz")]
        reference = "onnx:cpu" if any(way.startswith("onnx") for way in ways) else "torch:cpu"
        made = run_apart(["--way", reference, "--frames", str(frames), *shared, "--record"], folder, limit_s)
        if made.get("sentence"):
            raise SystemExit(f"The CPU's outputs could not be recorded: {made['sentence']}")
        for way in ways:
            print(f"{way} ...", file=sys.stderr, flush=True)
            row = run_apart(["--way", way, "--runs", str(runs), *shared], folder, limit_s)
            if not row.get("sentence"):
                again = run_apart(["--way", way, "--runs", "0", *shared], folder, limit_s)
                row["load_again_s"] = again.get("load_s", float("nan"))
            rows[way] = row
    return {"system": {**describe_system(), "GPU": gpu_name()}, "frames": frames, "runs": runs, "ways": rows}


def run_apart(arguments: list[str], folder: Path, limit_s: float) -> dict[str, Any]:
    """Run this script in a process of its own, with its caches in the folder; a failure is a sentence."""
    environment = os.environ | {"XDG_CACHE_HOME": str(folder / "cache")}
    command = [sys.executable, str(Path(__file__).resolve()), *arguments]
    try:
        done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=limit_s, check=False)
    except subprocess.TimeoutExpired:
        return {"sentence": f"It did not end within {limit_s:g} s."}
    if done.returncode:
        lines = done.stderr.strip().splitlines() or [f"It ended with {done.returncode}."]
        return {"sentence": lines[-1]}
    row: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return row


def gpu_name() -> str:
    """Return what the driver's tool calls the GPU."""
    query = ["nvidia-smi", "--query-gpu=name,driver_version", "--format=csv,noheader"]
    try:
        return subprocess.run(query, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "none that nvidia-smi knows"


def table(found: Mapping[str, Any]) -> str:
    """Return the rows as a Markdown table, and a sentence for each way that is not there."""
    lines = ["| way | nodes | load, again | start | step | 4 targets | new batch | engines | Δ score | Δ box (px) |"]
    lines.append("| --- " * 10 + "|")
    sentences = []
    for way, row in found["ways"].items():
        if row.get("sentence"):
            sentences.append(f"{way}: {row['sentence']}")
            continue
        nodes = ", ".join(f"{count} {name.removesuffix('ExecutionProvider')}" for name, count in row["nodes"].items())
        slowest = max(first - later for _, (first, later) in row["new_batch_ms"])
        spans = [row[f"{name}_ms"] for name in ("start_1", "step_1", f"step_{TARGETS}")]
        cells = [
            way,
            nodes if len(row["nodes"]) and not way.endswith("cpu") else row["provider"],
            f"{row['load_s']:.1f}, {row['load_again_s']:.1f}",
            *(f"{span['p50']:.2f} / {span['p95']:.2f}" for span in spans),
            f"{slowest:+.1f}",
            f"{row['engines_after_loading']}, {row['engines_at_the_end']}",
            f"{row['difference']['score']:.1e}",
            f"{row['difference']['box']:.3f}, {row['clip_1_px']:.3f}, {row[f'clip_{TARGETS}_px']:.3f}",
        ]
        lines.append("| " + " | ".join(cells) + " |")
        if row["note"]:
            sentences.append(f"{way}: {row['note']}")
    notes = (
        "Loading in s, runs in ms: p50 / p95; new batch: first run of a batch size less its later ones, the largest. "
        "Δ from the CPU: largest on the same inputs; of boxes also the median over the clip, for 1 and 4 targets."
    )
    return "\n".join([*lines, notes, *sentences])


def main(arguments: list[str] | None = None) -> None:
    """Run the check, or one part of it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, help=".onnx file (default: the shipped one)")
    parser.add_argument("--checkpoint", type=Path, help=".pt file of the same weights (default: beside the model)")
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=list(WAYS))
    parser.add_argument("--frames", type=int, default=61, help="length of the painted clip (default 61)")
    parser.add_argument("--runs", type=int, default=200, help="runs of each graph that are timed (default 200)")
    parser.add_argument("--limit", type=float, default=150.0, help="seconds that one process may take (default 150)")
    parser.add_argument("--out", type=Path, default=Path("gpu_check.json"))
    parser.add_argument("--way", choices=WAYS, help=argparse.SUPPRESS)
    parser.add_argument("--record", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--recording", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args(arguments)
    model = asked.model or shipped_model("stdtrack")
    checkpoint = asked.checkpoint or model.with_suffix(".pt")
    if asked.record:
        record(asked.recording, asked.way, model, checkpoint, asked.frames)
        print("{}")
    elif asked.way:
        print(json.dumps(measure(asked.way, model, checkpoint, asked.recording, asked.runs)))
    else:
        found = check(model, checkpoint, asked.ways, asked.frames, asked.runs, asked.limit)
        found["table"] = table(found)
        asked.out.parent.mkdir(parents=True, exist_ok=True)
        asked.out.write_text(json.dumps(found, indent=1), encoding="utf-8")
        print(f"{found['system']['GPU']}; {found['system']['Processor']}")
        print(found["table"])


if __name__ == "__main__":
    main()
