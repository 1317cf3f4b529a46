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
    _parts,
    _stages,
    run_benchmark,
)
from stdtrack_ros.benchmark.benchmark_picture import draw_benchmark
from stdtrack_ros.benchmark.footage import painted_footage
from stdtrack_ros.benchmark.graph_profile import (
    assign_parts,
    count_operations,
    count_quantized,
    graph_size,
    makers_of_values,
    profile_parts,
)
from stdtrack_ros.benchmark.table import benchmark_table
from stdtrack_ros.benchmark.timing import timing, timing_of_turns
from stdtrack_ros.settings import ModelSettings, make_settings
from stdtrack_ros.tracker.backends.onnx import OnnxBackend, _zeros
from stdtrack_ros.tracker.models.shipped import shipped_model
from stdtrack_ros.tracker.result import TrackResult


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch = pytest.importorskip("torch")
    from tiny_stdtrack import SMALL

    from stdtrack_ros.network.families import export_onnx
    from stdtrack_ros.network.stdtrack.model import STDTrack

    torch.manual_seed(4)
    path = tmp_path_factory.mktemp("models") / "net.onnx"
    export_onnx(STDTrack(SMALL).eval(), path, {})
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


def test_nodes_named_after_a_value_go_with_its_maker(product: Path) -> None:
    """ONNX Runtime names a convolution in its own layout after its output, its quantizer what it adds."""
    makers = makers_of_values(product)
    assert makers == {"seen": "/head/conv", "out": "/fusion/product/MatMul"}
    names = ["/fusion/a/b", "seen_nchwc_kernel_time", "seen_QuantizeLinear_kernel_time", "out_token_7_kernel_time"]
    assert assign_parts(names, makers) == ["MFIFM", "head", "head", "MFIFM"]


def test_the_parts_of_the_shipped_network_take_time_as_they_have_work() -> None:
    """Convolutions that ONNX Runtime renames are not lost to other parts."""
    path = shipped_model("stdtrack")
    model = OnnxBackend(path, ModelSettings(threads=1, provider="cpu", precision="fp32"))
    inputs = {one.name: _zeros(one) for one in model._step._session.get_inputs()}
    operations = count_operations(path, inputs)
    parts = profile_parts(path, inputs, 1, 20)
    assert operations["backbone"] > operations["head"] > 10 * operations["MFIFM"]
    least = {part: float(np.min(seconds)) for part, seconds in parts.items()}
    assert least["head"] > least["preprocess"] and least["backbone"] > least["head"]


def test_operations_of_8_bits_by_hand(tmp_path: Path) -> None:
    """Of two products, that of two 8-bit numbers counts: 3 rows x 5 columns of 4 multiply-adds."""
    nodes = [
        helper.make_node("DequantizeLinear", ["a", "scale"], ["left"]),
        helper.make_node("DequantizeLinear", ["b", "scale"], ["right"]),
        helper.make_node("MatMul", ["left", "right"], ["seen"], "/head/eight"),
        helper.make_node("MatMul", ["seen", "c"], ["out"], "/head/float"),
    ]
    given = helper.make_tensor_value_info("a", TensorProto.UINT8, [3, 4])
    out = helper.make_tensor_value_info("out", TensorProto.FLOAT, [3, 2])
    constants = [
        helper.make_tensor("b", TensorProto.UINT8, [4, 5], np.ones(20, np.uint8)),
        helper.make_tensor("c", TensorProto.FLOAT, [5, 2], np.ones(10, np.float32)),
        helper.make_tensor("scale", TensorProto.FLOAT, [], [0.5]),
    ]
    path = tmp_path / "eight.onnx"
    graph = helper.make_graph(nodes, "graph", [given], [out], constants)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    inputs = {"a": np.ones((3, 4), np.uint8)}
    assert count_operations(path, inputs) == {"head": 2 * 3 * 5 * 4 + 2 * 3 * 2 * 5}
    assert count_quantized(path, inputs) == 2 * 3 * 5 * 4


def test_size_of_a_graph(product: Path) -> None:
    size = graph_size(product)
    assert size["parameters"] == 144 + 50
    assert size["megabytes"] == product.stat().st_size / 1e6


def test_percentiles_in_milliseconds() -> None:
    found = timing(np.arange(101) / 1000)
    assert (found.p50, found.p95, found.p99) == pytest.approx((50, 95, 99))


def test_steps_are_timed_in_turn_and_the_first_turns_do_not_count() -> None:
    order: list[str] = []
    clock = iter(range(1000))
    found = timing_of_turns({"a": lambda: order.append("a"), "b": lambda: order.append("b")}, 3, lambda: next(clock))
    assert order == ["a", "b"] * 8
    assert found["a"] == found["b"] == timing(np.ones(3))


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
    found = run_benchmark(settings, painted_footage(160, 120, 20), [1, 2], [spec(StillTracker)], make)
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


def test_the_parts_of_the_graph_add_up_to_the_unprofiled_run(model: Path) -> None:
    settings = make_settings({"model.path": str(model), "model.provider": "cpu"})
    _, network, inputs, _ = _stages(settings, painted_footage(160, 120, 5), None)
    parts = _parts(model, inputs, 1, 20, network)
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
