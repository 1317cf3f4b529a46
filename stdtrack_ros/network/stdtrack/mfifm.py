# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""MFIFM, the Multi-frame Information Fusion Module: the current token meets the stored ones (paper, method)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from stdtrack_ros.network.stdtrack.config import NetworkConfig
from stdtrack_ros.network.stdtrack.embedding import unit

MASKED = -1e4
"""Added to the logits of invalid keys; finite in half precision, and a row that is masked throughout stays defined."""


class MultiFrameFusion(nn.Module):
    """Self attention over the stored tokens, cross attention of T_t over them, a feed-forward network.

    T_t asks, and the answer comes from the memory alone: T_t itself, which has seen the template, does not enter E_t,
    or nothing would make the network remember. A stored token m = g T + W a carries the appearance a of the target in
    its frame; m_0 = W a_0 is the template's, so that the memory is never empty. Queries and keys are normalised:
    near-equal tokens would leave the softmax flat. The final layer norm bounds the recursion E_{t-1} -> s_t over any
    number of frames.
    """

    MLP_RATIO = 2
    BRANCH_SCALE = 0.1  # of self attention and feed-forward network at first: they do not drown what was read

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        dim = config.dim
        self.appearance = nn.Linear(dim, dim)
        self.kind = nn.Parameter(torch.zeros(2, 1, dim))  # the template's and later frames'
        nn.init.trunc_normal_(self.kind, std=0.02)
        self.norm_self = nn.LayerNorm(dim)
        self.self_attention = MaskedAttention(dim, config.heads)
        self.norm_query = nn.LayerNorm(dim)
        self.norm_memory = nn.LayerNorm(dim)
        self.cross_attention = MaskedAttention(dim, config.heads)
        self.norm_mlp = nn.LayerNorm(dim)
        self.mlp = nn.Sequential(nn.Linear(dim, self.MLP_RATIO * dim), nn.GELU(), nn.Linear(self.MLP_RATIO * dim, dim))
        self.scale = nn.Parameter(torch.full((2, dim), self.BRANCH_SCALE))
        self.token_scale = nn.Parameter(torch.full((dim,), self.BRANCH_SCALE))
        self.norm = nn.LayerNorm(dim)
        # What is stored starts as the appearance, as long as a cell is, and is read as it is: a short way to the mask.
        with torch.no_grad():
            self.appearance.weight.copy_(dim**0.5 * torch.eye(dim))
            self.cross_attention.key_value.weight[dim:] = torch.eye(dim)
            self.cross_attention.output.weight.copy_(torch.eye(dim))

    def stored(self, token: Tensor, appearance: Tensor) -> Tensor:
        """Map T_t (B, 1, d) and the target's appearance (B, d) in that frame to what the STM stores (B, 1, d)."""
        return self.token_scale * token + self.appearance(appearance)[:, None]

    def encode(self, initial: Tensor, memory: Tensor, valid: Tensor) -> Tensor:
        """Let the stored tokens see each other, and return their keys and values (B, 2, heads, 1 + K, d / heads).

        Args:
            initial: (B, d) the template's appearance. memory: (B, K, d) stored tokens.
            valid: (B, 1 + K) which of m_0 and the stored tokens count; one of them must.
        """
        stored = torch.cat((self.appearance(initial)[:, None] + self.kind[0], memory + self.kind[1]), dim=1)
        normed = self.norm_self(stored)
        attended = self.self_attention(normed, self.self_attention.keys_values(normed), valid)
        return self.cross_attention.keys_values(self.norm_memory(stored + self.scale[0] * attended))

    def forward(self, token: Tensor, keys_values: Tensor, valid: Tensor) -> Tensor:
        """Fuse the current token with the stored ones: (B, 1, d) E_t.

        Args:
            token: (B, 1, d) T_t. keys_values: of `encode`. valid: (B, 1 + K) as there.
        """
        read = self.cross_attention(self.norm_query(token), keys_values, valid)
        return self.norm(read + self.scale[1] * self.mlp(self.norm_mlp(read)))


class MaskedAttention(nn.Module):
    """Multi-head attention with normalised queries and keys and an additive bias on the logits."""

    GAIN = 8.0

    def __init__(self, dim: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.query = nn.Linear(dim, dim)
        self.key_value = nn.Linear(dim, 2 * dim)
        self.output = nn.Linear(dim, dim)
        self.gain = nn.Parameter(torch.full((heads, 1, 1), self.GAIN))

    def keys_values(self, tokens: Tensor) -> Tensor:
        """Return normalised keys and values (B, 2, heads, M, d / heads) of (B, M, d) tokens."""
        key, value = self.key_value(tokens).unflatten(2, (2, self.heads, -1)).permute(0, 2, 3, 1, 4).unbind(1)
        return torch.stack((unit(key), value), dim=1)

    def forward(self, queries: Tensor, keys_values: Tensor, valid: Tensor) -> Tensor:
        """Map (B, N, d), keys and values (B, 2, heads, M, d / heads) of which (B, M) are valid to (B, N, d)."""
        query = self.query(queries).unflatten(2, (self.heads, -1)).transpose(1, 2)
        key, value = keys_values.unbind(1)
        logits = unit(query) @ key.transpose(-1, -2) * self.gain + (1.0 - valid[:, None, None]) * MASKED
        return self.output((logits.softmax(dim=-1) @ value).transpose(1, 2).flatten(2))
