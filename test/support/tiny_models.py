# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A model of three layers with our metadata: all that quantization and the choice of a file look at."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper


def write_tiny_model(path: Path, seed: int = 0) -> Path:
    """Write `NAME.onnx` and `NAME.start.onnx`: 32-bit stem, body and a linear layer, and a product of activations."""
    random = np.random.default_rng(seed)
    shapes = {"stem": (8, 3, 3, 3), "body": (8, 8, 3, 3), "linear": (64, 4)}
    weights = {name: (0.3 * random.standard_normal(shape)).astype(np.float32) for name, shape in shapes.items()}
    constants = {**weights, "low": np.float32(0), "high": np.float32(6), "rows": np.array([0, 8, 64], np.int64)}
    nodes = [
        helper.make_node("Cast", ["image"], ["pixels"], "/graph/Cast", to=TensorProto.FLOAT),
        helper.make_node("Conv", ["pixels", "stem"], ["a"], "/stem/Conv", pads=[1, 1, 1, 1]),
        helper.make_node("Clip", ["a", "low", "high"], ["b"], "/Clip"),
        helper.make_node("Conv", ["b", "body"], ["c"], "/body/Conv", pads=[1, 1, 1, 1]),
        helper.make_node("Clip", ["c", "low", "high"], ["d"], "/body/Clip"),
        helper.make_node("Reshape", ["d", "rows"], ["e"], "/body/Reshape"),
        helper.make_node("MatMul", ["e", "linear"], ["f"], "/linear/MatMul"),
        helper.make_node("Transpose", ["f"], ["g"], "/product/Transpose", perm=[0, 2, 1]),
        helper.make_node("MatMul", ["f", "g"], ["out"], "/product/MatMul"),
    ]
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info("image", TensorProto.UINT8, ["batch", 3, 8, 8])],
        [helper.make_tensor_value_info("out", TensorProto.FLOAT, ["batch", 8, 8])],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    model.metadata_props.add(
        key="stdtrack", value=json.dumps({"kind": "tiny", "network": {"seed": seed}, "graphs": ["start"]})
    )
    for target in (path, path.with_suffix(".start.onnx")):
        onnx.save(model, str(target))
    return path
