# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""An STDTrack network that is small enough for a test, and inputs for it."""

from __future__ import annotations

import torch

from stdtrack_ros.network.stdtrack.config import NetworkConfig
from stdtrack_ros.network.stdtrack.embedding import unit
from stdtrack_ros.network.stdtrack.model import STDTrack

SMALL = NetworkConfig(dim=32, heads=2, depth=2, head_stem=16, head_channels=(8, 8), template_size=64, search_size=96)
"""All parts, each of them small."""


def sample(network: STDTrack, batch: int = 2) -> tuple[object, ...]:
    """Draw what `STDTrack.step` takes: state, search window, token, a full memory and what its looks count."""
    generator = torch.Generator().manual_seed(0)
    config = network.config
    template = 255 * torch.rand(batch, 3, config.template_size, config.template_size, generator=generator)
    search = 255 * torch.rand(batch, 3, config.search_size, config.search_size, generator=generator)
    token = torch.randn(batch, 1, config.dim, generator=generator)
    memory = torch.randn(batch, config.capacity, config.dim, generator=generator)
    looks = unit(torch.randn(batch, config.capacity, 9, config.dim, generator=generator))
    return network.start(template), search, token, memory, looks, torch.ones(batch, config.capacity)
