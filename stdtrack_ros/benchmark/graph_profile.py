# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Where a network's time goes, part by part, and the least time that its operations could take on this machine.

ONNX Runtime's profiler names each node; exported graphs keep the modules' paths in these names (`/fusion/...`).
"""

from __future__ import annotations

import json
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
MATRIX_SIDE = 1024

Inputs = Mapping[str, NDArray[Any]]


def profile_parts(path: Path, inputs: Inputs, threads: int, runs: int) -> dict[str, FloatArray]:
    """Return (runs,) seconds per part of a graph, run by run, in the order in which the parts come."""
    events = _profile(path, inputs, threads, runs + 1, optimised=True)[1:]  # the first run allocates
    parts: dict[str, FloatArray] = {}
    for run, nodes in enumerate(events):
        for part, node in zip(assign_parts([node["name"] for node in nodes]), nodes, strict=True):
            parts.setdefault(part, np.zeros(runs))[run] += node["dur"] * 1e-6
    return parts


def assign_parts(names: Sequence[str]) -> list[str]:
    """Return the part of each node in order of execution; a node that ONNX Runtime made goes with its neighbours.

    What reorders the input of a convolution belongs to the next named node, everything else to the one before.
    """
    parts = [_part(name) for name in names]
    found: list[str] = []
    for index, part in enumerate(parts):
        if part is not None:
            found.append(part)
            continue
        before = found[-1] if found else PREPROCESS
        after = next((later for later in parts[index + 1 :] if later is not None), before)
        found.append(after if names[index].startswith("ReorderInput") else before)
    return found


def _part(name: str) -> str | None:
    name = name.removesuffix("_kernel_time")
    components = name.split("/")
    if name in _NORMALISATION:
        return PREPROCESS
    return PARTS.get(components[1], components[1]) if len(components) > 2 else None


def count_operations(path: Path, inputs: Inputs) -> dict[str, float]:
    """Count operations of one run by part (2 per multiply-add; only convolutions and matrix products)."""
    nodes = _profile(path, inputs, 1, 1, optimised=False)[0]
    operations: dict[str, float] = defaultdict(float)
    for part, node in zip(assign_parts([node["name"] for node in nodes]), nodes, strict=True):
        operations[part] += _operations(node["args"])
    return {part: count for part, count in operations.items() if count}


def _operations(node: Mapping[str, Any]) -> float:
    shapes, result = (
        [next(iter(each.values())) for each in node[key]] for key in ("input_type_shape", "output_type_shape")
    )
    if node["op_name"] == "Conv":
        return 2.0 * float(np.prod(result[0])) * float(np.prod(shapes[1][1:]))
    if node["op_name"] in ("MatMul", "Gemm"):
        return 2.0 * float(np.prod(result[0])) * float(shapes[0][-1])
    return 0.0


def matrix_rate(threads: int, repetitions: int = 20) -> float:
    """Measure operations per second in the fastest of some float32 matrix products, by ONNX Runtime itself."""
    side = MATRIX_SIDE
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [side, side]) for name in ("a", "b", "c")]
    graph = helper.make_graph([helper.make_node("MatMul", ["a", "b"], ["c"])], "product", values[:2], values[2:])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    session = onnxruntime.InferenceSession(model.SerializeToString(), _options(threads), ["CPUExecutionProvider"])
    matrix = np.random.default_rng(0).standard_normal((side, side)).astype(np.float32)
    best = float("inf")
    for _ in range(repetitions):
        begin = time.perf_counter()
        session.run(None, {"a": matrix, "b": matrix})
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
