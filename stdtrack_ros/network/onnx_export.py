# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""From a graph in PyTorch to an ONNX file with our metadata."""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import onnx
import torch

from stdtrack_ros.families import METADATA_KEY
from stdtrack_ros.network.family import Graph

OPSET = 18


def write_graph(graph: Graph, path: Path, metadata: Mapping[str, Any]) -> None:
    """Export one graph with a free batch axis; the names of its nodes are the paths of the modules.

    Args:
        metadata: JSON-like; written as one JSON text under `METADATA_KEY`.
    """
    names = [*graph.inputs, *graph.outputs]
    path.parent.mkdir(parents=True, exist_ok=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter warns of shapes that are fixed, which is what we want
        torch.onnx.export(
            graph,
            graph.example(),
            str(path),
            input_names=list(graph.inputs),
            output_names=list(graph.outputs),
            dynamic_axes={name: {0: "batch"} | ({1: graph.free[name]} if name in graph.free else {}) for name in names},
            opset_version=OPSET,
            dynamo=False,
        )
    model = onnx.load(str(path))
    entry = model.metadata_props.add()
    entry.key, entry.value = METADATA_KEY, json.dumps(metadata, sort_keys=True)
    onnx.checker.check_model(model)
    onnx.save(model, str(path))
