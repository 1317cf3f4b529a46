# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A STARK network that is small enough for a test."""

from __future__ import annotations

from typing import Any

from stdtrack_ros.network.stark.config import StarkConfig

SWITCHES: dict[str, Any] = {
    "blocks": (1, 1, 1),
    "base_width": 8,
    "dimension": 32,
    "heads": 4,
    "feedforward": 64,
    "encoder_layers": 1,
    "decoder_layers": 1,
    "template_size": 64,
    "search_size": 160,
}
"""The sizes of the small network."""


def tiny_stark(**changes: Any) -> StarkConfig:
    """Return a STARK-ST50 of these sizes, with some switches changed."""
    return StarkConfig(**{"name": "stark_st50", "score_head": True, "templates": 2} | SWITCHES | changes)
