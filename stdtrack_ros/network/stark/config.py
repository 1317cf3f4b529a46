# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What a STARK network is made of: the three published variants, and the switches of the paper's tables 7 and 8."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

STRIDE = 16
"""Pixels of an input per cell of its feature map: the third stage of a ResNet."""


class StarkConfig(BaseModel):
    """One network. The defaults are STARK-S50 (section 4.1).

    Attributes:
        name: the variant it is, or was before its switches were set.
        blocks: residual blocks of the three stages; (3, 4, 6) is ResNet-50, (3, 4, 23) ResNet-101.
        base_width: channels of the stem; the three stages put out 4, 8 and 16 times as many.
        dimension, heads, feedforward, dropout: of the transformer.
        encoder_layers, decoder_layers: 0 leaves the part out (table 7, rows 1 and 2).
        positions: add the sine position embedding (row 3).
        box_head: the corner head of equation 2, or the three-layer perceptron of DETR (row 4).
        score_head: the score head of section 3.2 (row 5).
        whitened_score: a fixed linear map before the score head makes its inputs uncorrelated, of deviation 1 (ours).
        templates: 1 the initial one, 2 the initial and the dynamic one.
        template_size, search_size: sides of the inputs in px, multiples of 16.
        template_factor, search_factor: sides of the windows in units of sqrt(width * height) of the box.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Literal["stark_s50", "stark_st50", "stark_st101"] = "stark_s50"
    blocks: tuple[int, int, int] = (3, 4, 6)
    base_width: int = Field(64, ge=4)
    dimension: int = Field(256, ge=16, multiple_of=4)
    heads: int = Field(8, ge=1)
    feedforward: int = Field(2048, ge=16)
    dropout: float = Field(0.1, ge=0.0, lt=1.0)
    encoder_layers: int = Field(6, ge=0)
    decoder_layers: int = Field(6, ge=0)
    positions: bool = True
    box_head: Literal["corner", "perceptron"] = "corner"
    score_head: bool = False
    whitened_score: bool = False
    templates: int = Field(1, ge=1, le=2)
    template_size: int = Field(128, ge=STRIDE, multiple_of=STRIDE)
    search_size: int = Field(320, ge=STRIDE, multiple_of=STRIDE)
    template_factor: float = Field(2.0, gt=0.0)
    search_factor: float = Field(5.0, gt=0.0)

    @model_validator(mode="after")
    def _possible(self) -> StarkConfig:
        if self.dimension % self.heads:
            raise ValueError(f"dimension {self.dimension} cannot be shared evenly by {self.heads} heads")
        if self.box_head == "perceptron" and not self.decoder_layers:
            raise ValueError("a perceptron box head reads the decoder's output and needs at least one decoder layer")
        return self

    @property
    def template_cells(self) -> int:
        """Cells a side of a template's feature map."""
        return self.template_size // STRIDE

    @property
    def search_cells(self) -> int:
        """Cells a side of the search window's feature map."""
        return self.search_size // STRIDE


VARIANTS: dict[str, StarkConfig] = {
    config.name: config
    for config in (
        StarkConfig(),
        StarkConfig(name="stark_st50", score_head=True, templates=2),
        StarkConfig(name="stark_st101", blocks=(3, 4, 23), score_head=True, templates=2),
    )
}
"""The published variants under the names that the setting `tracker` takes."""
