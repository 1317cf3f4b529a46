# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Networks of any family: built from a checkpoint, taken apart into graphs, exported."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import ValidationError
from torch import nn

from stdtrack_ros.errors import ModelError
from stdtrack_ros.families import family_of_kind, graph_path
from stdtrack_ros.network.checkpoint import load_checkpoint, save_checkpoint
from stdtrack_ros.network.family import Graph, NetworkFamily
from stdtrack_ros.network.onnx_export import write_graph


class LoadedNetwork(NamedTuple):
    """A network and the checkpoint that it came from.

    Attributes:
        network: in evaluation mode on the CPU, with the averaged (EMA) weights.
        content: the checkpoint's content.
    """

    network: Any
    content: dict[str, Any]

    @property
    def facts(self) -> dict[str, Any]:
        """What an exported model carries beside the network's description: the calibration if there is one."""
        return {name: self.content[name] for name in ("calibration",) if name in self.content}


def load_network(path: Path) -> LoadedNetwork:
    """Read a checkpoint once and build its network.

    Raises:
        ModelError: the file is missing, damaged, or of a family that is not installed; or its weights do not fit the
            network that it describes.
    """
    content = load_checkpoint(path)
    return LoadedNetwork(build_network(content, str(path)), content)


def build_network(content: Mapping[str, Any], source: str, weights: str = "ema") -> Any:
    """Build the network that a checkpoint's content describes, in evaluation mode.

    Args:
        source: the file, for error messages.
        weights: which weights to take: `ema` the averaged ones, `weights` those that training goes on with.
    """
    family: NetworkFamily = family_of_kind(content.get("kind"), source).part("network")
    try:
        network = family.network(family.config.model_validate(content["network"]))
        network.load_state_dict(content[weights])
    except (ValidationError, RuntimeError, KeyError) as error:
        raise ModelError(f"The configuration and the weights in {source} do not fit: {error}") from None
    return network.eval()


def describe(network: Any) -> dict[str, Any]:
    """Return what checkpoints and exported models say of their network: its kind and its configuration."""
    return {"kind": network.kind, "network": network.config.model_dump(mode="json")}


def save_network(network: Any, path: Path) -> None:
    """Write a network with its configuration, as `load_network` reads it."""
    save_checkpoint(path, {**describe(network), "ema": network.state_dict()})


def inference_graphs(network: Any) -> Mapping[str, Graph]:
    """Return the graphs of a network by name; see `NetworkFamily.graphs`."""
    family: NetworkFamily = family_of_kind(network.kind, "The network").part("network")
    return family.graphs(network)


def export_onnx(network: nn.Module, path: Path, facts: Mapping[str, Any] | None = None) -> list[Path]:
    """Write `NAME.onnx` (`step`, each frame) and the other graphs as `NAME.start.onnx`; the batch size is free.

    Args:
        facts: JSON-like facts for the metadata beside the network's description: `calibration`.

    Returns:
        The paths.
    """
    network = copy.deepcopy(network).float().cpu().eval()
    graphs = inference_graphs(network)
    metadata = {**describe(network), "graphs": [name for name in graphs if name != "step"], **(facts or {})}
    paths = {name: graph_path(path, name) for name in graphs}
    for name, graph in graphs.items():
        write_graph(graph, paths[name], metadata)
    return list(paths.values())
