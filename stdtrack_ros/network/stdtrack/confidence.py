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
    """MLP on [E_t; search features around the peak; template appearance; statistics of score map, mask] -> one logit.

    The logit is trained towards the IoU of the predicted box with the ground truth (0 if the target is absent).
    """

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.mlp = nn.Sequential(
            nn.Linear(3 * config.dim + 1 + len(FORMS), config.dim), nn.GELU(), nn.Linear(config.dim, 1)
        )

    def forward(self, token: Tensor, search: Tensor, similarity: Tensor, mask: Tensor, peak: PeakStatistics) -> Tensor:
        """Return logits (B,) from what was found.

        Args:
            token: (B, 1, d) E_t. search: (B, N, d) X_t. similarity: (B, d) agreement with the template.
            mask: (B, N, 1) logits of the mask. peak: of the score map.
        """
        features = (token[:, 0], peak.pool(search), similarity, peak.pool(mask.to(search.dtype)), peak.qualities)
        return self.mlp(torch.cat([part.detach() for part in features], dim=1))[:, 0]
