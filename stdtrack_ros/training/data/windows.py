# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Search windows cut from canvases, on whatever device the network trains on."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional


class Windows(NamedTuple):
    """Square windows in source-image pixels.

    Attributes:
        center: (B, 2). side: (B,).
    """

    center: Tensor
    side: Tensor

    @classmethod
    def around(cls, boxes: Tensor, factor: float) -> Windows:
        """Return windows of side factor * sqrt(w h) around (B, 4) x, y, w, h boxes."""
        size = boxes[:, 2:].clamp(min=1e-3)
        return cls(boxes[:, :2] + boxes[:, 2:] / 2, factor * size.prod(dim=1).sqrt())

    def fractions(self, boxes: Tensor) -> Tensor:
        """Convert (B, 4) x, y, w, h in image px to centre x, centre y, w, h as fractions of the windows' sides."""
        center = (boxes[:, :2] + boxes[:, 2:] / 2 - self.center) / self.side[:, None] + 0.5
        return torch.cat((center, boxes[:, 2:] / self.side[:, None]), dim=1)

    def to_image(self, boxes: Tensor) -> Tensor:
        """Invert `fractions`."""
        size = boxes[:, 2:] * self.side[:, None]
        center = (boxes[:, :2] - 0.5) * self.side[:, None] + self.center
        return torch.cat((center - size / 2, size), dim=1)


def jitter(boxes: Tensor, shift: float, stretch: float, generator: torch.Generator) -> Tensor:
    """Displace boxes as a tracker would: moved by up to `shift` sizes, scaled by exp(N(0, stretch)) a side."""
    count, device = boxes.shape[0], boxes.device
    size = boxes[:, 2:] * torch.exp(torch.randn(count, 2, generator=generator).to(device) * stretch)
    reach = size.prod(dim=1, keepdim=True).clamp(min=1e-6).sqrt() * shift
    center = boxes[:, :2] + boxes[:, 2:] / 2
    center = center + (torch.rand(count, 2, generator=generator).to(device) * 2 - 1) * reach
    return torch.cat((center - size / 2, size), dim=1)


def cut(canvases: Tensor, canvas_windows: Tensor, windows: Windows, size: int) -> Tensor:
    """Cut windows of the canvases as network input.

    Args:
        canvases: (B, 448, 448, 3) uint8 BGR. canvas_windows: (B, 3) centre x, centre y, side in image pixels.
        size: side of the crops, px.

    Returns:
        (B, 3, size, size) float32 BGR 0..255; what lies outside a canvas takes its mean colour.
    """
    pixels = canvases.permute(0, 3, 1, 2).float()
    mean = pixels[:, :, ::16, ::16].mean(dim=(2, 3), keepdim=True)
    ratio = windows.side / canvas_windows[:, 2]
    shift = 2 * (windows.center - canvas_windows[:, :2]) / canvas_windows[:, 2:]
    theta = torch.zeros(len(ratio), 2, 3, device=pixels.device)
    theta[:, 0, 0] = theta[:, 1, 1] = ratio
    theta[:, :, 2] = shift
    grid = functional.affine_grid(theta, [len(ratio), 3, size, size], align_corners=False)
    return functional.grid_sample(pixels - mean, grid, align_corners=False) + mean
