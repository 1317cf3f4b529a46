# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""OpenVINO: another engine for the exported graphs on CPUs, an optional extra."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import openvino
from numpy.typing import NDArray

from stdtrack_ros.errors import ModelError
from stdtrack_ros.families import METADATA_KEY
from stdtrack_ros.settings import ModelSettings
from stdtrack_ros.tracker.backends.backend import Arrays
from stdtrack_ros.tracker.backends.onnx import cache_folder, graphs_beside
from stdtrack_ros.tracker.backends.precision import FLOAT, choose_precision, file_sha256, replace_outdated
from stdtrack_ros.tracker.models.model import FloatArray

WARM_BATCHES = (1, 2)
"""Batch sizes that are run once while loading: the first run of another one takes some tenths of a second."""
_NUMBERS = {"f32": FLOAT, "f16": "fp16"}


class OpenVinoBackend:
    """The files that `OnnxBackend` runs, on the CPU.

    With `model.precision: auto` OpenVINO computes in the numbers that it finds fastest here: bfloat16 where the
    processor has it. `fp32` keeps it from that.
    """

    name = "openvino"

    def __init__(self, path: Path, settings: ModelSettings) -> None:
        """Load the files that suit the processor and run each once.

        Raises:
            ModelError: a file is missing, damaged, no model of ours, of another pair, or a provider other than the CPU
                is asked for and `require_provider` insists on it.
        """
        file = choose_precision(path, settings, on_cpu=True)
        step = _Graph(file.path, settings)
        if newer := replace_outdated(file, path, step.metadata):
            file, step = newer, _Graph(path, settings)
        others = graphs_beside(file.path, step.metadata, lambda each: _Graph(each, settings))
        self._graphs = {"step": step, **others}
        self.metadata, self.provider = step.metadata, step.device
        self.path, self.sha256 = file.path, file_sha256(file.path)
        numbers = step.numbers
        self.precision = numbers if file.precision == FLOAT else f"{file.precision} and {numbers}"
        device = "" if settings.provider in ("auto", "cpu") else _no_such_device(settings.provider)
        self.note = " ".join(filter(None, (file.note, device)))
        if self.note and settings.require_provider:
            raise ModelError(self.note)

    def run(self, graph: str, inputs: Arrays) -> Mapping[str, FloatArray]:
        """See `Backend.run`."""
        return self._graphs[graph].run(inputs)


class _Graph:
    """A compiled graph.

    Attributes:
        metadata: the JSON text that `stdtrack export` wrote.
        device: what it runs on.
        numbers: those that it computes in where the graph has 32-bit ones.
    """

    def __init__(self, path: Path, settings: ModelSettings) -> None:
        if not path.is_file():
            raise ModelError(f"There is no model file {path}; give one that `stdtrack export` wrote.")
        core = openvino.Core()
        try:
            model = core.read_model(path)
        except RuntimeError as error:
            raise ModelError(f"{path} is not a readable ONNX model: {str(error).splitlines()[0]}") from None
        if not model.has_rt_info(["framework", METADATA_KEY]):
            raise ModelError(f"{path} is an ONNX model, but not one that `stdtrack export` wrote.")
        self.metadata: dict[str, Any] = json.loads(model.get_rt_info(["framework", METADATA_KEY]).value)
        compiled = core.compile_model(model, "CPU", _options(path, settings))
        self.device = ", ".join(compiled.get_property("EXECUTION_DEVICES"))
        hint = compiled.get_property("INFERENCE_PRECISION_HINT").to_string()
        self.numbers = _NUMBERS.get(hint, hint)
        self._request = compiled.create_infer_request()
        self._inputs = {one.any_name: one for one in compiled.inputs}
        self._outputs = [one.any_name for one in compiled.outputs]
        slots = int(self.metadata["network"].get("capacity", 1))
        for batch in WARM_BATCHES:
            self.run({name: _zeros(one, batch, slots) for name, one in self._inputs.items()})

    def run(self, inputs: Arrays) -> dict[str, FloatArray]:
        """Run once."""
        self._request.infer({name: np.ascontiguousarray(inputs[name]) for name in self._inputs})
        return {name: np.array(self._request.get_tensor(name).data) for name in self._outputs}


def _options(path: Path, settings: ModelSettings) -> dict[str, Any]:
    options: dict[str, Any] = {"PERFORMANCE_HINT": "LATENCY", "ENABLE_CPU_PINNING": False}
    if settings.threads:
        options["INFERENCE_NUM_THREADS"] = settings.threads
    if settings.precision == "fp32":
        options["INFERENCE_PRECISION_HINT"] = "f32"
    folder = cache_folder(file_sha256(path))
    return options if folder is None else {**options, "CACHE_DIR": str(folder)}


def _zeros(tensor: Any, batch: int, slots: int) -> NDArray[Any]:
    """Make zeros of an input's type and shape; its free axes are the batch and, of the memory, the slots."""
    shape = [size.get_length() if size.is_static else slots for size in tensor.partial_shape]
    return np.zeros([batch, *shape[1:]], tensor.element_type.to_dtype())


def _no_such_device(provider: str) -> str:
    return f"{provider} was asked for, but OpenVINO has none here; the network runs on the CPU."
