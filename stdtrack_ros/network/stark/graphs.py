# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The two steps of tracking as graphs without state: `start` for a template, `step` for each frame."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import torch
from torch import Tensor, nn

from stdtrack_ros.network.family import Graph
from stdtrack_ros.network.stark.model import Stark, normalize


class StartGraph(nn.Module):
    """Encode a template once: the initial one at the start, the dynamic one whenever it is replaced."""

    inputs = ("template",)
    outputs = ("features",)
    free: ClassVar[Mapping[str, Mapping[int, str]]] = {}

    def __init__(self, network: Stark) -> None:
        super().__init__()
        self.network = network
        self.train(network.training)

    def forward(self, template: Tensor) -> tuple[Tensor]:
        """Map (B, m, m, 3) uint8 BGR to features (B, (m / 16)^2, d) float32."""
        return (self.network.encode(normalize(template.permute(0, 3, 1, 2))),)

    def example(self, batch: int = 1) -> tuple[Tensor, ...]:
        """Make inputs of the right shapes and types."""
        size = self.network.config.template_size
        return (torch.zeros(batch, size, size, 3, dtype=torch.uint8),)


class StepGraph(nn.Module):
    """Find the target in search windows, with template features that were computed before."""

    inputs = ("search", "features", "features_outside", "search_outside")
    outputs = ("box", "score")
    free: ClassVar[Mapping[str, Mapping[int, str]]] = {}

    def __init__(self, network: Stark) -> None:
        super().__init__()
        self.network = network
        self.train(network.training)

    def forward(
        self, search: Tensor, features: Tensor, features_outside: Tensor, search_outside: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Return one box per window.

        Args:
            search: (B, n, n, 3) uint8 BGR.
            features: (B, T, (m / 16)^2, d) float32 from `StartGraph`, the initial template first.
            features_outside: (B, T, m / 16, m / 16) bool, true where a cell lies outside the image.
            search_outside: (B, n / 16, n / 16) bool.

        Returns:
            Boxes (B, 4) as x, y, width, height in px of the window, and scores (B,) in 0..1: of the score head; without
            one the concentration of the corner maps; 1 if there is neither.
        """
        encoded = self.network.encode(normalize(search.permute(0, 3, 1, 2)))
        corners, logits, concentration = self.network.locate(encoded, features, search_outside, features_outside)
        box = torch.cat([corners[:, :2], corners[:, 2:] - corners[:, :2]], dim=1) * self.network.config.search_size
        return box, logits.sigmoid() if self.network.config.score_head else concentration

    def example(self, batch: int = 1) -> tuple[Tensor, ...]:
        """Make inputs of the right shapes and types."""
        config = self.network.config
        m, n = config.template_cells, config.search_cells
        return (
            torch.zeros(batch, config.search_size, config.search_size, 3, dtype=torch.uint8),
            torch.zeros(batch, config.templates, m * m, config.dimension),
            torch.zeros(batch, config.templates, m, m, dtype=torch.bool),
            torch.zeros(batch, n, n, dtype=torch.bool),
        )


def graphs(network: Stark) -> dict[str, Graph]:
    """Return the graphs of a network in evaluation mode."""
    return {"start": StartGraph(network), "step": StepGraph(network)}
