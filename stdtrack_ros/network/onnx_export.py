# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""From a graph in PyTorch to an ONNX file with our metadata."""

from __future__ import annotations

import ast
import json
import logging
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx_ir as ir
import torch
from onnx_ir.passes.common import RemoveUnusedNodesPass
from torch.export import Dim

from stdtrack_ros.families import METADATA_KEY
from stdtrack_ros.network.family import Graph
from stdtrack_ros.outputs import beside

OPSET = 20
_FREE_AXIS_MAX = 1024  # what the exporter is told; the exported graph itself takes any size
_SCOPES = "pkg.torch.onnx.name_scopes"


def write_graph(graph: Graph, path: Path, metadata: Mapping[str, Any]) -> None:
    """Export one graph with a free batch axis.

    Nodes are named after the modules they come from (`/layers/0/attention/MatMul`); those of no module begin with
    `/graph`. PyTorch's exporter folds the padding of strided convolutions into them and computes constants.

    Args:
        metadata: JSON-like; written as one JSON text under `METADATA_KEY`.
    """
    free = [{0: "batch", **graph.free.get(name, {})} for name in graph.inputs]
    names = dict.fromkeys(name for axes in free for name in axes.values())
    made = {name: Dim(name, min=1, max=_FREE_AXIS_MAX) for name in names}
    shapes = [{axis: made[name] for axis, name in axes.items()} for axes in free]
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)  # it tells of operators that we do not use
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter warns about its own internals
        program = torch.onnx.export(
            graph,
            graph.example(batch=2),  # the exporter takes an axis of 1 for a constant
            input_names=list(graph.inputs),
            output_names=list(graph.outputs),
            dynamic_shapes=tuple(shapes),
            opset_version=OPSET,
            dynamo=True,
            verbose=False,
        )
    assert program is not None
    model = program.model
    for value in model.graph.inputs:
        if value.shape is None or isinstance(value.shape[0], int):  # as `len(tensor)` does in a module
            raise ValueError(f"The network fixes the batch size of {value.name}; take sizes from tensor.shape.")
    _infer_free_axes(model.graph)
    _merge_linear_layers(model.graph)
    _merge_reshapes(model.graph)
    RemoveUnusedNodesPass()(model)
    _name_nodes(model.graph)
    model.metadata_props.clear()
    model.metadata_props[METADATA_KEY] = json.dumps(metadata, sort_keys=True)
    with beside(path) as part:
        ir.save(model, part)


def replace_facts(path: Path, facts: Mapping[str, Any]) -> None:
    """Replace some of an exported model's metadata; its graph stays."""
    model = ir.load(path)
    metadata = {**json.loads(model.metadata_props[METADATA_KEY]), **facts}
    model.metadata_props[METADATA_KEY] = json.dumps(metadata, sort_keys=True)
    with beside(path) as part:
        ir.save(model, part)


def _infer_free_axes(graph: ir.Graph) -> None:
    """Let each Reshape infer its one free axis (-1), instead of computing the size from the batch."""
    for node in list(graph):
        shape = node.inputs[1] if node.op_type == "Reshape" else None
        concat = shape.producer() if shape is not None else None
        if concat is None or concat.op_type != "Concat":
            continue
        known = [ir.convenience.get_const_tensor(part) for part in concat.inputs if part is not None]
        if sum(part is None for part in known) != 1:
            continue
        sizes = np.concatenate([np.array([-1]) if part is None else part.numpy() for part in known]).astype(np.int64)
        if (sizes == 0).any() or (sizes == -1).sum() != 1:
            continue
        name = f"{node.name}_shape"
        value = ir.Value(name=name, const_value=ir.tensor(sizes, name=name))
        graph.register_initializer(value)
        node.replace_input_with(1, value)


