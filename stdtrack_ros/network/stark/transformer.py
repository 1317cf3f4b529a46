# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Encoder and decoder of section 3.1: DETR's post-norm layers, batch first, with one query."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from stdtrack_ros.network.stark.config import StarkConfig

HIDDEN = -1.0e30
"""Added to the attention on a padded cell: beyond any logit, so its weight is 0, yet all padding still gives no NaN."""


class FeedForward(nn.Module):
    """Two linear maps with ReLU between them, a residual, and the norm after it."""

    def __init__(self, config: StarkConfig) -> None:
        super().__init__()
        self.linear1 = nn.Linear(config.dimension, config.feedforward)
        self.linear2 = nn.Linear(config.feedforward, config.dimension)
        self.norm = nn.LayerNorm(config.dimension)
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, tokens: Tensor) -> Tensor:
        """Map (B, N, d) to (B, N, d)."""
        inner = self.linear2(self.dropout(torch.relu(self.linear1(tokens))))
        return self.norm(tokens + self.dropout(inner))


class Attention(nn.Module):
    """Multi-head attention, a residual, and the norm after it."""

    def __init__(self, config: StarkConfig) -> None:
        super().__init__()
        self.heads = nn.MultiheadAttention(config.dimension, config.heads, config.dropout, batch_first=True)
        self.norm = nn.LayerNorm(config.dimension)
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, tokens: Tensor, queries: Tensor, keys: Tensor, values: Tensor, bias: Tensor | None) -> Tensor:
        """Add to tokens (B, N, d) what the queries (B, N, d) find in keys and values (B, M, d).

        `bias` (B, M) is added to every query's logits.
        """
        found, _ = self.heads(queries, keys, values, key_padding_mask=bias, need_weights=False)
        return self.norm(tokens + self.dropout(found))


class EncoderLayer(nn.Module):
    """Self-attention over templates and search window, then the feed-forward network."""

    def __init__(self, config: StarkConfig) -> None:
        super().__init__()
        self.attention = Attention(config)
        self.feedforward = FeedForward(config)

    def forward(self, tokens: Tensor, positions: Tensor, bias: Tensor) -> Tensor:
        """Map (B, N, d) to (B, N, d)."""
        placed = tokens + positions
        return self.feedforward(self.attention(tokens, placed, placed, tokens, bias))


class DecoderLayer(nn.Module):
    """Self-attention of the query, attention on the encoder's output, then the feed-forward network."""

    def __init__(self, config: StarkConfig) -> None:
        super().__init__()
        self.self_attention = Attention(config)
        self.cross_attention = Attention(config)
        self.feedforward = FeedForward(config)

    def forward(self, target: Tensor, query: Tensor, memory: Tensor, placed_memory: Tensor, bias: Tensor) -> Tensor:
        """Map target and query (B, 1, d), memory (B, N, d) to (B, 1, d)."""
        placed = target + query
        target = self.self_attention(target, placed, placed, target, None)
        target = self.cross_attention(target, target + query, placed_memory, memory, bias)
        return self.feedforward(target)


class Transformer(nn.Module):
    """The encoder relates templates and search window; the decoder asks it for the target with one learned query."""

    def __init__(self, config: StarkConfig) -> None:
        super().__init__()
        self.encoder = nn.ModuleList(EncoderLayer(config) for _ in range(config.encoder_layers))
        self.decoder = nn.ModuleList(DecoderLayer(config) for _ in range(config.decoder_layers))
        self.norm = nn.LayerNorm(config.dimension) if config.decoder_layers else nn.Identity()
        for parameter in self.parameters():
            if parameter.dim() > 1:
                nn.init.xavier_uniform_(parameter)

    def forward(self, tokens: Tensor, positions: Tensor, outside: Tensor, query: Tensor) -> tuple[Tensor, Tensor]:
        """Run both parts.

        Args:
            tokens, positions: (B, N, d), templates first and the search window last.
            outside: (B, N) bool, true for a cell that lies outside its image.
            query: (1, d), learned.

        Returns:
            The encoder's output (B, N, d) and the decoder's (B, d). Without an encoder the former is `tokens`,
            without a decoder the latter is the query itself (table 7, rows 1 and 2).
        """
        bias = outside.to(tokens.dtype) * HIDDEN
        for layer in self.encoder:
            tokens = layer(tokens, positions, bias)
        asked = query.expand(tokens.shape[0], 1, -1)
        if not self.decoder:
            return tokens, asked[:, 0]
        target, placed_tokens = torch.zeros_like(asked), tokens + positions
        for layer in self.decoder:
            target = layer(target, asked, tokens, placed_tokens, bias)
        return tokens, self.norm(target)[:, 0]
