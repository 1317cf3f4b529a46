# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Overlap of boxes in PyTorch: IoU and its generalised form."""

from __future__ import annotations

import torch
from torch import Tensor


def iou(first: Tensor, second: Tensor) -> Tensor:
    """Return the IoU of (..., 4) boxes given as centre x, centre y, width, height -> (...)."""
    overlap, union, _ = _areas(first, second)
    return overlap / union.clamp(min=1e-7)


def giou(first: Tensor, second: Tensor) -> Tensor:
    """Return the generalised IoU of (..., 4) boxes given as centre x, centre y, width, height -> (...), in -1..1."""
    overlap, union, hull = _areas(first, second)
    return overlap / union.clamp(min=1e-7) - (hull - union) / hull.clamp(min=1e-7)


def _areas(first: Tensor, second: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    low_a, high_a = first[..., :2] - first[..., 2:] / 2, first[..., :2] + first[..., 2:] / 2
    low_b, high_b = second[..., :2] - second[..., 2:] / 2, second[..., :2] + second[..., 2:] / 2
    overlap = (torch.minimum(high_a, high_b) - torch.maximum(low_a, low_b)).clamp(min=0).prod(dim=-1)
    union = first[..., 2:].clamp(min=0).prod(dim=-1) + second[..., 2:].clamp(min=0).prod(dim=-1) - overlap
    hull = (torch.maximum(high_a, high_b) - torch.minimum(low_a, low_b)).prod(dim=-1)
    return overlap, union, hull
