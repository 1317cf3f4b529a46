# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Distillation: teachers of any batch size, and a loss that is least for their own features."""

from __future__ import annotations

from pathlib import Path

import onnx
import pytest
import torch

from stdtrack_ros.errors import ModelError
from stdtrack_ros.training.distillation import FeatureDistillation, FeatureTeacher


def teacher_file(path: Path) -> Path:
    """Write an ONNX backbone as a Siamese tracker has it: 127 px to 8 x 8 cells, with a gate on its channels."""
    convolution = torch.nn.Conv2d(3, 4, 16, 16, padding=1)
    gate = torch.nn.Linear(4, 4)

    class Backbone(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.convolution, self.gate = convolution, gate

        def forward(self, image: torch.Tensor) -> torch.Tensor:
            features = self.convolution(image)
            return features * self.gate(features.mean(dim=(2, 3)).reshape(1, 4)).reshape(1, 4, 1, 1)

    torch.onnx.export(Backbone(), (torch.zeros(1, 3, 127, 127),), str(path), dynamo=False, opset_version=13)
    return path


def test_a_teacher_made_for_one_image_takes_batches_of_any_size(tmp_path: Path) -> None:
    teacher = FeatureTeacher(teacher_file(tmp_path / "teacher.onnx"))
    crops = 255 * torch.rand(3, 3, 128, 128)
    together = teacher.features(crops)
    assert together.shape == (3, 64, 4)
    for index in range(3):
        torch.testing.assert_close(teacher.features(crops[index : index + 1])[0], together[index], rtol=1e-4, atol=1e-4)
    with pytest.raises(ModelError, match="not an ONNX model"):
        (tmp_path / "bad.onnx").write_bytes(b"no model")
        FeatureTeacher(tmp_path / "bad.onnx")
    assert onnx.load(str(tmp_path / "teacher.onnx")).graph.input[0].type.tensor_type.shape.dim[0].dim_value == 1


def test_distillation_is_least_for_the_teachers_own_features(tmp_path: Path) -> None:
    teacher = FeatureTeacher(teacher_file(tmp_path / "teacher.onnx"))
    module = FeatureDistillation(teacher, 4, 1.0)
    crops = 255 * torch.rand(2, 3, 128, 128)
    features = teacher.features(crops)
    module.mean.copy_(features.mean(dim=(0, 1)))
    with torch.no_grad():
        module.project.weight.copy_(torch.eye(4))
        module.project.bias.copy_(-module.mean)
    assert float(module.loss(crops, features, None, features)) == pytest.approx(0.0, abs=1e-3)
    assert float(module.loss(crops, -features, None, features)) > 0.5