def _merge_linear_layers(graph: ir.Graph) -> None:
    """Make one Gemm of a product with a matrix and the sum with a vector: in 8 bits, too, it is one node then.

    Where more than one axis of the result is free, both stay.
    """
    for product in list(graph):
        result, uses = product.outputs[0], list(product.outputs[0].uses())
        if product.op_type != "MatMul" or len(uses) != 1 or uses[0].node.op_type != "Add" or result.shape is None:
            continue
        total = uses[0].node
        weight, bias = product.inputs[1], total.inputs[1 - uses[0].idx]
        if weight is None or bias is None:
            continue
        matrix, vector = ir.convenience.get_const_tensor(weight), ir.convenience.get_const_tensor(bias)
        sizes = [size if isinstance(size, int) else -1 for size in result.shape]
        if matrix is None or vector is None or (len(matrix.shape), len(vector.shape)) != (2, 1):
            continue
        if total.outputs[0].is_graph_output() or sizes.count(-1) > 1:
            continue
        rows, back = (
            ir.Value(name=name, const_value=ir.tensor(np.array(shape, np.int64), name=name))
            for name, shape in ((f"{product.name}_rows", [-1, matrix.shape[0]]), (f"{product.name}_back", sizes))
        )
        graph.register_initializer(rows)
        graph.register_initializer(back)
        flat = ir.node("Reshape", [product.inputs[0], rows])
        gemm = ir.node("Gemm", [flat.outputs[0], weight, bias])
        shaped = ir.node("Reshape", [gemm.outputs[0], back])
        for node in (flat, gemm, shaped):
            node.metadata_props.update(product.metadata_props)
        graph.insert_before(total, [flat, gemm, shaped])
        ir.convenience.replace_all_uses_with(total.outputs[0], shaped.outputs[0])
        graph.remove([total, product], safe=True)


def _merge_reshapes(graph: ir.Graph) -> None:
    """Reshape once where one Reshape follows another, and not at all around an activation between two linear layers."""
    for node in list(graph):
        before = node.inputs[0].producer() if node.op_type == "Reshape" and node.inputs[0] is not None else None
        if before is None:
            continue
        source = before.inputs[0].producer() if before.inputs[0] is not None else None
        if before.op_type == "Gelu" and source is not None and source.op_type == "Reshape":
            linear = source.inputs[0].producer() if source.inputs[0] is not None else None
            uses = [use.node.op_type for use in node.outputs[0].uses()]
            if (
                linear is not None
                and linear.op_type == "Gemm"
                and uses == ["Gemm"]
                and len(before.outputs[0].uses()) == 1
            ):
                before.replace_input_with(0, source.inputs[0])  # flat, as the next layer wants it
                before.outputs[0].shape = None
                ir.convenience.replace_all_uses_with(node.outputs[0], before.outputs[0])
        elif before.op_type == "Reshape":
            shape = ir.convenience.get_const_tensor(node.inputs[1]) if node.inputs[1] is not None else None
            if shape is not None and (shape.numpy() != 0).all():  # 0 would copy an axis of what it is given
                node.replace_input_with(0, before.inputs[0])


def _name_nodes(graph: ir.Graph) -> None:
    """Name each node after its module, and drop the exporter's notes about our source code."""
    taken: dict[str, int] = {}
    place = "/graph"
    for node in graph:
        scopes = ast.literal_eval(node.metadata_props.get(_SCOPES, "[]"))
        if scopes:  # a node without scopes was made by an optimisation of the nodes before it
            modules = [scope for scope in scopes[:-1] if scope.startswith("network.")]
            place = "/" + modules[-1].removeprefix("network.").replace(".", "/") if modules else "/graph"
        name = f"{place}/{node.op_type}"
        number = taken[name] = taken.get(name, -1) + 1
        node.name = f"{name}_{number}" if number else name
        node.doc_string = None
        node.metadata_props.clear()
        for output in node.outputs:
            output.metadata_props.clear()
    for value in (*graph.inputs, *graph.initializers.values()):
        value.metadata_props.clear()
