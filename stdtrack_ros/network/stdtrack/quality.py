# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Q_t, the quality of a frame's token, from the predicted score map (the paper's Eq. 2, target saliency).

The formula of the paper could not be read; `saliency` is ours and named as such. Only the order of the values matters
to the STM; the probability that users see is another number (`confidence.py`).
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

RADIUS = 2  # cells around the peak that belong to it; one target is about 4 cells wide in its search window
FORMS = ("peak", "saliency", "psr", "margin")


class PeakStatistics(NamedTuple):
    """What a score map tells about its peak, computed once for all that read it.

    With p the peak and mu, sigma the mean and the standard deviation outside the peak's neighbourhood, the qualities
    are: `peak` p; `saliency` p PSR / (PSR + 5) with PSR = (p - mu) / (sigma + 0.02); `psr` the same with mu and sigma
    of the whole map; `margin` p minus the highest value outside the neighbourhood.

    Attributes:
        qualities: (B, 4) in the order of `FORMS`, each in 0..1.
        weights: (B, H W) weight of each cell in what is pooled at the peak: the score inside the neighbourhood,
            normalised to sum 1.
        cell: (B,) the highest cell's number.
    """

    qualities: Tensor
    weights: Tensor
    cell: Tensor

    def quality(self, form: str) -> Tensor:
        """Return one of `FORMS`, (B,)."""
        return self.qualities[:, FORMS.index(form)]

    def pool(self, cells: Tensor) -> Tensor:
        """Return the weighted mean of cells (B, H W, d) around the peak, (B, d)."""
        return (self.weights[:, None] @ cells)[:, 0]


def peak_statistics(score: Tensor) -> PeakStatistics:
    """Return the statistics of score maps (B, 1, H, W) in 0..1."""
    values = score.flatten(1)
    cell = values.argmax(dim=1)
    near = functional.embedding(cell, _neighbourhoods(score))
    outside = 1.0 - near
    regions = torch.stack((outside, near + outside), dim=1)  # outside the neighbourhood, and the whole map
    count = regions.sum(dim=2).clamp(min=1.0)
    mean = (regions * values[:, None]).sum(dim=2) / count
    variance = (regions * (values[:, None] - mean[..., None]) ** 2).sum(dim=2) / count
    peak = values.amax(dim=1, keepdim=True)
    ratio = (peak - mean) / (torch.sqrt(variance + 1e-8) + 0.02)
    margin = peak - (values * outside).amax(dim=1, keepdim=True)
    weights = values * near
    return PeakStatistics(
        qualities=torch.cat((peak, peak * ratio / (ratio + 5.0), margin), dim=1),
        weights=weights / weights.sum(dim=1, keepdim=True).clamp(min=1e-6),
        cell=cell,
    )


class ScorePeak(nn.Module):
    """`peak_statistics` as a module, so that its fraction of an exported network's time can be told apart."""

    def forward(self, score: Tensor) -> PeakStatistics:
        """Map (B, 1, H, W) in 0..1 to the statistics."""
        return peak_statistics(score)


def token_quality(score: Tensor, form: str = "saliency") -> Tensor:
    """Score maps (B, 1, H, W) in 0..1 -> Q_t (B,), 0..1; the forms are those of `PeakStatistics`."""
    return peak_statistics(score).quality(form)


def peak_neighbourhood(score: Tensor) -> Tensor:
    """Map (B, 1, H, W) to 1 in the cells within `RADIUS` (a square) of the highest one, else 0."""
    near = functional.embedding(score.flatten(1).argmax(dim=1), _neighbourhoods(score))
    return near.unflatten(1, (1, *score.shape[-2:]))


def _neighbourhoods(score: Tensor) -> Tensor:
    """Return a table (H W, H W) of which row i is the neighbourhood of cell i: exported, it is a constant."""
    height, width = score.shape[-2:]
    rows, columns = _band(height, score), _band(width, score)
    return (rows[:, None, :, None] * columns[None, :, None, :]).reshape(height * width, height * width)


def _band(length: int, like: Tensor) -> Tensor:
    """Return (N, N) 1 within `RADIUS` of the diagonal, else 0."""
    index = torch.arange(length, device=like.device)
    return ((index[:, None] - index[None]).abs() <= RADIUS).to(like.dtype)
