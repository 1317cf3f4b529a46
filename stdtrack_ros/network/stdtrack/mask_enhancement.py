# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Mask enhancement: the enhanced token says where the target is, before the head looks (paper, method)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from stdtrack_ros.network.stdtrack.config import NetworkConfig


class MaskEnhancement(nn.Module):
    """Attention of every search token to E_t, as a mask on the search tokens.

    `product`: X M; `residual`: X (0.5 + M), which never silences a cell; `dot`: the plain dot product of the sibling
    trackers. M = sigmoid((X W_q)(E W_k)^T / sqrt(d) + b).
    """

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.form = config.mask
        self.query = nn.Linear(config.dim, config.dim)
        self.key = nn.Linear(config.dim, config.dim)
        self.bias = nn.Parameter(torch.zeros(1))

    def forward(self, search: Tensor, token: Tensor) -> tuple[Tensor, Tensor]:
        """X (B, N, d), E_t (B, 1, d) -> enhanced search tokens (B, N, d), and the mask's logits (B, N, 1)."""
        # (X W_q)(E W_k)^T = X (W_q (E W_k)^T): W_q acts on the one token instead of on all cells.
        key = self.key(token) * search.shape[-1] ** -0.5
        logits = search @ (key @ self.query.weight).transpose(1, 2) + key @ self.query.bias[:, None] + self.bias
        if self.form == "dot":
            return search * logits, logits
        mask = logits.sigmoid()
        return search * (mask if self.form == "product" else 0.5 + mask), logits
