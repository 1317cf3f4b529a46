# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What reads the transformer: the corner head of equation 2, DETR's perceptron instead of it, and the score head."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from stdtrack_ros.network.stark.config import STRIDE, StarkConfig

NEAR_CELLS = 2
"""Cells around an expected corner, each way, within which its probability counts as agreeing with it."""


class Perceptron(nn.Module):
    """Three linear maps with ReLU between them."""

    def __init__(self, dimension: int, outputs: int) -> None:
        super().__init__()
        sizes = [dimension, dimension, dimension, outputs]
        self.layers = nn.ModuleList(nn.Linear(sizes[i], sizes[i + 1]) for i in range(3))

    def forward(self, embedding: Tensor) -> Tensor:
        """Map (B, d) to (B, outputs)."""
        for layer in self.layers[:-1]:
            embedding = torch.relu(layer(embedding))
        return self.layers[-1](embedding)


class CornerBranch(nn.Sequential):
    """Four Conv-BN-ReLU layers, each halving the channels, and a 1x1 convolution to the logits of one corner."""

    def __init__(self, dimension: int) -> None:
        widths = [dimension, dimension, dimension // 2, dimension // 4, dimension // 8]
        layers: list[nn.Module] = []
        for i in range(4):
            layers += [nn.Conv2d(widths[i], widths[i + 1], 3, padding=1), nn.BatchNorm2d(widths[i + 1]), nn.ReLU()]
        super().__init__(*layers, nn.Conv2d(widths[4], 1, 1))


class CornerHead(nn.Module):
    """Probability maps of the top-left and the bottom-right corner; a corner is the expectation of its map."""

    def __init__(self, config: StarkConfig) -> None:
        super().__init__()
        self.cells = config.search_cells
        self.top_left = CornerBranch(config.dimension)
        self.bottom_right = CornerBranch(config.dimension)
        steps = torch.arange(self.cells, dtype=torch.float32) * STRIDE / config.search_size
        grid = torch.stack(torch.meshgrid(steps, steps, indexing="xy"), dim=-1).reshape(-1, 2)
        self.register_buffer("grid", grid, persistent=False)

    def forward(self, search: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        """Read the box off the search window.

        Args:
            search: (B, cells * cells, d), the encoder's output for the search window.
            target: (B, d), the decoder's output.

        Returns:
            Corners (B, 4) as x0, y0, x1, y1 in units of the search window's side, and the concentration (B,) in 0..1:
            the geometric mean of the fractions of each map that lie within two cells of its expectation.
        """
        similarity = search @ target[:, :, None]
        enhanced = (search * similarity).transpose(1, 2).unflatten(2, (self.cells, self.cells))
        first, first_mass = self._expect(self.top_left(enhanced))
        second, second_mass = self._expect(self.bottom_right(enhanced))
        return torch.cat([first, second], dim=1), (first_mass * second_mass).sqrt()

    def _expect(self, logits: Tensor) -> tuple[Tensor, Tensor]:
        """Apply equation 2: (B, 1, cells, cells) logits -> expected corner (B, 2), probability mass (B,) near it."""
        probability = logits.flatten(1).softmax(dim=1)
        corner = probability @ self.grid
        distance = (self.grid - corner[:, None]).abs().amax(dim=2) * self.cells
        return corner, (probability * (distance <= NEAR_CELLS)).sum(dim=1)


def weighted_mean(search: Tensor, target: Tensor) -> Tensor:
    """Return (B, d): the search tokens (B, N, d) averaged by their softmax similarity to a target (B, d).

    Without a decoder the target is the bare query and carries nothing of the image; the score head reads this instead.
    The paper does not say what its table 7 did there.
    """
    similarity = (search @ target[:, :, None]) * search.shape[2] ** -0.5
    return (similarity.softmax(dim=1) * search).sum(dim=1)
