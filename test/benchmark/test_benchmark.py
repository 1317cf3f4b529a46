# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Parts of a graph, its operations and the benchmark around them, on a small untrained network."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from painted_clips import StillTracker, spec

from stdtrack_ros.benchmark.benchmark import (
    STAGES,
    Benchmark,
    _graph,
    _stages,
    painted_footage,
    run_benchmark,
    timing,
)
from stdtrack_ros.benchmark.benchmark_picture import draw_benchmark
from stdtrack_ros.benchmark.graph_profile import assign_parts, count_operations, graph_size, profile_parts
from stdtrack_ros.settings import make_settings
from stdtrack_ros.tracker.result import TrackResult


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch = pytest.importorskip("torch")
    from stdtrack_ros.network.families import export_onnx
    from stdtrack_ros.network.stdtrack.config import NetworkConfig
    from stdtrack_ros.network.stdtrack.model import STDTrack

    torch.manual_seed(4)
    small = NetworkConfig(
        dim=32, heads=2, depth=2, head_stem=16, head_channels=(8, 8), template_size=64, search_size=96
    )
    path = tmp_path_factory.mktemp("models") / "net.onnx"
    export_onnx(STDTrack(small).eval(), path, {})
    return path


@pytest.fixture
def product(tmp_path: Path) -> Path:
    """Write a graph of known cost: a convolution in the head, then a product in the fusion module."""
    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 4, 10, 10])
    out = helper.make_tensor_value_info("out", TensorProto.FLOAT, [1, 8, 10, 5])
    kernel = helper.make_tensor("kernel", TensorProto.FLOAT, [8, 2, 3, 3], np.ones(144, np.float32))
    matrix = helper.make_tensor("matrix", TensorProto.FLOAT, [10, 5], np.ones(50, np.float32))
    nodes = [
        helper.make_node("Conv", ["image", "kernel"], ["seen"], "/head/conv", group=2, pads=[1, 1, 1, 1]),
        helper.make_node("MatMul", ["seen", "matrix"], ["out"], "/fusion/product/MatMul"),
    ]
    graph = helper.make_graph(nodes, "graph", [image], [out], [kernel, matrix])
    path = tmp_path / "product.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    return path


IMAGE = {"image": np.ones((1, 4, 10, 10), np.float32)}


def test_operations_by_hand(product: Path) -> None:
    operations = count_operations(product, IMAGE)
    # 8 x 10 x 10 outputs of 2 x 3 x 3 multiply-adds (two groups); 8 x 10 rows x 5 columns of 10 multiply-adds.
    assert operations == {"head": 2 * 800 * 18, "MFIFM": 2 * 400 * 10}


def test_parts_of_a_profile_are_there_for_each_run(product: Path) -> None:
    parts = profile_parts(product, IMAGE, threads=1, runs=7)
    assert set(parts) == {"head", "MFIFM"}
    assert all(seconds.shape == (7,) and (seconds >= 0).all() for seconds in parts.values())


def test_nodes_without_a_path_go_with_their_neighbours() -> None:
    names = [
        "/graph/Cast_kernel_time",
        "/embedding/cells/Sub_kernel_time",
        "ReorderInput_kernel_time",
        "/embedding/cells/cnn/Conv_kernel_time",
        "ReorderOutput_kernel_time",
        "/layers/layers/0/MatMul_kernel_time",
        "BiasGelu_kernel_time",
        "/fusion/mlp/MatMul_kernel_time",
        "/appendix/Mul_kernel_time",
    ]
    assert assign_parts(names) == [
        "preprocess",
        "preprocess",
        "backbone",
        "backbone",
        "backbone",
        "backbone",
        "backbone",
        "MFIFM",
        "appendix",
    ]


def test_size_of_a_graph(product: Path) -> None:
    size = graph_size(product)
    assert size["parameters"] == 144 + 50
    assert size["megabytes"] == product.stat().st_size / 1e6


def test_percentiles_in_milliseconds() -> None:
    found = timing(np.arange(101) / 1000)
    assert (found.p50, found.p95, found.p99) == pytest.approx((50, 95, 99))


def test_painted_footage_moves_its_target_inside_the_frame() -> None:
    footage = painted_footage(320, 240, 30)
    assert len(footage.frames) == 31 and footage.frames[0].shape == (240, 320, 3)
    x, y, side, _ = footage.box.astype(int)
    patch = footage.frames[0][y : y + side, x : x + side]
    found = [
        (np.lib.stride_tricks.sliding_window_view(frame, patch.shape)[..., 0, :, :, :][::1] == patch).all((-1, -2, -3))
        for frame in (footage.frames[0], footage.frames[30])
    ]
    assert [each.sum() for each in found] == [1, 1]
    assert not np.array_equal(np.argwhere(found[0]), np.argwhere(found[1]))


@pytest.fixture(scope="module")
def benchmark(model: Path) -> tuple[Benchmark, list[TrackResult]]:
    messages: list[TrackResult] = []
    make: Callable[[TrackResult], object] = messages.append
    settings = make_settings({"model.path": str(model), "model.provider": "cpu"})
    return run_benchmark(settings, painted_footage(160, 120, 20), [1, 2], [spec(StillTracker)], make), messages


def test_every_stage_from_image_to_message_is_measured(benchmark: tuple[Benchmark, list[TrackResult]]) -> None:
    found, messages = benchmark
    assert list(found.stages) == [name for name in STAGES if name in found.stages]
    assert set(found.stages) >= set(STAGES) - {"rest of the graph", "transformer"}  # the latter is STARK's
    assert len(messages) == 25  # 20 frames after five to warm up
    assert {int(result.status) for result in messages} == {1}
    assert list(found.threads) == [1, 2] and list(found.baselines) == ["StillTracker"]


def test_stages_add_up(benchmark: tuple[Benchmark, list[TrackResult]]) -> None:
    found, _ = benchmark
    for each in (*found.stages.values(), found.total, found.network, *found.threads.values()):
        assert 0 <= each.p50 <= each.p95 <= each.p99
    assert found.network.p50 < found.step.p50 < found.total.p50


def test_the_parts_of_the_graph_add_up_to_the_unprofiled_run(model: Path) -> None:
    settings = make_settings({"model.path": str(model), "model.provider": "cpu"})
    _, network, inputs, _ = _stages(settings, painted_footage(160, 120, 5), None)
    parts, _ = _graph(model, inputs, 1, 20, network)
    assert {"backbone", "MFIFM", "mask", "head", "quality"} <= set(parts)
    whole = np.sum(list(parts.values()), axis=0)  # a part's own median says little where a run is interrupted
    assert whole.shape == (20,) and np.median(whole) == pytest.approx(np.median(network))


def test_the_floor_is_operations_over_rate(benchmark: tuple[Benchmark, list[TrackResult]]) -> None:
    found, _ = benchmark
    needed = sum(found.operations.values())
    assert found.operations["backbone"] > found.operations["MFIFM"] > 0
    for count in (1, 2):
        assert found.floor_ms[count] == pytest.approx(1e3 * needed / found.rate[count])


def test_picture_and_json(tmp_path: Path, benchmark: tuple[Benchmark, list[TrackResult]]) -> None:
    found, _ = benchmark
    draw_benchmark(found, "title", tmp_path / "benchmark.png")
    assert (tmp_path / "benchmark.png").read_bytes().startswith(b"\x89PNG")
    assert json.loads(json.dumps(asdict(found)))["model"]["provider"] == "CPUExecutionProvider"
