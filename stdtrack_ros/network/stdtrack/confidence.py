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
from stdtrack_ros.network.stdtrack.quality import FORMS, PeakStatistics


class ConfidenceHead(nn.Module):
    """MLP on [E_t; search features around the peak; template appearance; statistics of the score map] -> one logit.

    The logit is trained towards the IoU of the predicted box with the truth (0 where the target is absent).
    """

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.mlp = nn.Sequential(
            nn.Linear(3 * config.dim + len(FORMS), config.dim), nn.GELU(), nn.Linear(config.dim, 1)
        )

    def forward(self, token: Tensor, search: Tensor, similarity: Tensor, peak: PeakStatistics) -> Tensor:
        """E_t (B, 1, d), X_t (B, N, d), agreement with the template (B, d), the score map's peak -> logits (B,)."""
        features = (token[:, 0], peak.pool(search), similarity, peak.qualities)
        return self.mlp(torch.cat([part.detach() for part in features], dim=1))[:, 0]
