# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Q_t, the quality of a frame's token, from the predicted score map (the paper's Eq. 2, target saliency).

The formula of the paper could not be read; `saliency` is ours and named as such. Only the order of the values matters
to the STM; the probability that users see is another number (`confidence.py`).
"""

from __future__ import annotations

import torch
from torch import Tensor

RADIUS = 2  # cells around the peak that belong to it; one target is about 4 cells wide in its search window


def token_quality(score: Tensor, form: str = "saliency") -> Tensor:
    """Score maps (B, 1, H, W) in 0..1 -> Q_t (B,), 0..1.

    With p the peak and mu, sigma the mean and the deviation outside its neighbourhood:
    `saliency` p PSR / (PSR + 5) with PSR = (p - mu) / (sigma + 0.02); `peak` p; `psr` the same over the whole map;
    `margin` p minus the highest value outside the neighbourhood.
    """
    peak = score.amax(dim=(2, 3))[:, 0]
    if form == "peak":
        return peak
    outside = torch.ones_like(score) if form == "psr" else 1.0 - peak_neighbourhood(score)
    if form == "margin":
        return peak - (score * outside).amax(dim=(2, 3))[:, 0]
    count = outside.sum(dim=(2, 3))[:, 0].clamp(min=1.0)
    mean = (score * outside).sum(dim=(2, 3))[:, 0] / count
    variance = ((score - mean[:, None, None, None]) ** 2 * outside).sum(dim=(2, 3))[:, 0] / count
    ratio = (peak - mean) / (torch.sqrt(variance + 1e-8) + 0.02)
    return peak * ratio / (ratio + 5.0)


def peak_neighbourhood(score: Tensor) -> Tensor:
    """(B, 1, H, W) -> 1 in the cells within `RADIUS` (a square) of the highest one, else 0."""
    height, width = score.shape[-2:]
    index = score.flatten(1).argmax(dim=1)
    row, column = (index // width)[:, None], (index % width)[:, None]
    rows = ((torch.arange(height, device=score.device) - row).abs() <= RADIUS).to(score.dtype)
    columns = ((torch.arange(width, device=score.device) - column).abs() <= RADIUS).to(score.dtype)
    return rows[:, None, :, None] * columns[:, None, None, :]
