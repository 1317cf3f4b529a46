# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Tracking as graphs without state: `start` for the template, `memory` for the STM, `step` for each frame."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import torch
from torch import Tensor, nn

from stdtrack_ros.network.family import Graph
from stdtrack_ros.network.stdtrack.model import MemoryState, STDTrack, TemplateState
from stdtrack_ros.network.stdtrack.reparameterize import merge_all


class StartGraph(nn.Module):
    """Template crops (B, T, T, 3) uint8 BGR -> the template's state."""

    inputs = ("template",)
    outputs = ("template_tokens", "template_cells", "template_appearance", "template_look")
    free: ClassVar[Mapping[str, Mapping[int, str]]] = {}

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


class MemoryGraph(nn.Module):
    """What MFIFM reads of the STM, once for each stored frame.

    From the template's appearance (B, d), the stored tokens (B, K, d) and in which slots there is one (B, K), 0 or 1,
    to the keys and values of both (B, 2, heads, 1 + K, d / heads).
    """

    inputs = ("template_appearance", "tokens", "valid")
    outputs = ("memory",)
    free: ClassVar[Mapping[str, Mapping[int, str]]] = {"tokens": {1: "slots"}, "valid": {1: "slots"}}

    def __init__(self, network: STDTrack) -> None:
        super().__init__()
        self.network = network

    def forward(self, appearance: Tensor, tokens: Tensor, valid: Tensor) -> tuple[Tensor]:
        """See the class."""
        known = torch.cat((torch.ones_like(valid[:, :1]), valid), dim=1)
        return (self.network.memory_keys_values(appearance, tokens, known),)

    def example(self, batch: int = 1) -> tuple[Tensor, ...]:
        """Make inputs of the right shapes and types."""
        dim, slots = self.network.config.dim, self.network.config.capacity
        return torch.zeros(batch, dim), torch.zeros(batch, slots, dim), torch.ones(batch, slots)


class StepGraph(nn.Module):
    """One frame, from search crops (B, S, S, 3) uint8 BGR, the template's state and the token (B, 1, d).

    Of the STM come what `MemoryGraph` made of it, the looks (B, 1 + K, 9, d), the template's first, and what these
    count (B, 1 + K), 0 in free slots.
    """

    inputs = (
        "search",
        "template_tokens",
        "template_cells",
        "template_appearance",
        "token",
        "memory",
        "looks",
        "weights",
    )
    outputs = ("score", "size", "offset", "token_out", "enhanced", "quality", "confidence", "appearance", "look")
    free: ClassVar[Mapping[str, Mapping[int, str]]] = {
        "memory": {3: "known"},
        "looks": {1: "known"},
        "weights": {1: "known"},
    }

    def __init__(self, network: STDTrack) -> None:
        super().__init__()
        self.network = network

    def forward(
        self,
        search: Tensor,
        tokens: Tensor,
        cells: Tensor,
        appearance: Tensor,
        token: Tensor,
        memory: Tensor,
        looks: Tensor,
        weights: Tensor,
    ) -> tuple[Tensor, ...]:
        """See the class; the score map is in 0..1."""
        state = TemplateState(tokens, cells, appearance, looks[:, 0])
        output = self.network.step(state, _planes(search), token, MemoryState(memory, looks, weights))
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
            memory = network.encode_memory(state, network.initial_memory(batch))
        search = torch.zeros(batch, size, size, 3, dtype=torch.uint8)
        return (search, state.tokens, state.cells, state.appearance, network.initial_token(batch), *memory)


def graphs(network: STDTrack) -> dict[str, Graph]:
    """Return the graphs of a network in evaluation mode; its RepConvs are merged in place."""
    merge_all(network)
    network.eval()
    return {"start": StartGraph(network), "memory": MemoryGraph(network), "step": StepGraph(network)}


def _planes(images: Tensor) -> Tensor:
    return images.float().permute(0, 3, 1, 2)  # in this order: TensorRT transposes no bytes
