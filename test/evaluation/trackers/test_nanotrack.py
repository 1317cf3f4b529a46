# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""NanoTrack V3 on two small ONNX graphs whose answer is known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from stdtrack_ros.evaluation.trackers.nanotrack import NanoTrackV3


def made_nanotrack(folder: Path) -> NanoTrackV3:
    """Networks of NanoTrack's shapes, whose head always sees a 64 px target 16 px right of the centre."""
    image = helper.make_tensor_value_info("input", TensorProto.FLOAT, [1, 3, 255, 255])
    features = helper.make_tensor_value_info("output", TensorProto.FLOAT, [1, 96, 16, 16])
    kernel = helper.make_tensor("kernel", TensorProto.FLOAT, [96, 3, 16, 16], np.full(96 * 768, 1 / 768, np.float32))
    convolution = helper.make_node("Conv", ["input", "kernel"], ["output"], strides=[16, 16], pads=[0, 0, 1, 1])
    save(folder / "backbone.onnx", [convolution], [image], [features], [kernel])
    template = helper.make_tensor_value_info("input1", TensorProto.FLOAT, [1, 96, 8, 8])
    search = helper.make_tensor_value_info("input2", TensorProto.FLOAT, [1, 96, 16, 16])
    score = np.zeros((1, 2, 15, 15), np.float32)
    score[0, 0], score[0, 1, 7, 8] = 5.0, 12.0
    distances = np.full((1, 4, 15, 15), 32.0, np.float32)
    nodes, outputs = [], []
    for name, value in (("output1", score), ("output2", distances)):
        constant = helper.make_tensor(name, TensorProto.FLOAT, value.shape, value.ravel())
        nodes.append(helper.make_node("Constant", [], [name], value=constant))
        outputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, value.shape))
    save(folder / "head.onnx", nodes, [template, search], outputs, [])
    return NanoTrackV3(str(folder / "backbone.onnx"), str(folder / "head.onnx"), 1)


def save(path: Path, nodes: list, inputs: list, outputs: list, constants: list) -> None:
    graph = helper.make_graph(nodes, "graph", inputs, outputs, constants)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)


def test_nanotrack_reads_the_peak_of_its_head(tmp_path: Path) -> None:
    tracker = made_nanotrack(tmp_path)
    image = np.full((400, 400, 3), 90, np.uint8)
    tracker.initialize(image, (180, 180, 40, 40), 0.0)
    box, quality, _ = tracker.track(image, 0.1)
    # A square target of 40 px has a template window of 80 px on 127: 16 px on the search input are 16 * 80 / 127.
    x, y, width, height = np.asarray(box)
    assert x + width / 2 == pytest.approx(200 + 16 * 80 / 127)
    assert y + height / 2 == pytest.approx(200)
    # The head says 64 px on the input, 64 * 80 / 127 in the image, blended with the penalised score's rate.
    assert quality == pytest.approx(1 / (1 + np.exp(-7)), abs=1e-4)
    assert width == pytest.approx(height) and 40 < width < 64 * 80 / 127
