# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Operations, size and parts of graphs whose cost is known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from stdtrack_ros.benchmark.graph_profile import (
    assign_parts,
    count_operations,
    count_quantized,
    graph_size,
    makers_of_values,
    profile_parts,
)
from stdtrack_ros.settings import ModelSettings
from stdtrack_ros.tracker.backends.onnx import OnnxBackend, _zeros
from stdtrack_ros.tracker.models.shipped import shipped_model


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
    inputs = {one.name: _zeros(one) for one in model._graphs["step"]._session.get_inputs()}
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
