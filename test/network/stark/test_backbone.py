# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The backbone: weights from ImageNet, norms fitted to clips, norms that stay as they are."""

from __future__ import annotations

import pytest
import torch
from tiny_stark import tiny_stark

from stdtrack_ros.errors import ModelError
from stdtrack_ros.network.stark.backbone import FrozenBatchNorm, ResNet, calibrate, load_imagenet

TINY = tiny_stark()


def test_imagenet_weights_fill_the_backbone_and_nothing_else() -> None:
    weights = {name: torch.randn(value.shape) for name, value in ResNet(TINY).state_dict().items()}
    rest = {
        "bn1.num_batches_tracked": torch.tensor(0),
        "layer4.0.conv1.weight": torch.zeros(1),
        "fc.bias": torch.zeros(9),
    }
    backbone = ResNet(TINY)
    load_imagenet(backbone, weights | rest)
    assert all(torch.equal(value, weights[name]) for name, value in backbone.state_dict().items())
    del weights["layer2.0.bn3.running_var"]
    with pytest.raises(ModelError, match=r"layer2\.0\.bn3\.running_var"):
        load_imagenet(backbone, weights)


def test_calibrated_norms_put_out_unit_variance() -> None:
    torch.manual_seed(0)
    backbone, images = ResNet(TINY), torch.randn(4, 3, 64, 64)
    calibrate(backbone, images)
    seen = []
    for norm in backbone.modules():
        if isinstance(norm, FrozenBatchNorm):
            norm.register_forward_hook(lambda _, __, out: seen.append(out))
    backbone(images)
    assert len(seen) == 1 + 3 * 4  # the stem, and three convolutions and a shortcut in each of three blocks
    for out in seen:
        torch.testing.assert_close(out.mean(dim=(0, 2, 3)), torch.zeros(out.shape[1]), atol=1e-3, rtol=0)
        torch.testing.assert_close(out.var(dim=(0, 2, 3)), torch.ones(out.shape[1]), atol=2e-2, rtol=0)
