# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The corner head."""

from __future__ import annotations

import math

import pytest
import torch

from stdtrack_ros.network.stark.config import StarkConfig
from stdtrack_ros.network.stark.heads import CornerHead


def test_the_corner_is_the_expectation_of_its_map() -> None:
    """Equation 2 with two cells of equal probability: the corner lies half way between them."""
    head = CornerHead(StarkConfig(search_size=80, dimension=32))
    logits = torch.full((1, 1, 5, 5), -1e9)
    logits[0, 0, 1, 0] = logits[0, 0, 3, 4] = 0.0
    corner, fraction = head._expect(logits)
    torch.testing.assert_close(corner, torch.tensor([[0.4, 0.4]]))  # column (0 + 4) / 2, row (1 + 3) / 2, of 5 cells
    assert fraction.item() == pytest.approx(1.0)  # both lie within two cells of (2, 2)
    logits[0, 0, 3, 4], logits[0, 0, 4, 4] = -1e9, math.log(3.0)
    corner, fraction = head._expect(logits)
    torch.testing.assert_close(corner, torch.tensor([[3.0 / 5, 3.25 / 5]]))
    assert fraction.item() == pytest.approx(0.75)  # the cell at column 0 lies three columns away
