# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The joint layers: spatiotemporal token, search and template tokens in one attention."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from stdtrack_ros.network.stdtrack.config import NetworkConfig


class Attention(nn.Module):
    """Multi-head attention over a sequence's own keys and values, and those of the template."""

    def __init__(self, dim: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.query = nn.Linear(dim, dim)
        self.key_value = nn.Linear(dim, 2 * dim)
        self.output = nn.Linear(dim, dim)

    def keys_values(self, tokens: Tensor) -> Tensor:
        """Return keys and values (B, 2, heads, M, d / heads) of (B, M, d) tokens."""
        return self.key_value(tokens).unflatten(2, (2, self.heads, -1)).permute(0, 2, 3, 1, 4)

    def forward(self, tokens: Tensor, keys_values: Tensor) -> Tensor:
        """Map (B, N, d) tokens to (B, N, d) by keys and values (B, 2, heads, M, d / heads)."""
        query = self.query(tokens).unflatten(2, (self.heads, -1)).transpose(1, 2)
        key, value = keys_values.unbind(1)
        # Written out: on CPUs the backward pass of PyTorch's fused attention takes twice as long.
        logits = query @ key.transpose(-1, -2) * (tokens.shape[-1] // self.heads) ** -0.5
        return self.output((logits.softmax(dim=-1) @ value).transpose(1, 2).flatten(2))


class Layer(nn.Module):
    """Pre-norm transformer layer."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        dim, hidden = config.dim, int(config.dim * config.mlp_ratio)
        if config.pooled_keys:
            self.register_buffer("pooling", pooling(config.search_cells), persistent=False)
        self.pooled = config.pooled_keys
        self.norm1 = nn.LayerNorm(dim)
        self.attention = Attention(dim, config.heads)
        self.norm2 = nn.LayerNorm(dim)
        self.mlp = nn.Sequential(nn.Linear(dim, hidden), nn.GELU(), nn.Linear(hidden, dim))

    def encode(self, template: Tensor) -> tuple[Tensor, Tensor]:
        """Map template tokens (B, N, d), seeing themselves alone, to the next layer's, and their keys and values."""
        normed = self.norm1(template)
        keys_values = self.attention.keys_values(normed)
        return self._rest(template, self.attention(normed, keys_values)), keys_values

    def forward(self, tokens: Tensor, template: Tensor | None = None) -> Tensor:
        """Run one layer over [token; search] tokens.

        Args:
            tokens: (B, 1 + N_x, d), or with `joint` attention the template's tokens behind them.
            template: (B, 2, heads, N_z, d / heads) keys and values of the template, if cached.
        """
        normed = self.norm1(tokens)
        # Averages of tokens have the averages of their keys and values, which are linear: fewer are computed.
        seen = self.pooling.to(normed.dtype) @ normed if self.pooled and template is not None else normed
        keys_values = self.attention.keys_values(seen)
        if template is not None:
            keys_values = torch.cat((keys_values, template), dim=3)
        return self._rest(tokens, self.attention(normed, keys_values))

    def _rest(self, tokens: Tensor, attended: Tensor) -> Tensor:
        tokens = tokens + attended
        return tokens + self.mlp(self.norm2(tokens))


class JointLayers(nn.Module):
    """L layers over [token; search; template].

    `joint`: all see all in each frame, and the state of the template is its N_z tokens. `cached`: the template attends
    to itself alone, so that its keys and values in every layer are computed once, and they are its state.
    """

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.cached = config.attention == "cached"
        self.layers = nn.ModuleList(Layer(config) for _ in range(config.depth))
        self.norm = nn.LayerNorm(config.dim)

    def encode_template(self, template: Tensor) -> Tensor:
        """Map (B, N_z, d) to its state: (B, L, 2, heads, N_z, d / heads) if cached, else the tokens."""
        if not self.cached:
            return template
        states = []
        for layer in self.layers:
            template, own = layer.encode(template)
            states.append(own)
        return torch.stack(states, dim=1)

    def forward(self, tokens: Tensor, template_state: Tensor) -> Tensor:
        """Map token and search tokens (B, 1 + N_x, d) to the same, having seen each other and the template."""
        count = tokens.shape[1]
        if not self.cached:
            tokens = torch.cat((tokens, template_state), dim=1)
        for index, layer in enumerate(self.layers):
            tokens = layer(tokens, template_state[:, index]) if self.cached else layer(tokens)
        return self.norm(tokens[:, :count])


def pooling(side: int) -> Tensor:
    """Return a matrix (1 + N / 4, 1 + N) that keeps the token and averages N = `side`^2 search cells 2x2."""
    half = side // 2
    cell = torch.arange(side * side)
    block = cell // side // 2 * half + cell % side // 2
    matrix = torch.zeros(1 + half * half, 1 + side * side)
    matrix[0, 0] = 1.0
    matrix[1 + block, 1 + cell] = 0.25
    return matrix
