# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""An STDTrack network that is small enough for a test, and inputs for it."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from stdtrack_ros.network.stdtrack.config import NetworkConfig
from stdtrack_ros.network.stdtrack.embedding import unit
from stdtrack_ros.network.stdtrack.memory import TokenMemory
from stdtrack_ros.network.stdtrack.model import STDTrack, StepOutput, TemplateState

SMALL = NetworkConfig(dim=32, heads=2, depth=2, head_stem=16, head_channels=(8, 8), template_size=64, search_size=96)
"""All parts, each of them small."""


class Sample(NamedTuple):
    """What a frame is given: template, search windows, token, and a full STM."""

    template: TemplateState
    search: Tensor
    token: Tensor
    memory: TokenMemory


def step(network: STDTrack, given: Sample, initial_counts: Tensor | None = None) -> StepOutput:
    """Run one frame."""
    memory = network.encode_memory(given.template, given.memory, initial_counts)
    return network.step(given.template, given.search, given.token, memory)


def sample(network: STDTrack, batch: int = 2) -> Sample:
    """Draw what a frame is given."""
    generator = torch.Generator().manual_seed(0)
    config = network.config
    template = 255 * torch.rand(batch, 3, config.template_size, config.template_size, generator=generator)
    search = 255 * torch.rand(batch, 3, config.search_size, config.search_size, generator=generator)
    token = torch.randn(batch, 1, config.dim, generator=generator)
    memory = network.initial_memory(batch)._replace(
        tokens=torch.randn(batch, config.capacity, config.dim, generator=generator),
        looks=unit(torch.randn(batch, config.capacity, 9, config.dim, generator=generator)),
        valid=torch.ones(batch, config.capacity),
    )
    return Sample(network.start(template), search, token, memory)
