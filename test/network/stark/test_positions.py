# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Sine positions."""

from __future__ import annotations

import math

import torch

from stdtrack_ros.network.stark.positions import sine_positions


def test_sine_positions_by_hand() -> None:
    """Rows in the first half of the channels, columns in the second; sine and cosine of each period side by side."""
    embedded = sine_positions(torch.zeros(1, 4, 2, dtype=torch.bool), 8).reshape(4, 2, 8)
    row, column = 2 * math.pi * 3 / 4, 2 * math.pi * 1 / 2  # cell (2, 0): third of four rows, first of two columns
    slow = 10000 ** (2 / 4)
    expected = [f(angle / period) for angle in (row, column) for period in (1, slow) for f in (math.sin, math.cos)]
    torch.testing.assert_close(embedded[2, 0], torch.tensor(expected), atol=1e-5, rtol=0)
