# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""From an exported model to its 8-bit forms: static quantization (QDQ), weights per channel, ranges from clips.

What costs accuracy or gains no time stays in 32 bits: the modules that a graph names in `full_precision`, products of
two activations (attention), and everything but convolutions, linear layers and what is fused into them.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static

from stdtrack_ros.errors import SequenceError
from stdtrack_ros.families import METADATA_KEY, graph_path
from stdtrack_ros.sequences.sequence import Sequence as Clip
from stdtrack_ros.settings import TrackerSettings
from stdtrack_ros.tracker.backends.backend import Arrays, Backend
from stdtrack_ros.tracker.backends.precision import FORMATS, quantized_path
from stdtrack_ros.tracker.models.model import FloatArray, Model
from stdtrack_ros.tracker.tracker import Tracker

SAMPLES = 64
"""Inputs of each graph that the ranges are taken from."""
FRAMES_PER_CLIP = 24

Inputs = list[dict[str, NDArray[Any]]]


class _RecordingBackend:
    """A backend that keeps what its graphs were given."""

    def __init__(self, inner: Backend) -> None:
        self.inner = inner
        self.given: dict[str, Inputs] = defaultdict(list)

    def run(self, graph: str, inputs: Arrays) -> Mapping[str, FloatArray]:
        self.given[graph].append({name: np.array(value) for name, value in inputs.items()})
        return self.inner.run(graph, inputs)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)


class _Reader(CalibrationDataReader):
    def __init__(self, inputs: Inputs, names: set[str]) -> None:
        self._inputs: Iterator[dict[str, NDArray[Any]]] = ({n: one[n] for n in names} for one in inputs)

    def get_next(self) -> dict[str, NDArray[Any]] | None:
        return next(self._inputs, None)


def record_inputs(
    load: Callable[[TrackerSettings], Model], settings: TrackerSettings, clips: Sequence[Clip]
) -> dict[str, Inputs]:
    """Track clips and return `SAMPLES` inputs of each graph, evenly taken from them.

    Windows that the tracker looks at in spare time, elsewhere or for a LOST target, are left out.

    Raises:
        SequenceError: there is no clip with two frames.
    """
    search = settings.search.model_copy(update={"elsewhere_interval": 0.0})
    redetection = settings.redetection.model_copy(update={"crops_per_second": 0.0})
    settings = settings.model_copy(update={"search": search, "redetection": redetection})
    taken: dict[str, Inputs] = defaultdict(list)
    stride = max(len(clips) // SAMPLES, 1)
    for clip in clips[::stride]:
        model: Any = load(settings)
        backend = model.backend = _RecordingBackend(model.backend)
        tracker = Tracker(model, settings)
        tracker.initialize(clip.frame(0), clip.boxes[0], float(clip.stamps_s[0]))
        for index in range(1, min(len(clip), FRAMES_PER_CLIP)):
            tracker.track(clip.frame(index), float(clip.stamps_s[index]))
        count = max(SAMPLES * stride // len(clips), 1)
        for graph, inputs in backend.given.items():
            taken[graph] += _evenly(inputs, count)
    if not taken["step"]:
        raise SequenceError("8-bit ranges need clips with at least two frames; there is none.")
    return taken


def _evenly(inputs: Inputs, count: int) -> Inputs:
    """Return the last of each of `count` equal parts: late frames have a full memory."""
    return [
        part[-1]
        for part in (inputs[k * len(inputs) // count : (k + 1) * len(inputs) // count] for k in range(count))
        if part
    ]


def quantize(
    path: Path, inputs: Mapping[str, Inputs], full_precision: Sequence[str], formats: Sequence[str] | None = None
) -> list[Path]:
    """Write 8-bit forms of an exported model's graphs beside it; one in which all stays in 32 bits is written so.

    Args:
        inputs: of each graph, by its name, to take the ranges from.
        full_precision: modules whose nodes stay in 32 bits, as dotted paths.
        formats: of `FORMATS`; all by default.
    """
    source = hashlib.sha256(path.read_bytes()).hexdigest()
    written = []
    for precision in formats or FORMATS:
        target = quantized_path(path, precision)
        for graph, given in inputs.items():
            result = graph_path(target, graph)
            _quantize_graph(graph_path(path, graph), result, given, precision, full_precision, source)
            written.append(result)
    return written


def _quantize_graph(
    path: Path, target: Path, inputs: Inputs, precision: str, full_precision: Sequence[str], source: str
) -> None:
    model = onnx.load(str(path))
    nodes = _nodes_to_quantize(model, full_precision)
    if nodes:
        _quantize_nodes(path, target, _Reader(inputs, {one.name for one in model.graph.input}), precision, nodes)
    metadata = json.loads(next(entry.value for entry in model.metadata_props if entry.key == METADATA_KEY))
    quantized = onnx.load(str(target)) if nodes else model
    del quantized.metadata_props[:]
    facts = {**metadata, "precision": precision, "source": source}
    quantized.metadata_props.add(key=METADATA_KEY, value=json.dumps(facts, sort_keys=True))
    onnx.save(quantized, str(target))


def _quantize_nodes(path: Path, target: Path, reader: _Reader, precision: str, nodes: list[str]) -> None:
    signed = precision == "s8s8"
    level = logging.getLogger().level
    logging.getLogger().setLevel(logging.ERROR)  # the tool warns of an optimisation that the export has done
    try:
        quantize_static(
            str(path),
            str(target),
            reader,
            quant_format=QuantFormat.QDQ,
            # Clip, Relu and Add as well: without them every activation would go back to 32 bits in between.
            op_types_to_quantize=["Conv", "MatMul", "Gemm", "Clip", "Relu", "Add"],
            nodes_to_quantize=nodes,
            per_channel=True,
            reduce_range=precision == "u8s7",
            activation_type=QuantType.QInt8 if signed else QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            extra_options={
                "ActivationSymmetric": signed,  # TensorRT takes no other
                # What takes in a linear layer's numbers (normalization, attention, sums) works in 32 bits.
                "OpTypesToExcludeOutputQuantization": ["MatMul", "Gemm"],
            },
        )
    finally:
        logging.getLogger().setLevel(level)


def _nodes_to_quantize(model: onnx.ModelProto, full_precision: Sequence[str]) -> list[str]:
    """Return the convolutions and linear layers, their activations, and the sums of residual blocks."""
    kept = tuple(f"/{module.replace('.', '/')}/" for module in full_precision)
    weights = {one.name for one in model.graph.initializer}
    chosen: list[str] = []
    convolved: set[str] = set()  # values that a chosen convolution makes
    for node in model.graph.node:
        linear = node.op_type in ("Conv", "MatMul", "Gemm") and node.input[1] in weights
        fused = node.op_type in ("Clip", "Relu", "Add") and not convolved.isdisjoint(node.input)
        if node.name.startswith(kept) or not (linear or fused):
            continue
        chosen.append(node.name)
        if node.op_type == "Conv":
            convolved.update(node.output)
    return chosen
