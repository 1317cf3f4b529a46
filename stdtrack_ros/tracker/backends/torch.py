# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""PyTorch: for checkpoints that have not been exported, and for comparison with ONNX Runtime."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from stdtrack_ros.errors import ModelError
from stdtrack_ros.network.families import describe, inference_graphs, load_network
from stdtrack_ros.settings import ModelSettings
from stdtrack_ros.tracker.backends.backend import Arrays
from stdtrack_ros.tracker.backends.precision import FLOAT
from stdtrack_ros.tracker.models.model import FloatArray


class TorchBackend:
    """The same graphs as the exported ones, run by PyTorch."""

    name = "torch"
    precision = FLOAT

    def __init__(
        self, network: Any, settings: ModelSettings, sha256: str = "", facts: Mapping[str, Any] | None = None
    ) -> None:
        """Take a network of any family; its layers may be changed into an equivalent form for inference.

        Args:
            facts: JSON-like facts for the metadata beside the network's description: `calibration`.
        """
        self.sha256 = sha256
        self._device, self.note = _device(settings)
        if self.note and settings.require_provider:
            raise ModelError(self.note)
        self.provider = str(self._device)
        if settings.threads:
            torch.set_num_threads(settings.threads)
        network = network.eval().to(self._device)
        self.metadata: dict[str, Any] = {**describe(network), **(facts or {})}
        self.graphs = inference_graphs(network)

    @classmethod
    def from_file(cls, path: Path, settings: ModelSettings) -> TorchBackend:
        """Run the network of a checkpoint that `stdtrack train` or `stdtrack import-stark` wrote.

        Raises:
            ModelError: the file cannot be used, or the provider that `require_provider` insists on is not there.
        """
        loaded = load_network(path)
        return cls(loaded.network, settings, hashlib.sha256(path.read_bytes()).hexdigest(), loaded.facts)

    def run(self, graph: str, inputs: Arrays) -> Mapping[str, FloatArray]:
        """See `Backend.run`."""
        module = self.graphs[graph]
        with torch.inference_mode():
            tensors = [torch.from_numpy(inputs[name]).to(self._device) for name in module.inputs]
            found = module(*tensors)
        arrays: list[FloatArray] = [value.float().cpu().numpy() for value in found]
        return dict(zip(module.outputs, arrays, strict=True))


def _device(settings: ModelSettings) -> tuple[torch.device, str]:
    if settings.provider == "tensorrt":
        return torch.device("cpu"), "tensorrt was asked for, but PyTorch has none; the network runs on the CPU."
    if torch.cuda.is_available() and settings.provider in ("auto", "cuda"):
        return torch.device("cuda", 0), ""
    note = "cuda was asked for, but PyTorch sees no CUDA device; the network runs on the CPU."
    return torch.device("cpu"), note if settings.provider == "cuda" else ""
