# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The benchmark of the network that ships, on small images: stages, floor, picture and table."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
from painted_clips import StillTracker, spec

from stdtrack_ros.benchmark.benchmark import (
    STAGES,
    Benchmark,
    _parts,
    _stages,
    run_benchmark,
)
from stdtrack_ros.benchmark.benchmark_picture import draw_benchmark
from stdtrack_ros.benchmark.footage import painted_footage
from stdtrack_ros.benchmark.table import benchmark_table
from stdtrack_ros.settings import TrackerSettings, make_settings
from stdtrack_ros.tracker.models.shipped import shipped_model
from stdtrack_ros.tracker.result import TrackResult

MODEL = shipped_model("stdtrack")


def settings() -> TrackerSettings:
    """Return the settings of the 32-bit model on the CPU, whatever else this machine could run."""
    return make_settings({"model.path": str(MODEL), "model.provider": "cpu", "model.precision": "fp32"})


@pytest.fixture(scope="module")
def benchmark() -> tuple[Benchmark, list[TrackResult]]:
    messages: list[TrackResult] = []
    make: Callable[[TrackResult], object] = messages.append
    found = run_benchmark(settings(), painted_footage(160, 120, 20), [1, 2], [spec(StillTracker)], make)
    return found, messages


def test_every_stage_from_image_to_message_is_measured(benchmark: tuple[Benchmark, list[TrackResult]]) -> None:
    found, messages = benchmark
    assert list(found.stages) == [name for name in STAGES if name in found.stages]
    assert set(found.stages) >= set(STAGES) - {"rest of the graph", "transformer"}  # the latter is STARK's
    assert len(messages) == 25  # 20 frames after five to warm up
    assert {int(result.status) for result in messages} == {1}
    assert list(found.threads) == [1, 2] and list(found.beside) == [found.model["name"], "StillTracker"]
    assert found.costs == {}


def test_stages_add_up(benchmark: tuple[Benchmark, list[TrackResult]]) -> None:
    found, _ = benchmark
    for each in (*found.stages.values(), found.total, found.network, *found.threads.values()):
        assert 0 <= each.p50 <= each.p95 <= each.p99
    assert found.network.p50 < found.step.p50 < found.total.p50


def test_the_parts_of_the_graph_add_up_to_the_unprofiled_run() -> None:
    _, network, inputs, _ = _stages(settings(), painted_footage(160, 120, 5), None)
    parts = _parts(MODEL, inputs, 1, 20, network)
    assert {"backbone", "MFIFM", "mask", "head", "quality"} <= set(parts)
    whole = np.sum(list(parts.values()), axis=0)  # a part's own median says little where a run is interrupted
    assert whole.shape == (20,) and np.median(whole) == pytest.approx(np.median(network))


def test_the_floor_is_operations_over_rate(benchmark: tuple[Benchmark, list[TrackResult]]) -> None:
    found, _ = benchmark
    needed = sum(found.operations.values())
    assert found.operations["backbone"] > found.operations["MFIFM"] > 0
    for count in (1, 2):
        assert found.floor_ms[count] == pytest.approx(1e3 * needed / found.rate[count])
    assert found.quantized == 0 and set(found.rate_8_bit) == {1, 2}


def test_picture_and_json(tmp_path: Path, benchmark: tuple[Benchmark, list[TrackResult]]) -> None:
    found, _ = benchmark
    draw_benchmark(found, "title", tmp_path / "benchmark.png")
    assert (tmp_path / "benchmark.png").read_bytes().startswith(b"\x89PNG")
    assert json.loads(json.dumps(asdict(found)))["model"]["provider"] == "CPUExecutionProvider"


def test_the_table_names_processor_model_and_clock(benchmark: tuple[Benchmark, list[TrackResult]]) -> None:
    found, _ = benchmark
    lines = benchmark_table(found, {"Processor": "Some CPU"}, "painted", 1, "cpu").splitlines()
    assert lines[0] == "Some CPU, 1 thread, painted, fp32; processor time"
    assert f"| {found.model['name']} | {found.beside[found.model['name']].p50:.2f} | " in lines[4]
    assert lines[4].endswith("| 1.00 of ours |") and lines[5].startswith("| StillTracker |")
    assert all(line.count("|") == 6 for line in lines[2:])
