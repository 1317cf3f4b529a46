# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""RepConv: parallel 1x1, 3x3 and 5x5 convolutions in training, one 5x5 at inference, with the same result."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

KERNELS = (1, 3, 5)


class RepConv(nn.Module):
    """Sum of convolution + batch norm branches of several kernel sizes, then ReLU; stride 1, same size.

    Each branch k: W'_k = g W_k and b'_k = beta - g m with g = gamma / sqrt(v + eps). The W'_k, padded with zeros to the
    largest kernel and added up, are the merged convolution. This is exact in evaluation mode, borders included, because
    every branch pads its *input* with zeros.
    """

    def __init__(self, inputs: int, outputs: int, kernels: tuple[int, ...] = KERNELS) -> None:
        super().__init__()
        self.branches = nn.ModuleList(
            nn.Sequential(nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2, bias=False), nn.BatchNorm2d(outputs))
            for kernel in kernels
        )
        self.merged: nn.Conv2d | None = None

    def forward(self, features: Tensor) -> Tensor:
        """Map (B, C, H, W) to (B, C', H, W)."""
        if self.merged is not None:
            return functional.relu(self.merged(features))
        return functional.relu(torch.stack([branch(features) for branch in self.branches]).sum(0))

    @torch.no_grad()
    def merge(self) -> None:
        """Replace the branches by the one convolution that does the same in evaluation mode."""
        folded = [_fold(branch[0], branch[1]) for branch in self.branches]
        size = max(weight.shape[-1] for weight, _ in folded)
        weight = sum(functional.pad(weight, [(size - weight.shape[-1]) // 2] * 4) for weight, _ in folded)
        outputs, inputs = weight.shape[:2]
        self.merged = nn.Conv2d(inputs, outputs, size, padding=size // 2).to(weight)
        self.merged.weight.copy_(weight)
        self.merged.bias.copy_(sum(bias for _, bias in folded))
        self.branches = nn.ModuleList()


def merge_all(network: nn.Module) -> None:
    """Merge every RepConv of a network, in place."""
    for module in network.modules():
        if isinstance(module, RepConv) and module.merged is None:
            module.merge()


def _fold(convolution: nn.Conv2d, norm: nn.BatchNorm2d) -> tuple[Tensor, Tensor]:
    gain = norm.weight / torch.sqrt(norm.running_var + norm.eps)
    return convolution.weight * gain[:, None, None, None], norm.bias - gain * norm.running_mean
