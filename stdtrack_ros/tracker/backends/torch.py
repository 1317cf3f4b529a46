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
from stdtrack_ros.network.checkpoint import load_checkpoint, load_network
from stdtrack_ros.network.stark import checkpoint as stark_checkpoint
from stdtrack_ros.network.stark import graphs as stark_graphs
from stdtrack_ros.network.stark.model import Stark
from stdtrack_ros.network.stdtrack.graphs import StartGraph, StepGraph, metadata_of
from stdtrack_ros.network.stdtrack.model import STDTrack
from stdtrack_ros.network.stdtrack.reparameterize import merge_all
from stdtrack_ros.settings import ModelSettings
from stdtrack_ros.tracker.backends.backend import Arrays
from stdtrack_ros.tracker.models.model import FloatArray


class TorchBackend:
    """The same two graphs as the exported ones, run by PyTorch."""

    name = "torch"

    metadata: dict[str, Any]

    def __init__(self, network: STDTrack | Stark, settings: ModelSettings, sha256: str = "") -> None:
        """A network in memory; an STDTrack's RepConvs are merged."""
        self.sha256 = sha256
        self._device, self.note = _device(settings)
        if self.note and settings.require_provider:
            raise ModelError(self.note)
        self.provider = str(self._device)
        if settings.threads:
            torch.set_num_threads(settings.threads)
        network = network.eval().to(self._device)
        self._start: Any
        self._step: Any
        if isinstance(network, Stark):
            self.metadata = stark_checkpoint.describe(network.config)
            self._start, self._step = stark_graphs.StartGraph(network), stark_graphs.StepGraph(network)
        else:
            merge_all(network)
            self.metadata = metadata_of(network)
            self._start, self._step = StartGraph(network), StepGraph(network)

    @classmethod
    def from_file(cls, path: Path, settings: ModelSettings) -> TorchBackend:
        """The network of a checkpoint that `stdtrack train` or `stdtrack import-stark` wrote."""
        is_stark = load_checkpoint(path).get("kind") == stark_checkpoint.KIND
        network = stark_checkpoint.load(path) if is_stark else load_network(path)
        return cls(network, settings, hashlib.sha256(path.read_bytes()).hexdigest())

    def start(self, inputs: Arrays) -> Mapping[str, FloatArray]:
        """See `Backend.start`."""
        return self._run(self._start, inputs)

    def step(self, inputs: Arrays) -> Mapping[str, FloatArray]:
        """See `Backend.step`."""
        return self._run(self._step, inputs)

    def _run(self, graph: Any, inputs: Arrays) -> dict[str, FloatArray]:
        with torch.inference_mode():
            tensors = [torch.from_numpy(inputs[name]).to(self._device) for name in graph.inputs]
            found = graph(*tensors)
        arrays: list[FloatArray] = [value.float().cpu().numpy() for value in found]
        return dict(zip(graph.outputs, arrays, strict=True))


def _device(settings: ModelSettings) -> tuple[torch.device, str]:
    if settings.provider == "tensorrt":
        return torch.device("cpu"), "tensorrt was asked for, but PyTorch has none; the network runs on the CPU."
    if torch.cuda.is_available() and settings.provider in ("auto", "cuda"):
        return torch.device("cuda", 0), ""
    note = "cuda was asked for, but PyTorch sees no CUDA device; the network runs on the CPU."
    return torch.device("cpu"), note if settings.provider == "cuda" else ""
