# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The multi-scale prediction head: score, size and offset maps from the enhanced search tokens (paper, method)."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from stdtrack_ros.network.stdtrack.config import NetworkConfig
from stdtrack_ros.network.stdtrack.reparameterize import KERNELS, RepConv

LARGEST_SIZE = 16
"""Width or height that a box can have at most, in cells."""
_PRIOR_SCORE = 0.02  # of a cell before any training: most cells are background, and the focal loss starts calm


class HeadMaps(NamedTuple):
    """What the head says of each cell.

    Attributes:
        score: (B, 1, H, W) logits: the target's centre lies in this cell.
        size: (B, 2, H, W) width and height as fractions of the crop's side, at most `LARGEST_SIZE` cells.
        offset: (B, 2, H, W) from the cell's centre to the target's centre (x, y), in cells.
    """

    score: Tensor
    size: Tensor
    offset: Tensor

    def boxes(self) -> Tensor:
        """Return (B, 4, H, W): centre x, centre y, width, height by each cell, as fractions of the crop's side."""
        height, width = self.size.shape[-2:]
        grid_y, grid_x = torch.meshgrid(
            torch.arange(height, device=self.size.device), torch.arange(width, device=self.size.device), indexing="ij"
        )
        grid = torch.stack((grid_x, grid_y)).to(self.offset.dtype) + 0.5
        scale = torch.tensor([width, height], device=self.size.device, dtype=self.offset.dtype).view(1, 2, 1, 1)
        return torch.cat(((grid + self.offset) / scale, self.size), dim=1)


class CenterHead(nn.Module):
    """Three branches over a shared 1x1 convolution; `multi_scale` branches see 1x1, 3x3 and 5x5 neighbourhoods."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.cells = config.search_cells
        self.stem = RepConv(config.dim, config.head_stem, (1,))
        kernels = KERNELS if config.head == "multi_scale" else (3,)
        self.score = _branch(config, kernels, 1)
        self.size = _branch(config, kernels, 2)
        self.offset = _branch(config, kernels, 2)
        nn.init.constant_(self.score[-1].bias, torch.logit(torch.tensor(_PRIOR_SCORE)).item())
        nn.init.constant_(self.size[-1].bias, -1.1)  # a target takes a quarter of the window's side

    def forward(self, search: Tensor) -> HeadMaps:
        """Map (B, H W, d) to maps of H x W cells."""
        features = self.stem(search.transpose(1, 2).unflatten(2, (self.cells, self.cells)))
        # Sizes are learned in cells, so that networks with another search window can start from each other.
        size = self.size(features).sigmoid() * (LARGEST_SIZE / self.cells)
        return HeadMaps(self.score(features), size, self.offset(features))


def _branch(config: NetworkConfig, kernels: tuple[int, ...], outputs: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    inputs = config.head_stem
    for channels in config.head_channels:
        layers.append(RepConv(inputs, channels, kernels))
        inputs = channels
    return nn.Sequential(*layers, nn.Conv2d(inputs, outputs, 1))
