# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""STARK, whole: backbone, transformer and heads (Yan et al., ICCV 2021, figures 2 and 4)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from stdtrack_ros.network.stark.backbone import ResNet
from stdtrack_ros.network.stark.config import StarkConfig
from stdtrack_ros.network.stark.heads import CornerHead, Perceptron, weighted_mean
from stdtrack_ros.network.stark.positions import sine_positions
from stdtrack_ros.network.stark.transformer import Transformer

MEAN = (0.485, 0.456, 0.406)
STD = (0.229, 0.224, 0.225)
"""ImageNet's statistics of RGB in 0..1."""


class Stark(nn.Module):
    """One network of any variant or ablation."""

    kind = "stark"

    def __init__(self, config: StarkConfig) -> None:
        super().__init__()
        self.config = config
        self.backbone = ResNet(config)
        self.bottleneck = nn.Conv2d(self.backbone.channels, config.dimension, 1)
        self.transformer = Transformer(config)
        self.query = nn.Parameter(torch.randn(1, config.dimension))
        corner = config.box_head == "corner"
        self.box_head: nn.Module = CornerHead(config) if corner else Perceptron(config.dimension, 4)
        self.score_head = Perceptron(config.dimension, 1) if config.score_head else None
        self.score_input: nn.Module = nn.Identity()
        if config.whitened_score:
            self.score_input = nn.Linear(config.dimension, config.dimension).requires_grad_(False)
            nn.init.eye_(self.score_input.weight)
            nn.init.zeros_(self.score_input.bias)

    def encode(self, images: Tensor) -> Tensor:
        """Compute the features of templates or search windows, the part that is computed once per template.

        Args:
            images: (B, 3, S, S) float32, normalised RGB.

        Returns:
            (B, (S / 16)^2, d) float32, cells in row order.
        """
        return self.bottleneck(self.backbone(images)).flatten(2).transpose(1, 2)

    def locate(
        self, search: Tensor, templates: Tensor, search_outside: Tensor, templates_outside: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Find the target in encoded search windows.

        Args:
            search: (B, Ns, d) from `encode`.
            templates: (B, T, Nt, d) from `encode`, the initial template first.
            search_outside: (B, n, n) bool, true where a cell of the window lies outside the image.
            templates_outside: (B, T, m, m) bool.

        Returns:
            Corners (B, 4) as x0, y0, x1, y1 in units of the window's side; logits of the score (B,), zeros without a
            score head; the corner maps' concentration (B,), ones with a perceptron as box head.
        """
        tokens = torch.cat([templates.flatten(1, 2), search], dim=1)
        outside = torch.cat([templates_outside.flatten(1), search_outside.flatten(1)], dim=1)
        positions = self._positions(tokens, templates_outside, search_outside)
        memory, target = self.transformer(tokens, positions, outside, self.query)
        found = memory[:, -search.shape[1] :]
        corners, concentration = self._box(found, target)
        return corners, self._score_logits(found, target), concentration

    def forward(
        self, templates: Tensor, searches: Tensor, templates_outside: Tensor, search_outside: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Do what `locate` does, from templates (B, T, 3, m, m) and searches (B, 3, n, n) as normalised RGB."""
        batch, count = templates.shape[:2]
        encoded = self.encode(templates.flatten(0, 1)).unflatten(0, (batch, count))
        return self.locate(self.encode(searches), encoded, search_outside, templates_outside)

    def _positions(self, tokens: Tensor, templates_outside: Tensor, search_outside: Tensor) -> Tensor:
        if not self.config.positions:
            return torch.zeros_like(tokens)
        dimension = self.config.dimension
        parts = [sine_positions(templates_outside[:, i], dimension) for i in range(templates_outside.shape[1])]
        return torch.cat([*parts, sine_positions(search_outside, dimension)], dim=1).to(tokens.dtype)

    def _box(self, found: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        if isinstance(self.box_head, CornerHead):
            return self.box_head(found, target)
        x, y, width, height = self.box_head(target).sigmoid().unbind(1)
        corners = torch.stack([x - width / 2, y - height / 2, x + width / 2, y + height / 2], dim=1)
        return corners, torch.ones_like(x)

    def _score_logits(self, found: Tensor, target: Tensor) -> Tensor:
        if self.score_head is None:
            return torch.zeros_like(target[:, 0])
        read = target if self.config.decoder_layers else weighted_mean(found, target)
        return self.score_head(self.score_input(read))[:, 0]


def normalize(bgr: Tensor) -> Tensor:
    """Convert (B, 3, S, S) BGR in 0..255, of any type, to float32 RGB normalised as for ImageNet."""
    mean = torch.tensor(MEAN, device=bgr.device)[:, None, None]
    std = torch.tensor(STD, device=bgr.device)[:, None, None]
    return (bgr.flip(1).to(torch.float32) / 255.0 - mean) / std
