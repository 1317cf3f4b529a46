# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The joint layers: spatiotemporal token, search and template tokens in one attention."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from stdtrack_ros.network.stdtrack.config import NetworkConfig
from stdtrack_ros.network.stdtrack.mfifm import MASKED


class Attention(nn.Module):
    """Multi-head attention over a sequence's own keys and values, the template's and those in the STM."""

    def __init__(self, dim: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(dim, 3 * dim)
        self.output = nn.Linear(dim, dim)

    def keys_values(self, tokens: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Queries, keys and values of (B, N, d) tokens, each (B, N, d)."""
        query, key, value = self.qkv(tokens).chunk(3, dim=-1)
        return query, key, value

    def attend(self, query: Tensor, key: Tensor, value: Tensor, bias: Tensor | None = None) -> Tensor:
        """(B, N, d), (B, M, d), (B, M, d), bias on the logits broadcast to (B, heads, N, M) -> (B, N, d)."""
        query, key, value = map(self._split, (query * (query.shape[-1] // self.heads) ** -0.5, key, value))
        # Written out: on CPUs the backward pass of PyTorch's fused attention takes twice as long.
        logits = query @ key.transpose(-1, -2)
        if bias is not None:
            logits = logits + bias
        return self.output((logits.softmax(dim=-1) @ value).transpose(1, 2).flatten(2))

    def _split(self, tokens: Tensor) -> Tensor:
        return tokens.unflatten(2, (self.heads, -1)).transpose(1, 2)


class Layer(nn.Module):
    """Pre-norm transformer layer."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        dim, hidden = config.dim, int(config.dim * config.mlp_ratio)
        self.pooled, self.cells = config.pooled_keys, config.search_cells
        self.norm1 = nn.LayerNorm(dim)
        self.attention = Attention(dim, config.heads)
        self.norm2 = nn.LayerNorm(dim)
        self.mlp = nn.Sequential(nn.Linear(dim, hidden), nn.GELU(), nn.Linear(hidden, dim))
        # How readily each head looks at the STM's maps.
        self.memory_bias = nn.Parameter(torch.zeros(config.heads)) if config.uses_maps else None

    def encode(self, template: Tensor) -> tuple[Tensor, Tensor]:
        """Template tokens (B, N, d), seeing themselves alone -> the next layer's, keys and values (B, 2, N, d)."""
        query, key, value = self.attention.keys_values(self.norm1(template))
        return self._rest(template, self.attention.attend(query, key, value)), torch.stack((key, value), dim=1)

    def forward(
        self, tokens: Tensor, template: Tensor | None = None, maps: Tensor | None = None, valid: Tensor | None = None
    ) -> Tensor:
        """One layer over [token; search] tokens.

        Args:
            tokens: (B, 1 + N_x, d), or with `joint` attention the template's tokens behind them.
            template: (B, 2, N_z, d) keys and values of the template, if cached.
            maps: (B, K, 2, M, d) keys and values in the STM, if it has any. valid: (B, K).
        """
        query, key, value = self.attention.keys_values(self.norm1(tokens))
        if template is None:
            return self._rest(tokens, self.attention.attend(query, key, value))
        if self.pooled:
            key, value = _pooled(key, self.cells), _pooled(value, self.cells)
        keys, values, bias = [key, template[:, 0]], [value, template[:, 1]], None
        if maps is not None and valid is not None and self.memory_bias is not None:
            keys.append(maps[:, :, 0].flatten(1, 2))
            values.append(maps[:, :, 1].flatten(1, 2))
            bias = self._bias(key.shape[1] + template.shape[2], maps.shape[3], valid)
        return self._rest(tokens, self.attention.attend(query, torch.cat(keys, 1), torch.cat(values, 1), bias))

    def _bias(self, others: int, cells: int, valid: Tensor) -> Tensor:
        """(B, heads, 1, M) bias on the logits: 0 for `others`, `memory_bias` for the STM, MASKED for free slots."""
        assert self.memory_bias is not None
        slots = ((1.0 - valid) * MASKED)[:, None, None, :, None] + self.memory_bias[:, None, None, None]
        slots = slots.expand(-1, -1, -1, -1, cells).flatten(3)
        return torch.cat((torch.zeros_like(slots[..., :1]).expand(-1, -1, -1, others), slots), dim=-1)

    def _rest(self, tokens: Tensor, attended: Tensor) -> Tensor:
        tokens = tokens + attended
        return tokens + self.mlp(self.norm2(tokens))


class JointLayers(nn.Module):
    """L layers over [token; search; template].

    `joint`: all see all in each frame, and the state of the template is its N_z tokens. `cached`: the template attends
    to itself alone, so that its keys and values in every layer are computed once, and they are its state; so are those
    of later frames in the STM.
    """

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.cached = config.attention == "cached"
        self.layers = nn.ModuleList(Layer(config) for _ in range(config.depth))
        self.norm = nn.LayerNorm(config.dim)

    def encode_template(self, template: Tensor) -> Tensor:
        """(B, N_z, d) -> the template's state: (B, L, 2, N_z, d) if cached, else the tokens themselves."""
        if not self.cached:
            return template
        states = []
        for layer in self.layers:
            template, own = layer.encode(template)
            states.append(own)
        return torch.stack(states, dim=1)

    def forward(
        self, tokens: Tensor, template_state: Tensor, maps: Tensor | None = None, valid: Tensor | None = None
    ) -> Tensor:
        """Token and search tokens (B, 1 + N_x, d) -> the same, having seen each other, template and STM.

        Args:
            template_state: as `encode_template` gives it.
            maps: (B, K, L, 2, M, d) keys and values in the STM, or None. valid: (B, K) which slots are filled.
        """
        count = tokens.shape[1]
        if not self.cached:
            tokens = torch.cat((tokens, template_state), dim=1)
        for index, layer in enumerate(self.layers):
            if self.cached:
                own = maps[:, :, index] if maps is not None else None
                tokens = layer(tokens, template_state[:, index], own, valid)
            else:
                tokens = layer(tokens)
        return self.norm(tokens[:, :count])


def pool_cells(cells: Tensor, side: int) -> Tensor:
    """Grids of `side` x `side` cells (..., N, d) -> their means over 2x2 cells (..., N / 4, d)."""
    grid = cells.unflatten(-2, (side // 2, 2, side // 2, 2))
    return grid.mean(dim=(-4, -2)).flatten(-3, -2)


def _pooled(tokens: Tensor, side: int) -> Tensor:
    """[token; search] (B, 1 + N, d) with the search part pooled: (B, 1 + N / 4, d)."""
    return torch.cat((tokens[:, :1], pool_cells(tokens[:, 1:], side)), dim=1)
