# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The two steps of tracking as graphs without state: `start` for the template, `step` for each frame."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import torch
from torch import Tensor, nn

from stdtrack_ros.network.stdtrack.memory import Slots
from stdtrack_ros.network.stdtrack.model import STDTrack, TemplateState
from stdtrack_ros.network.stdtrack.reparameterize import merge_all


class StartGraph(nn.Module):
    """Crops around the target (B, T, T, 3) uint8 BGR -> what template and STM keep of them."""

    inputs = ("template",)
    outputs: tuple[str, ...] = ("template_tokens", "template_cells", "template_appearance", "template_maps")
    free: ClassVar[Mapping[str, str]] = {}

    def __init__(self, network: STDTrack) -> None:
        super().__init__()
        self.network = network
        if not network.config.uses_maps:
            self.outputs = self.outputs[:-1]

    def forward(self, template: Tensor) -> tuple[Tensor, ...]:
        """See the class."""
        return tuple(self.network.start(_planes(template)))[: len(self.outputs)]

    def example(self, batch: int = 1) -> tuple[Tensor, ...]:
        """Make inputs of the right shapes and types."""
        size = self.network.config.template_size
        return (torch.zeros(batch, size, size, 3, dtype=torch.uint8),)


class StepGraph(nn.Module):
    """Search crops (B, S, S, 3) uint8 BGR, template state, token (B, 1, d) and the STM's K slots -> maps and state."""

    outputs = ("score", "size", "offset", "token_out", "enhanced", "quality", "confidence", "appearance")
    free: ClassVar[Mapping[str, str]] = dict.fromkeys(("memory", "valid", "memory_maps"), "slots")

    def __init__(self, network: STDTrack) -> None:
        super().__init__()
        self.network = network
        names = ("search", "template_tokens", "template_cells", "template_appearance", "token", "memory", "valid")
        self.inputs = (*names, "memory_maps") if network.config.uses_maps else names

    def forward(
        self,
        search: Tensor,
        tokens: Tensor,
        cells: Tensor,
        appearance: Tensor,
        token: Tensor,
        memory: Tensor,
        valid: Tensor,
        maps: Tensor | None = None,
    ) -> tuple[Tensor, ...]:
        """See the class; the score map is in 0..1."""
        maps = memory[:, :, None, None] if maps is None else maps
        state = TemplateState(tokens, cells, appearance, maps)
        output = self.network.step(state, _planes(search), token, Slots(memory, maps, valid))
        return (
            output.maps.score.sigmoid(),
            output.maps.size,
            output.maps.offset,
            output.token,
            output.enhanced,
            output.quality,
            output.confidence,
            output.appearance,
        )

    def example(self, batch: int = 1) -> tuple[Tensor, ...]:
        """Make inputs of the right shapes and types."""
        network, size = self.network, self.network.config.search_size
        with torch.no_grad():
            state = network.start(_planes(*StartGraph(network).example(batch)))
        slots = network.initial_memory(batch).slots
        search = torch.zeros(batch, size, size, 3, dtype=torch.uint8)
        token = network.initial_token(batch)
        inputs = (search, state.tokens, state.cells, state.appearance, token, slots.tokens, slots.valid)
        return (*inputs, slots.maps)[: len(self.inputs)]


def graphs(network: STDTrack) -> tuple[StartGraph, StepGraph]:
    """Return the two graphs of a network in evaluation mode; its RepConvs are merged in place."""
    merge_all(network)
    return StartGraph(network).eval(), StepGraph(network).eval()


def _planes(images: Tensor) -> Tensor:
    return images.float().permute(0, 3, 1, 2)  # in this order: TensorRT transposes no bytes
