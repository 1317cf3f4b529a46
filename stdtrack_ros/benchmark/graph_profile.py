# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Where a network's time goes, part by part, and the least time that its operations could take on this machine.

ONNX Runtime's profiler names each node; exported graphs keep the modules' paths in these names (`/fusion/...`).
"""

from __future__ import annotations

import json
import re
import tempfile
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnx import TensorProto, helper

from stdtrack_ros.evaluation.metrics.accuracy import FloatArray

PARTS: Mapping[str, str] = {
    "embedding": "backbone",
    "layers": "backbone",
    "fusion": "MFIFM",
    "mask": "mask",
    "head": "head",
    "peak": "quality",
    "confidence": "quality",
    "bottleneck": "backbone",
    "box_head": "head",
    "score_head": "quality",
}
"""Parts of the paper by the first component of a node's name; other components stand for themselves."""
PREPROCESS = "preprocess"
_NORMALISATION = {"/graph/Cast", "/graph/Transpose", "/embedding/cells/Sub", "/embedding/cells/Div"}
_MADE_OF = re.compile(r"_(nchwc|QuantizeLinear|DequantizeLinear|token_\d+)(_\d+)?$")
"""What ONNX Runtime, or its quantizer, appends to the name of a value or a node for a node that it made of it."""
MATRIX_SIDE = 1024

Inputs = Mapping[str, NDArray[Any]]


def profile_parts(path: Path, inputs: Inputs, threads: int, runs: int) -> dict[str, FloatArray]:
    """Return (runs,) seconds per part of a graph, run by run, in the order in which the parts come."""
    events = _profile(path, inputs, threads, runs + 1, optimised=True)[1:]  # the first run allocates
    makers = makers_of_values(path)
    parts: dict[str, FloatArray] = {}
    for run, nodes in enumerate(events):
        for part, node in zip(assign_parts([node["name"] for node in nodes], makers), nodes, strict=True):
            parts.setdefault(part, np.zeros(runs))[run] += node["dur"] * 1e-6
    return parts


def makers_of_values(path: Path) -> dict[str, str]:
    """Return the name of the node that makes each value of a graph."""
    nodes = onnx.load(str(path), load_external_data=False).graph.node
    return {value: node.name for node in nodes for value in node.output}


def assign_parts(names: Sequence[str], makers: Mapping[str, str] | None = None) -> list[str]:
    """Return the part of each node in order of execution; a node that ONNX Runtime made goes with its neighbours.

    What reorders the input of a convolution belongs to the next named node, everything else to the one before.

    Args:
        makers: nodes by the values that they make: ONNX Runtime names some of its own after the value they replace.
    """
    parts = [_part(name, makers or {}) for name in names]
    found: list[str] = []
    for index, part in enumerate(parts):
        if part is not None:
            found.append(part)
            continue
        before = found[-1] if found else PREPROCESS
        after = next((later for later in parts[index + 1 :] if later is not None), before)
        found.append(after if names[index].startswith("ReorderInput") else before)
    return found


def _part(name: str, makers: Mapping[str, str]) -> str | None:
    name = name.removesuffix("_kernel_time")
    origin = _MADE_OF.sub("", name)
    name = makers.get(origin, origin)
    components = name.split("/")
    if name in _NORMALISATION:
        return PREPROCESS
    return PARTS.get(components[1], components[1]) if len(components) > 2 else None


def count_operations(path: Path, inputs: Inputs) -> dict[str, float]:
    """Count the floating-point operations of one run by part (2 a multiply-add; convolutions and products alone)."""
    operations: dict[str, float] = defaultdict(float)
    nodes = _profile(path, inputs, 1, 1, optimised=False)[0]
    for part, node in zip(assign_parts([node["name"] for node in nodes]), nodes, strict=True):
        operations[part] += _operations(node["args"])
    return {part: count for part, count in operations.items() if count}


