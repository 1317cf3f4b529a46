# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Mask enhancement: the enhanced token says where the target is, before the head looks (paper, method)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from stdtrack_ros.network.stdtrack.config import NetworkConfig

INITIAL_BIAS = -4.5
"""Between the agreement of a target's cells and that of others, with the features of the light backbone."""


class MaskEnhancement(nn.Module):
    """Agreement of every search cell with E_t, as a mask on the search tokens.

    The logits also go straight into the score map, `score_gain` times: what the memory says is heard however sure the
    template's side is. The mask reads the bare cells, which know nothing of the template: what it says comes from E_t
    alone. With
    M = sigmoid((norm(C) W_q)(E W_k)^T / sqrt(d) + b): `gate`: 2 X M, which leaves X as it is where M is one half;
    `product`: X M; `dot`: the plain dot product of the sibling trackers.
    """

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.form = config.mask
        self.norm = nn.LayerNorm(config.dim)
        self.query = nn.Linear(config.dim, config.dim)
        self.key = nn.Linear(config.dim, config.dim)
        self.bias = nn.Parameter(torch.full((1,), INITIAL_BIAS))
        self.score_gain = nn.Parameter(torch.ones(1))
        with torch.no_grad():  # at first, cells are as likely the target's as they resemble what was read
            self.query.weight.copy_(torch.eye(config.dim))
            self.key.weight.copy_(torch.eye(config.dim))

    def forward(self, search: Tensor, cells: Tensor, token: Tensor) -> tuple[Tensor, Tensor]:
        """Map X (B, N, d), bare cells (B, N, d), E_t (B, 1, d) to enhanced X (B, N, d) and mask logits (B, N, 1)."""
        # (C W_q)(E W_k)^T = C (W_q (E W_k)^T): W_q acts on the one token instead of on all cells.
        key = self.key(token) * search.shape[-1] ** -0.5
        reader = (key @ self.query.weight).transpose(1, 2)
        logits = self.norm(cells) @ reader + key @ self.query.bias[:, None] + self.bias
        if self.form == "dot":
            return search * logits, logits
        mask = logits.detach().sigmoid()  # learned from its own loss alone: there is no way round what is stored
        return search * (mask if self.form == "product" else 2.0 * mask), logits
