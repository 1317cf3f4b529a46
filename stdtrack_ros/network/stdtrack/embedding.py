# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""From crops to tokens: the two backbones' first halves (the joint layers follow in `transformer.py`)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from stdtrack_ros.network.stdtrack.backbones.efficientnet_lite import OUT_CHANNELS, EfficientNetLite
from stdtrack_ros.network.stdtrack.config import NetworkConfig


class Embedding(nn.Module):
    """Template and search crops to position-aware tokens.

    Crops come as (B, 3, H, W) float BGR in 0..255; template tokens are (B, N_z, d), search tokens (B, N_x, d).
    """

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.cells: nn.Module = _HybridCells(config) if config.backbone == "lite_hybrid" else _Patches(config.dim)
        self.template_position = nn.Parameter(torch.zeros(1, config.template_cells**2, config.dim))
        self.search_position = nn.Parameter(torch.zeros(1, config.search_cells**2, config.dim))
        for position in (self.template_position, self.search_position):
            nn.init.trunc_normal_(position, std=0.02)
        self.prior = MatchingPrior(config) if config.matching_prior else None

    def template(self, crop: Tensor) -> tuple[Tensor, Tensor]:
        """Map a template crop to tokens with position (B, N_z, d) and bare cells (B, N_z, d) for the matching prior."""
        cells = self.cells(crop)
        return cells + self.template_position, cells

    def search(self, crop: Tensor, template_cells: Tensor) -> tuple[Tensor, Tensor]:
        """Search crop, unit vectors of template cells -> tokens (B, N_x, d), bare search cells (B, N_x, d)."""
        cells = self.cells(crop)
        tokens = cells + self.search_position
        return (tokens if self.prior is None else tokens + self.prior(cells, template_cells)), cells


class MatchingPrior(nn.Module):
    """Cosine similarity of each search cell with each template cell, mapped to d (ours, not the paper's)."""

    GAIN = 4.0

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.project = nn.Linear(config.template_cells**2, config.dim)

    def forward(self, search: Tensor, template: Tensor) -> Tensor:
        """Map (B, N_x, d), unit vectors (B, N_z, d) to (B, N_x, d)."""
        return self.project(self.GAIN * (unit(search) @ template.transpose(1, 2)))


class _HybridCells(nn.Module):
    """EfficientNet-Lite0 to stride 16, then a linear map to d."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.cnn = EfficientNetLite(config.cnn_early_width)
        self.project = nn.Linear(OUT_CHANNELS, config.dim)
        self.norm = nn.LayerNorm(config.dim)

    def forward(self, crop: Tensor) -> Tensor:
        features = self.cnn(crop - 127.0)
        return self.norm(self.project(features.flatten(2).transpose(1, 2)))


class _Patches(nn.Module):
    """Patches of 16x16 px, mapped linearly to d (the paper-like ViT)."""

    MEAN = (0.406, 0.456, 0.485)
    STD = (0.225, 0.224, 0.229)

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.project = nn.Conv2d(3, dim, 16, 16)
        self.register_buffer("mean", 255 * torch.tensor(self.MEAN).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", 255 * torch.tensor(self.STD).view(1, 3, 1, 1), persistent=False)

    def forward(self, crop: Tensor) -> Tensor:
        return self.project((crop - self.mean) / self.std).flatten(2).transpose(1, 2)


def unit(vectors: Tensor) -> Tensor:
    """Scale (..., d) vectors to length 1."""
    # Written as ONNX Runtime recognises it (RMS normalization), as one operation instead of six.
    dim = vectors.shape[-1]
    scale = torch.full((dim,), dim**-0.5, dtype=vectors.dtype, device=vectors.device)
    return vectors / torch.sqrt(vectors.pow(2).mean(-1, keepdim=True) + 1e-4 / dim) * scale
