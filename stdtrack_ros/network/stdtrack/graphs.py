# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The two steps of tracking as graphs without state: `start` for the template, `step` for each frame."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import torch
from torch import Tensor, nn

from stdtrack_ros.network.stdtrack.model import STDTrack, TemplateState
from stdtrack_ros.network.stdtrack.reparameterize import merge_all


class StartGraph(nn.Module):
    """Template crops (B, T, T, 3) uint8 BGR -> the template's state."""

    inputs = ("template",)
    outputs = ("template_tokens", "template_cells", "template_appearance", "template_look")
    free: ClassVar[Mapping[str, str]] = {}

    def __init__(self, network: STDTrack) -> None:
        super().__init__()
        self.network = network

    def forward(self, template: Tensor) -> tuple[Tensor, ...]:
        """See the class."""
        return tuple(self.network.start(_planes(template)))

    def example(self, batch: int = 1) -> tuple[Tensor, ...]:
        """Make inputs of the right shapes and types."""
        size = self.network.config.template_size
        return (torch.zeros(batch, size, size, 3, dtype=torch.uint8),)


class StepGraph(nn.Module):
    """One frame, from search crops (B, S, S, 3) uint8 BGR, the template's state and the token (B, 1, d).

    The STM comes as its tokens (B, K, d), looks (B, K, 9, d) and what these count (B, K), 0 in free slots.
    """

    inputs = (
        "search",
        "template_tokens",
        "template_cells",
        "template_appearance",
        "template_look",
        "token",
        "memory",
        "looks",
        "weights",
    )
    outputs = ("score", "size", "offset", "token_out", "enhanced", "quality", "confidence", "appearance", "look")
    free: ClassVar[Mapping[str, str]] = {"memory": "slots", "looks": "slots", "weights": "slots"}

    def __init__(self, network: STDTrack) -> None:
        super().__init__()
        self.network = network

    def forward(
        self,
        search: Tensor,
        tokens: Tensor,
        cells: Tensor,
        appearance: Tensor,
        look: Tensor,
        token: Tensor,
        memory: Tensor,
        looks: Tensor,
        weights: Tensor,
    ) -> tuple[Tensor, ...]:
        """See the class; the score map is in 0..1."""
        state = TemplateState(tokens, cells, appearance, look)
        output = self.network.step(state, _planes(search), token, memory, looks, weights)
        return (
            output.maps.score.sigmoid(),
            output.maps.size,
            output.maps.offset,
            output.token,
            output.enhanced,
            output.quality,
            output.confidence,
            output.appearance,
            output.look,
        )

    def example(self, batch: int = 1) -> tuple[Tensor, ...]:
        """Make inputs of the right shapes and types."""
        network, size = self.network, self.network.config.search_size
        with torch.no_grad():
            state = network.start(_planes(*StartGraph(network).example(batch)))
        memory = network.initial_memory(batch)
        search = torch.zeros(batch, size, size, 3, dtype=torch.uint8)
        return (search, *state, network.initial_token(batch), memory.tokens, memory.looks, memory.weights)


def graphs(network: STDTrack) -> tuple[StartGraph, StepGraph]:
    """Return the two graphs of a network in evaluation mode; its RepConvs are merged in place."""
    merge_all(network)
    return StartGraph(network).eval(), StepGraph(network).eval()


def _planes(images: Tensor) -> Tensor:
    return images.float().permute(0, 3, 1, 2)  # in this order: TensorRT transposes no bytes
