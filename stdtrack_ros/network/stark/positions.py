# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The sine position embedding of an image whose padded part does not count (section 3.1, "Encoder", after DETR)."""

from __future__ import annotations

import math

import torch
from torch import Tensor

TEMPERATURE = 10000.0


def sine_positions(outside: Tensor, dimension: int) -> Tensor:
    """Embed the row and the column of every cell, scaled to 0..2 pi over the part that lies inside the image.

    Args:
        outside: (B, H, W) bool, true where a cell lies outside the image.
        dimension: channels of the embedding; rows take the first half, columns the second.

    Returns:
        (B, H * W, dimension) float32, cells in row order.
    """
    inside = (~outside).to(torch.float32)
    rows, columns = inside.cumsum(1), inside.cumsum(2)
    rows = rows / (rows[:, -1:, :] + 1e-6) * (2 * math.pi)
    columns = columns / (columns[:, :, -1:] + 1e-6) * (2 * math.pi)
    half = dimension // 2
    exponents = torch.arange(half // 2, device=outside.device, dtype=torch.float32) * 2 / half
    periods = TEMPERATURE**exponents
    embedded = torch.cat([_waves(rows, periods), _waves(columns, periods)], dim=-1)
    return embedded.flatten(1, 2)


def _waves(places: Tensor, periods: Tensor) -> Tensor:
    """Map (B, H, W) places to (B, H, W, 2 * len(periods)): sine and cosine of each period side by side."""
    angles = places[..., None] / periods
    return torch.stack([angles.sin(), angles.cos()], dim=-1).flatten(-2)
