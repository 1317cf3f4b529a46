# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Configurations that cannot be."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from stdtrack_ros.network.stark.config import StarkConfig


@pytest.mark.parametrize(
    "changes",
    [{"search_size": 321}, {"heads": 5}, {"templates": 3}, {"box_head": "perceptron", "decoder_layers": 0}, {"x": 1}],
)
def test_impossible_configurations_are_refused(changes: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        StarkConfig.model_validate(StarkConfig(score_head=True, templates=2).model_dump() | changes)
