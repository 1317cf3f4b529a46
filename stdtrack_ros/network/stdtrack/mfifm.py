# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""MFIFM, the Multi-frame Information Fusion Module: the token of this frame meets the stored ones (paper, method)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from stdtrack_ros.network.stdtrack.config import NetworkConfig

_MASKED = -1e4  # not -inf: finite in half precision and int8, and a row that is masked throughout stays defined


class MultiFrameFusion(nn.Module):
    """Masked self attention over [T_t; m_1 ... m_K], cross attention of T_t over the memory, a feed-forward network.

    The final layer norm bounds the recursion E_{t-1} -> s_t over any number of frames.
    """

    MLP_RATIO = 2

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        dim = config.dim
        self.kind = nn.Parameter(torch.zeros(2, dim))  # "current" and "stored"
        self.null = nn.Parameter(torch.zeros(1, 1, dim))  # keeps the cross attention defined while the memory is empty
        nn.init.trunc_normal_(self.kind, std=0.02)
        nn.init.trunc_normal_(self.null, std=0.02)
        self.norm_self = nn.LayerNorm(dim)
        self.self_attention = MaskedAttention(dim, config.heads)
        self.norm_query = nn.LayerNorm(dim)
        self.norm_memory = nn.LayerNorm(dim)
        self.cross_attention = MaskedAttention(dim, config.heads)
        self.norm_mlp = nn.LayerNorm(dim)
        self.mlp = nn.Sequential(nn.Linear(dim, self.MLP_RATIO * dim), nn.GELU(), nn.Linear(self.MLP_RATIO * dim, dim))
        self.norm = nn.LayerNorm(dim)

    def forward(self, token: Tensor, memory: Tensor, valid: Tensor) -> Tensor:
        """T_t (B, 1, d), stored tokens (B, K, d), validity (B, K) in {0, 1} -> E_t (B, 1, d)."""
        bias = (1.0 - valid)[:, None, None, :] * _MASKED
        zero = torch.zeros_like(bias[..., :1])
        union = torch.cat((token + self.kind[0], memory + self.kind[1]), dim=1)
        normed = self.norm_self(union)
        union = union + self.self_attention(normed, normed, torch.cat((zero, bias), dim=-1))
        current = union[:, :1]
        stored = torch.cat((self.null.expand(token.shape[0], -1, -1), union[:, 1:]), dim=1)
        current = current + self.cross_attention(
            self.norm_query(current), self.norm_memory(stored), torch.cat((zero, bias), dim=-1)
        )
        return self.norm(current + self.mlp(self.norm_mlp(current)))


class MaskedAttention(nn.Module):
    """Multi-head attention with an additive bias on the scores."""

    def __init__(self, dim: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.query = nn.Linear(dim, dim)
        self.key_value = nn.Linear(dim, 2 * dim)
        self.output = nn.Linear(dim, dim)

    def forward(self, queries: Tensor, tokens: Tensor, bias: Tensor) -> Tensor:
        """(B, N, d), (B, M, d), bias (B, 1, 1, M) -> (B, N, d)."""
        key, value = self.key_value(tokens).chunk(2, dim=-1)
        query, key, value = (self._split(part) for part in (self.query(queries), key, value))
        scores = query @ key.transpose(-1, -2) * (query.shape[-1] ** -0.5) + bias
        return self.output((scores.softmax(dim=-1) @ value).transpose(1, 2).flatten(2))

    def _split(self, tokens: Tensor) -> Tensor:
        return tokens.unflatten(2, (self.heads, -1)).transpose(1, 2)
