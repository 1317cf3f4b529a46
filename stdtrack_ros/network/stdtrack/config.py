# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The shape of an STDTrack network: which parts it has and how large they are."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from stdtrack_ros.errors import SettingError


class NetworkConfig(BaseModel):
    """Everything that decides the weights' names and shapes; stored in each checkpoint and exported model.

    The paper's parts can be switched off one by one (`token`, `memory`, `mask`, `head`), as its ablation table does;
    `matching_prior` and `recall` are ours.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    backbone: Literal["lite_hybrid", "vit_tiny"] = "lite_hybrid"
    cnn_early_width: float = Field(
        2 / 3, gt=0, le=1, description="Fraction of the hidden channels that the CNN's early blocks keep."
    )
    dim: int = Field(192, ge=16, description="Width d of every token.")
    heads: int = Field(6, ge=1, description="Attention heads.")
    depth: int = Field(2, ge=1, description="Transformer layers L.")
    mlp_ratio: float = Field(1.0, gt=0, description="Hidden width of the feed-forward networks in units of d.")
    attention: Literal["joint", "cached"] = Field(
        "cached", description="joint: all tokens see all; cached: the template sees itself only and is encoded once."
    )
    template_size: int = Field(128, multiple_of=16, description="Side of the template crop, px.")
    template_factor: float = Field(2.0, gt=0, description="Side of the template window in units of sqrt(w h).")
    search_size: int = Field(192, multiple_of=16, description="Side of the search crop, px.")
    search_factor: float = Field(3.0, gt=0, description="Side of the search window in units of sqrt(w h).")
    large_search_factor: float = Field(4.0, gt=0, description="The same when the target may be far, as many pixels.")
    pooled_keys: bool = Field(True, description="Search tokens attend to each other's keys averaged over 2x2 cells.")
    matching_prior: bool = Field(True, description="Add the similarity to every template cell to the search tokens.")
    token: bool = Field(True, description="Spatiotemporal token in the backbone, carried from frame to frame.")
    memory: bool = Field(True, description="STM and MFIFM: fuse the token with the stored ones.")
    recall: bool = Field(True, description="The STM's looks speak in the score map (with `memory`).")
    capacity: int = Field(6, ge=1, description="Tokens K in the STM.")
    propagate: Literal["enhanced", "token"] = Field("enhanced", description="What is carried on: E_t or T_t.")
    mask: Literal["off", "gate", "product", "dot"] = Field("gate", description="Form of the mask enhancement.")
    head: Literal["multi_scale", "plain"] = Field("multi_scale", description="RepConv 1x1+3x3+5x5, or one 3x3.")
    head_stem: int = Field(48, ge=8, description="Channels of the head's shared 1x1 convolution.")
    head_channels: tuple[int, ...] = Field((32, 16), description="Channels of each branch.")
    quality: Literal["saliency", "peak", "psr", "margin"] = Field("saliency", description="Form of Q_t (Eq. 2).")

    @property
    def search_cells(self) -> int:
        """Cells along a side of the search region (stride 16)."""
        return self.search_size // 16

    @property
    def template_cells(self) -> int:
        """Cells along a side of the template (stride 16)."""
        return self.template_size // 16


PRESETS: dict[str, NetworkConfig] = {
    "lite_hybrid": NetworkConfig(),
    "vit_tiny": NetworkConfig(
        backbone="vit_tiny",
        heads=3,
        depth=12,
        mlp_ratio=4.0,
        attention="joint",
        matching_prior=False,
        search_size=256,
        search_factor=4.0,
        large_search_factor=5.0,
        pooled_keys=False,
        mask="product",
        head_stem=96,
        head_channels=(64, 32, 16),
    ),
}
"""Named networks: `vit_tiny` is the paper-like one, `lite_hybrid` is for CPUs."""


def preset(name: str) -> NetworkConfig:
    """Return the configuration of a named network."""
    if name not in PRESETS:
        raise SettingError(f"There is no network named '{name}'; allowed is one of {', '.join(PRESETS)}.")
    return PRESETS[name]