def count_quantized(path: Path, inputs: Inputs) -> float:
    """Count those of the operations that are done in 8 bits: both factors come from 8-bit numbers."""
    graph = onnx.load(str(path)).graph
    eight_bits = {value for node in graph.node if node.op_type == "DequantizeLinear" for value in node.output}
    names = {node.name for node in graph.node if len(node.input) > 1 and eight_bits.issuperset(node.input[:2])}
    nodes = _profile(path, inputs, 1, 1, optimised=False)[0]
    return sum(_operations(node["args"]) for node in nodes if node["name"].removesuffix("_kernel_time") in names)


def _operations(node: Mapping[str, Any]) -> float:
    shapes, result = (
        [next(iter(each.values())) for each in node[key]] for key in ("input_type_shape", "output_type_shape")
    )
    if node["op_name"] == "Conv":
        return 2.0 * float(np.prod(result[0])) * float(np.prod(shapes[1][1:]))
    if node["op_name"] in ("MatMul", "Gemm"):
        return 2.0 * float(np.prod(result[0])) * float(shapes[0][-1])
    return 0.0


def matrix_rate(threads: int, quantized: bool = False, repetitions: int = 20) -> float:
    """Measure operations a second in the fastest of some products of square matrices, by ONNX Runtime itself.

    Args:
        quantized: uint8 times int8, summed in int32, instead of float32.
    """
    side, random = MATRIX_SIDE, np.random.default_rng(0)
    if quantized:
        matrix: NDArray[Any] = random.integers(0, 256, (side, side), dtype=np.uint8)
        factor: NDArray[Any] = random.integers(-127, 128, (side, side), dtype=np.int8)
        operator, kinds = "MatMulInteger", (TensorProto.UINT8, TensorProto.INT32)
    else:
        matrix, factor = (random.standard_normal((side, side)).astype(np.float32) for _ in range(2))
        operator, kinds = "MatMul", (TensorProto.FLOAT, TensorProto.FLOAT)
    given, made = (
        helper.make_tensor_value_info(name, kind, [side, side]) for name, kind in zip(("a", "c"), kinds, strict=True)
    )
    nodes, constants = [helper.make_node(operator, ["a", "b"], ["c"])], [onnx.numpy_helper.from_array(factor, "b")]
    graph = helper.make_graph(nodes, "product", [given], [made], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    session = onnxruntime.InferenceSession(model.SerializeToString(), _options(threads), ["CPUExecutionProvider"])
    best = float("inf")
    for _ in range(repetitions):
        begin = time.perf_counter()
        session.run(None, {"a": matrix})
        best = min(best, time.perf_counter() - begin)
    return 2.0 * side**3 / best


def _options(threads: int) -> onnxruntime.SessionOptions:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    return options


def _profile(path: Path, inputs: Inputs, threads: int, runs: int, optimised: bool) -> list[list[dict[str, Any]]]:
    """Return the nodes of each run in order of execution, as ONNX Runtime's profiler reports them."""
    options = _options(threads)
    if not optimised:
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    with tempfile.TemporaryDirectory() as folder:
        options.enable_profiling = True
        options.profile_file_prefix = str(Path(folder) / "profile")
        session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        names = {each.name for each in session.get_inputs()}
        for _ in range(runs):
            session.run(None, {name: value for name, value in inputs.items() if name in names})
        events = json.loads(Path(session.end_profiling()).read_text(encoding="utf-8"))
    ends = sorted(event["ts"] + event["dur"] for event in events if event["name"] == "model_run")
    nodes = [event for event in events if event["cat"] == "Node" and event["name"].endswith("_kernel_time")]
    by_run: list[list[dict[str, Any]]] = [[] for _ in ends]
    for node in sorted(nodes, key=lambda node: int(node["ts"])):
        by_run[int(np.searchsorted(ends, node["ts"]))].append(node)
    return by_run


def graph_size(path: Path) -> dict[str, float]:
    """Return the parameters and megabytes of a model file."""
    model = onnx.load(str(path))
    parameters = sum(int(np.prod(each.dims)) for each in model.graph.initializer)
    return {"parameters": float(parameters), "megabytes": path.stat().st_size / 1e6}
