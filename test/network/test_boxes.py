# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Overlaps of boxes by hand."""

from __future__ import annotations

import torch

from stdtrack_ros.network.boxes import giou, iou


def test_iou_and_giou_of_boxes_computed_by_hand() -> None:
    first = torch.tensor([[0.5, 0.5, 0.4, 0.4], [0.2, 0.2, 0.2, 0.2]])
    second = torch.tensor([[0.7, 0.5, 0.4, 0.4], [0.8, 0.8, 0.2, 0.2]])
    torch.testing.assert_close(iou(first, second), torch.tensor([1 / 3, 0.0]))
    # Second pair: union 0.08, hull from 0.1 to 0.9 in both axes.
    torch.testing.assert_close(giou(first, second), torch.tensor([1 / 3, -(0.64 - 0.08) / 0.64]))
