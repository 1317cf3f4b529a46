# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""ResNet up to its third stage (stride 16) with frozen batch norm (section 3.1, "Backbone", and section 4.1)."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from stdtrack_ros.errors import ModelError
from stdtrack_ros.network.stark.config import StarkConfig

EXPANSION = 4
"""Output channels of a bottleneck block per channel of its middle convolution."""


class FrozenBatchNorm(nn.Module):
    """Batch norm whose statistics and affine map are constants: section 4.1 freezes them during training."""

    weight: Tensor
    bias: Tensor
    running_mean: Tensor
    running_var: Tensor

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.register_buffer("weight", torch.ones(channels))
        self.register_buffer("bias", torch.zeros(channels))
        self.register_buffer("running_mean", torch.zeros(channels))
        self.register_buffer("running_var", torch.ones(channels))

    def forward(self, features: Tensor) -> Tensor:
        """Scale and shift (B, C, H, W) per channel."""
        scale = self.weight * (self.running_var + 1e-5).rsqrt()
        shift = self.bias - self.running_mean * scale
        return features * scale[:, None, None] + shift[:, None, None]


class Bottleneck(nn.Module):
    """1x1, 3x3, 1x1 convolutions beside a shortcut; the 3x3 carries the stride."""

    def __init__(self, channels_in: int, width: int, stride: int) -> None:
        super().__init__()
        channels_out = width * EXPANSION
        self.conv1 = nn.Conv2d(channels_in, width, 1, bias=False)
        self.bn1 = FrozenBatchNorm(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride, 1, bias=False)
        self.bn2 = FrozenBatchNorm(width)
        self.conv3 = nn.Conv2d(width, channels_out, 1, bias=False)
        self.bn3 = FrozenBatchNorm(channels_out)
        self.downsample: nn.Module = nn.Identity()
        if stride != 1 or channels_in != channels_out:
            shortcut = nn.Conv2d(channels_in, channels_out, 1, stride, bias=False)
            self.downsample = nn.Sequential(shortcut, FrozenBatchNorm(channels_out))

    def forward(self, features: Tensor) -> Tensor:
        """Map (B, C, H, W) to (B, 4 * width, H / stride, W / stride)."""
        inner = torch.relu(self.bn1(self.conv1(features)))
        inner = torch.relu(self.bn2(self.conv2(inner)))
        return torch.relu(self.bn3(self.conv3(inner)) + self.downsample(features))


class ResNet(nn.Module):
    """Stem and stages 1 to 3; parameter names are those of torchvision, so that its ImageNet weights load."""

    def __init__(self, config: StarkConfig) -> None:
        super().__init__()
        width = config.base_width
        self.conv1 = nn.Conv2d(3, width, 7, 2, 3, bias=False)
        self.bn1 = FrozenBatchNorm(width)
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        self.layer1 = _stage(width, width, config.blocks[0], stride=1)
        self.layer2 = _stage(width * EXPANSION, width * 2, config.blocks[1], stride=2)
        self.layer3 = _stage(width * 2 * EXPANSION, width * 4, config.blocks[2], stride=2)
        self.channels = width * 4 * EXPANSION
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, images: Tensor) -> Tensor:
        """Map normalised RGB (B, 3, H, W) to features (B, channels, H / 16, W / 16)."""
        stem = self.maxpool(torch.relu(self.bn1(self.conv1(images))))
        return self.layer3(self.layer2(self.layer1(stem)))


def load_imagenet(backbone: ResNet, weights: Mapping[str, Tensor]) -> None:
    """Take the weights of torchvision's ResNet of the same depth; what lies behind the third stage is left out.

    Raises:
        ModelError: a weight is missing or of another shape.
    """
    own = backbone.state_dict()
    fitting = {name: value for name, value in weights.items() if name in own and value.shape == own[name].shape}
    missing = sorted(own.keys() - fitting.keys())
    if missing:
        raise ModelError(f"The ImageNet weights lack {', '.join(missing[:8])} of the backbone; is it of another depth?")
    backbone.load_state_dict(fitting)


@torch.no_grad()
def calibrate(backbone: ResNet, images: Tensor) -> None:
    """Give the frozen norms of a backbone without ImageNet weights the statistics of some images (B, 3, S, S)."""

    def take_statistics(norm: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        assert isinstance(norm, FrozenBatchNorm)
        norm.running_mean.copy_(inputs[0].mean(dim=(0, 2, 3)))
        norm.running_var.copy_(inputs[0].var(dim=(0, 2, 3)))

    norms = [module for module in backbone.modules() if isinstance(module, FrozenBatchNorm)]
    hooks = [norm.register_forward_pre_hook(take_statistics) for norm in norms]
    backbone(images)
    for hook in hooks:
        hook.remove()


def _stage(channels_in: int, width: int, blocks: int, stride: int) -> nn.Sequential:
    first = Bottleneck(channels_in, width, stride)
    return nn.Sequential(first, *(Bottleneck(width * EXPANSION, width, 1) for _ in range(blocks - 1)))
