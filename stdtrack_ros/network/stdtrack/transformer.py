# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The joint layers: spatiotemporal token, search and template tokens in one attention."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from stdtrack_ros.network.stdtrack.config import NetworkConfig


class Attention(nn.Module):
    """Multi-head attention of queries over keys and values that may be longer than the queries."""

    def __init__(self, dim: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(dim, 3 * dim)
        self.output = nn.Linear(dim, dim)

    def forward(self, tokens: Tensor, cached: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Tokens (B, N, d) attend to themselves and to `cached` keys and values (B, 2, M, d), if any.

        Returns:
            (B, N, d) attended tokens, and this call's own keys and values (B, 2, N, d).
        """
        query, key, value = self.qkv(tokens).chunk(3, dim=-1)
        own = torch.stack((key, value), dim=1)
        if cached is not None:
            key, value = torch.cat((key, cached[:, 0]), dim=1), torch.cat((value, cached[:, 1]), dim=1)
        query, key, value = map(self._split, (query * (query.shape[-1] // self.heads) ** -0.5, key, value))
        # Written out: on CPUs the backward pass of PyTorch's fused attention takes twice as long.
        attended = (query @ key.transpose(-1, -2)).softmax(dim=-1) @ value
        return self.output(attended.transpose(1, 2).flatten(2)), own

    def _split(self, tokens: Tensor) -> Tensor:
        return tokens.unflatten(2, (self.heads, -1)).transpose(1, 2)


class Layer(nn.Module):
    """Pre-norm transformer layer."""

    def __init__(self, dim: int, heads: int, mlp_ratio: float) -> None:
        super().__init__()
        hidden = int(dim * mlp_ratio)
        self.norm1 = nn.LayerNorm(dim)
        self.attention = Attention(dim, heads)
        self.norm2 = nn.LayerNorm(dim)
        self.mlp = nn.Sequential(nn.Linear(dim, hidden), nn.GELU(), nn.Linear(hidden, dim))

    def forward(self, tokens: Tensor, cached: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """(B, N, d), optional (B, 2, M, d) -> (B, N, d), and keys and values (B, 2, N, d)."""
        attended, own = self.attention(self.norm1(tokens), cached)
        tokens = tokens + attended
        return tokens + self.mlp(self.norm2(tokens)), own


class JointLayers(nn.Module):
    """L layers over [token; search; template].

    `joint`: all see all in each frame, and the state of the template is its N_z tokens. `cached`: the template attends
    to itself alone, so that its keys and values in every layer are computed once, and they are its state.
    """

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.cached = config.attention == "cached"
        self.layers = nn.ModuleList(Layer(config.dim, config.heads, config.mlp_ratio) for _ in range(config.depth))
        self.norm = nn.LayerNorm(config.dim)

    def encode_template(self, template: Tensor) -> Tensor:
        """(B, N_z, d) -> the template's state: (B, L, 2, N_z, d) where cached, else the tokens themselves."""
        if not self.cached:
            return template
        states = []
        for layer in self.layers:
            template, own = layer(template)
            states.append(own)
        return torch.stack(states, dim=1)

    def forward(self, tokens: Tensor, template_state: Tensor) -> Tensor:
        """Token and search tokens (B, 1 + N_x, d) -> the same, having seen each other and the template."""
        count = tokens.shape[1]
        if not self.cached:
            tokens = torch.cat((tokens, template_state), dim=1)
        for index, layer in enumerate(self.layers):
            tokens, _ = layer(tokens, template_state[:, index] if self.cached else None)
        return self.norm(tokens[:, :count])
