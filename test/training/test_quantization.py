# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""8-bit forms of a model: what is quantized and how, that they compute the same up to it, and what they are told."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper
from painted_clips import clip
from tiny_models import write_tiny_model

from stdtrack_ros.families import graph_path
from stdtrack_ros.settings import ModelSettings, make_settings
from stdtrack_ros.tracker import load_model
from stdtrack_ros.tracker.backends.onnx import OnnxBackend
from stdtrack_ros.tracker.backends.precision import FORMATS, quantized_path
from stdtrack_ros.training.quantization import SAMPLES, quantize, record_inputs

IMAGES = [{"image": np.random.default_rng(k).integers(0, 9, (1, 3, 8, 8), dtype=np.uint8)} for k in range(8)]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = write_tiny_model(tmp_path_factory.mktemp("tiny") / "net.onnx")
    quantize(path, {"start": IMAGES, "step": IMAGES}, full_precision=["stem"])
    return path


def weights_of(path: Path) -> dict[str, np.ndarray]:
    return {one.name: numpy_helper.to_array(one) for one in onnx.load(str(path)).graph.initializer}


@pytest.mark.parametrize("precision", FORMATS)
def test_layers_are_quantized_and_the_rest_is_not(model: Path, precision: str) -> None:
    graph = onnx.load(str(quantized_path(model, precision))).graph
    producers = {name: node.op_type for node in graph.node for name in node.output}
    inputs = {node.name: [producers.get(name, "") for name in node.input] for node in graph.node}
    for layer in ("/body/Conv", "/linear/MatMul"):
        assert inputs[layer][:2] == ["DequantizeLinear"] * 2
    assert inputs["/stem/Conv"][:2] == ["Cast", ""] and "DequantizeLinear" not in inputs["/Clip"]
    quantized = {node.input[0] for node in graph.node if node.op_type == "QuantizeLinear"}
    assert "e" in quantized
    assert quantized.isdisjoint({"pixels", "f", "g", "out"}), "attention, and what a linear layer gives, keep 32 bits"


@pytest.mark.parametrize("precision", FORMATS)
def test_weights_have_a_scale_per_channel_and_the_bits_of_their_format(model: Path, precision: str) -> None:
    found = weights_of(quantized_path(model, precision))
    assert found["body_scale"].shape == (8,) and found["body_quantized"].dtype == np.int8
    largest = np.abs(found["body_quantized"].astype(int)).max()
    assert largest <= 64 if precision == "u8s7" else 120 < largest <= 127
    zeros = {name: value for name, value in found.items() if name.endswith("zero_point") and value.ndim == 0}
    kind = np.int8 if precision == "s8s8" else np.uint8
    assert zeros and all(value.dtype == kind for value in zeros.values())
    if precision == "s8s8":
        assert not any(value.any() for value in zeros.values()), "TensorRT takes symmetric ranges alone"


@pytest.mark.parametrize("precision", FORMATS)
def test_a_quantized_model_computes_nearly_the_same(model: Path, precision: str) -> None:
    settings = ModelSettings(threads=1, provider="cpu", precision="fp32")
    exact, quick = OnnxBackend(model, settings), OnnxBackend(quantized_path(model, precision), settings)
    assert (exact.precision, quick.precision) == ("fp32", precision)
    for inputs in IMAGES:
        expected, found = exact.run("step", inputs)["out"], quick.run("step", inputs)["out"]
        assert np.abs(found - expected).max() < 0.05 * np.abs(expected).max()
        assert np.array_equal(found, quick.run("start", inputs)["out"]) and not np.array_equal(found, expected)


def test_a_graph_that_stays_in_32_bits_is_written_beside_the_others(tmp_path: Path) -> None:
    path = write_tiny_model(tmp_path / "net.onnx")
    quantize(path, {"start": IMAGES, "step": IMAGES}, ["stem", "body", "linear"], ["u8s8"])
    found = OnnxBackend(quantized_path(path, "u8s8"), ModelSettings(threads=1, provider="cpu"))
    exact = OnnxBackend(path, ModelSettings(threads=1, provider="cpu", precision="fp32"))
    assert found.precision == "u8s8"
    assert np.array_equal(found.run("step", IMAGES[0])["out"], exact.run("step", IMAGES[0])["out"])


def test_what_a_quantized_model_is_told(model: Path) -> None:
    for graph in ("start", "step"):
        path = graph_path(quantized_path(model, "u8s8"), graph)
        (entry,) = onnx.load(str(path)).metadata_props
        facts = json.loads(entry.value)
        assert facts["precision"] == "u8s8" and facts["network"] == {"seed": 0}
        assert facts["source"] == hashlib.sha256(model.read_bytes()).hexdigest()


def test_inputs_are_recorded_evenly_over_clips() -> None:
    settings = make_settings({"model.threads": 1, "model.provider": "cpu", "model.precision": "fp32"})
    clips = [clip(f"clip{k}", length=4).open() for k in range(2)]
    taken = record_inputs(load_model, settings, clips)
    assert 2 <= len(taken["start"]) <= SAMPLES
    assert len(taken["step"]) == 2 * (2 + 3)  # two windows of the start, three frames
    assert taken["step"][0]["search"].shape[0] == 1 and taken["step"][0]["search"].dtype == np.uint8
    assert {"template"} == taken["start"][0].keys() and len(taken["memory"]) >= 2
