# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The backbone: ImageNet's weights folded exactly, and what freezing leaves to train."""

from __future__ import annotations

import pytest
import torch

from stdtrack_ros.errors import ModelError
from stdtrack_ros.network.stdtrack.backbones.efficientnet_lite import EfficientNetLite


def random_weights(network: EfficientNetLite) -> dict[str, torch.Tensor]:
    """Make weights for a network of full width, named as the package names them."""
    weights: dict[str, torch.Tensor] = {}

    def norm(name: str, channels: int) -> None:
        weights.update({f"{name}.weight": torch.rand(channels) + 0.5, f"{name}.bias": torch.randn(channels)})
        weights.update({f"{name}.running_mean": torch.randn(channels), f"{name}.running_var": torch.rand(channels)})

    weights["_conv_stem.weight"] = torch.randn(32, 3, 3, 3)
    norm("_bn0", 32)
    for index, block in enumerate(network.blocks):
        name = f"_blocks.{index}"
        if block.expand is not None:
            weights[f"{name}._expand_conv.weight"] = torch.randn_like(block.expand.weight)
            norm(f"{name}._bn0", block.expand.out_channels)
        weights[f"{name}._depthwise_conv.weight"] = torch.randn_like(block.depthwise.weight)
        norm(f"{name}._bn1", block.depthwise.out_channels)
        weights[f"{name}._project_conv.weight"] = torch.randn_like(block.project.weight)
        norm(f"{name}._bn2", block.project.out_channels)
    return weights


def test_imagenet_weights_are_folded_exactly() -> None:
    """The first block against convolution and batch norm computed apart, on weights as the package names them."""
    torch.manual_seed(2)
    network = EfficientNetLite()
    weights = random_weights(network)
    network.load_imagenet(weights)
    bgr = torch.randn(1, 3, 32, 32)
    rgb = torch.nn.functional.pad(bgr.flip(1), (0, 1, 0, 1))  # TensorFlow's "same" padding at stride 2
    expected = torch.nn.functional.batch_norm(
        torch.nn.functional.conv2d(rgb, weights["_conv_stem.weight"], stride=2),
        weights["_bn0.running_mean"],
        weights["_bn0.running_var"],
        weights["_bn0.weight"],
        weights["_bn0.bias"],
        eps=1e-3,
    )
    torch.testing.assert_close(network.stem(bgr), expected, rtol=1e-4, atol=1e-4)
    with pytest.raises(ModelError, match="_conv_stem"):
        EfficientNetLite().load_imagenet({})


def test_narrowed_blocks_lose_the_hidden_channels_that_add_nothing() -> None:
    torch.manual_seed(3)
    wide, narrow = EfficientNetLite(), EfficientNetLite(early_width=2 / 3)
    weights = random_weights(wide)
    for block, hidden in ((1, 96), (2, 144), (3, 144)):
        weights[f"_blocks.{block}._project_conv.weight"][:, torch.randperm(hidden)[: hidden // 3]] = 0.0
    wide.load_imagenet(weights)
    narrow.load_imagenet(weights)
    assert [len(block.depthwise.bias) for block in narrow.blocks[:5]] == [32, 64, 96, 96, 240]
    image = torch.randn(1, 3, 32, 32)
    torch.testing.assert_close(narrow(image), wide(image), rtol=1e-4, atol=1e-3)


def test_freezing_keeps_blocks_and_trains_the_rest() -> None:
    network = EfficientNetLite()
    network.freeze(5)
    network(torch.randn(1, 3, 32, 32)).sum().backward()
    trained = {name for name, value in network.named_parameters() if value.grad is not None}
    assert not any(name.startswith(("stem", "blocks.0.", "blocks.4.")) or "depthwise" in name for name in trained)
    assert any(name.startswith("blocks.5.") for name in trained)
    network.freeze(0, depthwise=False)
    assert all(value.requires_grad for value in network.parameters())
