# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""From a network in PyTorch to two ONNX graphs without state: `start` for the template, `step` for each frame."""

from __future__ import annotations

import copy
import json
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import onnx
import torch
from torch import Tensor, nn

from stdtrack_ros.network.stdtrack.model import STDTrack, TemplateState
from stdtrack_ros.network.stdtrack.reparameterize import merge_all

OPSET = 18
METADATA_KEY = "stdtrack"


class StartGraph(nn.Module):
    """Template crops (B, T, T, 3) uint8 BGR -> the template's state and appearance."""

    inputs = ("template",)
    outputs = ("template_tokens", "template_cells", "template_appearance")

    def __init__(self, network: STDTrack) -> None:
        super().__init__()
        self.network = network

    def forward(self, template: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """See the class."""
        state = self.network.start(_planes(template))
        return state.tokens, state.cells, self.network.template_appearance(state.cells)


class StepGraph(nn.Module):
    """Search crops (B, S, S, 3) uint8 BGR, template state, token (B, 1, d), memory (B, K, d), validity (B, K)."""

    inputs = ("search", "template_tokens", "template_cells", "token", "memory", "valid")
    outputs = ("score", "size", "offset", "token_out", "enhanced", "quality", "confidence", "appearance")

    def __init__(self, network: STDTrack) -> None:
        super().__init__()
        self.network = network

    def forward(
        self, search: Tensor, tokens: Tensor, cells: Tensor, token: Tensor, memory: Tensor, valid: Tensor
    ) -> tuple[Tensor, ...]:
        """See the class; the score map is in 0..1."""
        output = self.network.step(TemplateState(tokens, cells), _planes(search), token, memory, valid)
        return (
            output.maps.score.sigmoid(),
            output.maps.size,
            output.maps.offset,
            output.token,
            output.enhanced,
            output.quality,
            output.confidence,
            output.appearance,
        )


def metadata_of(network: STDTrack, **facts: Any) -> dict[str, Any]:
    """What an exported model says of itself: its kind, its configuration, and what else is known."""
    return {"kind": "stdtrack", "network": network.config.model_dump(mode="json"), **facts}


def export_onnx(network: STDTrack, path: Path, facts: Mapping[str, Any] | None = None) -> tuple[Path, Path]:
    """Write `NAME.onnx` (each frame) and `NAME.start.onnx` (template); batch size and slots of the STM are free.

    Args:
        facts: JSON-like facts for the metadata: `calibration`, `card`.

    Returns:
        The two paths.
    """
    network = copy.deepcopy(network).float().cpu().eval()
    merge_all(network)
    config = network.config
    metadata = metadata_of(network, **(facts or {}))
    template = torch.zeros(1, config.template_size, config.template_size, 3, dtype=torch.uint8)
    search = torch.zeros(1, config.search_size, config.search_size, 3, dtype=torch.uint8)
    with torch.no_grad():
        tokens, cells, _ = StartGraph(network)(template)
    token, memory = network.initial_token(1), network.initial_memory(1)
    start_path = path.with_suffix(".start.onnx")
    write_graph(StartGraph(network), (template,), start_path, metadata)
    examples = (search, tokens, cells, token, memory.tokens, memory.valid)
    write_graph(StepGraph(network), examples, path, metadata, free={"memory": "slots", "valid": "slots"})
    return path, start_path


def write_graph(
    graph: Any,
    examples: tuple[Tensor, ...],
    path: Path,
    metadata: Mapping[str, Any],
    free: Mapping[str, str] | None = None,
) -> None:
    """Export one graph with a free batch axis and our metadata in it; node names are the modules' paths.

    Args:
        free: inputs whose second axis is free as well, and what it is called.
    """
    names = [*graph.inputs, *graph.outputs]
    path.parent.mkdir(parents=True, exist_ok=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter warns of shapes that are fixed, which is what we want
        torch.onnx.export(
            graph.eval(),
            examples,
            str(path),
            input_names=list(graph.inputs),
            output_names=list(graph.outputs),
            dynamic_axes={name: {0: "batch"} | ({1: free[name]} if free and name in free else {}) for name in names},
            opset_version=OPSET,
            dynamo=False,
        )
    model = onnx.load(str(path))
    entry = model.metadata_props.add()
    entry.key, entry.value = METADATA_KEY, json.dumps(metadata, sort_keys=True)
    onnx.checker.check_model(model)
    onnx.save(model, str(path))


def _planes(images: Tensor) -> Tensor:
    return images.permute(0, 3, 1, 2).float()
