# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Feature distillation: the backbone's cells learn to predict those of a tracker that was trained on far more video."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from stdtrack_ros.errors import ModelError


class FeatureTeacher:
    """A Siamese tracker's backbone in ONNX, with one image in and one map of stride 16 out.

    NanoTrack V3's backbone fits: (1, 3, S, S) raw BGR, S = 127 or 255, to (1, 96, 8, 8) or (1, 96, 16, 16), the same
    windows and cells as ours.
    """

    def __init__(self, path: Path, threads: int = 1) -> None:
        try:
            model = onnx.load(str(path))
        except Exception as error:
            raise ModelError(f"The teacher {path} is not an ONNX model: {error}") from None
        _free_batch(model.graph)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        self.session = onnxruntime.InferenceSession(model.SerializeToString(), options, ["CPUExecutionProvider"])
        self.input = self.session.get_inputs()[0].name
        self.channels = int(self.session.get_outputs()[0].shape[1])

    def features(self, crops: Tensor) -> Tensor:
        """Map (B, 3, S, S) float BGR 0..255 to (B, N, C), row-major cells."""
        resized = functional.interpolate(crops.float().cpu(), size=crops.shape[-1] - 1, mode="bilinear")
        found: NDArray[np.float32] = self.session.run(None, {self.input: resized.numpy()})[0]
        return torch.from_numpy(found).flatten(2).transpose(1, 2).to(crops.device)


def _free_batch(graph: onnx.GraphProto) -> None:
    """Let a graph that was exported for one image of one size take any number, of any size."""
    for value in [*graph.input, *graph.output]:
        for axis, dimension in zip("bchw", value.type.tensor_type.shape.dim, strict=True):
            if axis != "c":
                dimension.dim_param = axis
    del graph.value_info[:]
    shapes = {node.input[1] for node in graph.node if node.op_type == "Reshape"}
    constants = {tensor.name: tensor for tensor in graph.initializer}
    constants |= {node.output[0]: node.attribute[0].t for node in graph.node if node.op_type == "Constant"}
    for name in shapes & constants.keys():
        shape = onnx.numpy_helper.to_array(constants[name]).copy()
        if shape[0] == 1 and -1 not in shape:
            shape[0] = -1
            constants[name].CopyFrom(onnx.numpy_helper.from_array(shape, name))


class FeatureDistillation(nn.Module):
    """Cosine distance between a linear map of our cells and the teacher's features, less their running mean."""

    MOMENTUM = 0.01

    def __init__(self, teacher: FeatureTeacher, dim: int, weight: float) -> None:
        super().__init__()
        self.teacher, self.weight = teacher, weight
        self.project = nn.Linear(dim, teacher.channels)
        self.register_buffer("mean", torch.zeros(teacher.channels))

    def loss(self, search: Tensor, cells: Tensor, template: Tensor | None, template_cells: Tensor) -> Tensor:
        """Return the mean distance over all search cells, and over the template's if its crop is given; a scalar."""
        distance = self._distance(search, cells)
        return distance if template is None else 0.5 * (distance + self._distance(template, template_cells))

    def _distance(self, crop: Tensor, cells: Tensor) -> Tensor:
        wanted = self.teacher.features(crop)
        with torch.no_grad():
            self.mean.lerp_(wanted.mean(dim=(0, 1)), self.MOMENTUM if self.mean.any() else 1.0)
        return 1.0 - functional.cosine_similarity(self.project(cells).float(), wanted - self.mean, dim=-1).mean()
