# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The network part: how much redder than blue or green a cell of 8x8 px is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import torch
from pydantic import BaseModel
from torch import Tensor, nn
from torch.nn import functional

from stdtrack_ros.network.family import NetworkFamily


class ReddestConfig(BaseModel):
    """Sizes of the inputs."""

    template_size: int = 64
    template_factor: float = 2.0
    search_size: int = 128
    search_factor: float = 4.0


class Reddest(nn.Module):
    """One weight: the gain on the redness."""

    kind = "reddest"

    def __init__(self, config: ReddestConfig) -> None:
        super().__init__()
        self.config = config
        self.gain = nn.Parameter(torch.tensor(8.0))

    def forward(self, images: Tensor) -> Tensor:
        """(B, S, S, 3) uint8 BGR -> scores (B, 1, S / 8, S / 8) in 0..1."""
        planes = images.permute(0, 3, 1, 2).float() / 255.0
        redness = planes[:, 2:] - torch.maximum(planes[:, :1], planes[:, 1:2])
        return (self.gain * functional.avg_pool2d(redness, 8) - 0.5 * self.gain).sigmoid()


class _Graph(nn.Module):
    free: ClassVar[Mapping[str, Mapping[int, str]]] = {}

    def __init__(self, network: Reddest) -> None:
        super().__init__()
        self.network = network


class StartGraph(_Graph):
    """The template's scores, which nothing reads."""

    inputs = ("template",)
    outputs = ("template_score",)

    def forward(self, template: Tensor) -> tuple[Tensor]:
        return (self.network(template),)

    def example(self, batch: int = 1) -> tuple[Tensor, ...]:
        size = self.network.config.template_size
        return (torch.zeros(batch, size, size, 3, dtype=torch.uint8),)


class StepGraph(_Graph):
    """The scores of search windows."""

    inputs = ("search",)
    outputs = ("score",)

    def forward(self, search: Tensor) -> tuple[Tensor]:
        return (self.network(search),)

    def example(self, batch: int = 1) -> tuple[Tensor, ...]:
        size = self.network.config.search_size
        return (torch.zeros(batch, size, size, 3, dtype=torch.uint8),)


NETWORK = NetworkFamily(
    ReddestConfig, Reddest, lambda network: {"start": StartGraph(network), "step": StepGraph(network)}
)
