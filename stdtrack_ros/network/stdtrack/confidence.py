# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A small confidence head beside the tracker's: is the target there, and will the box do?

It reads detached features, so that it learns from the tracker and never disturbs it (STARK loses 3.9 AUC by joint
training of box and score). Its output is what the published, calibrated quality is made from.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from stdtrack_ros.network.stdtrack.config import NetworkConfig
from stdtrack_ros.network.stdtrack.quality import peak_neighbourhood, token_quality


def pool_at_peak(search: Tensor, score: Tensor) -> Tensor:
    """Mean of the search tokens (B, N, d) around the peak of the score map (B, 1, H, W), weighted by it: (B, d)."""
    weight = (score * peak_neighbourhood(score)).flatten(1)
    return (search * (weight / weight.sum(dim=1, keepdim=True).clamp(min=1e-6))[..., None]).sum(dim=1)


class ConfidenceHead(nn.Module):
    """MLP on [E_t; search features around the peak; template appearance; statistics of the score map] -> one logit.

    The logit is trained towards the IoU of the predicted box with the truth (0 where the target is absent).
    """

    STATISTICS = 4

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.mlp = nn.Sequential(
            nn.Linear(3 * config.dim + self.STATISTICS, config.dim), nn.GELU(), nn.Linear(config.dim, 1)
        )

    def forward(self, token: Tensor, search: Tensor, similarity: Tensor, score: Tensor) -> Tensor:
        """E_t (B, 1, d), X_t (B, N, d), agreement with the template (B, d), score map (B, 1, H, W) -> logits (B,)."""
        token, search, similarity, score = (part.detach() for part in (token, search, similarity, score))
        pooled = pool_at_peak(search, score)
        statistics = torch.stack([token_quality(score, form) for form in ("peak", "saliency", "psr", "margin")], dim=1)
        return self.mlp(torch.cat((token[:, 0], pooled, similarity, statistics), dim=1))[:, 0]
