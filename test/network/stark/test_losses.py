# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Losses of the two stages by hand."""

from __future__ import annotations

import math

import pytest
import torch

from stdtrack_ros.training.stark import (
    box_loss,
    presence_loss,
)


def test_the_box_loss_by_hand() -> None:
    """Two squares of side 0.5, a quarter apart on both axes: IoU 1/7, hull 0.75 squared, corners off by 0.25."""
    corners = torch.tensor([[0.0, 0.0, 0.5, 0.5]])
    box = torch.tensor([[0.5, 0.5, 0.5, 0.5]])
    loss, parts = box_loss(corners, box, torch.tensor([True]), l1_weight=5.0, giou_weight=2.0)
    giou = 1 / 7 - (0.75**2 - 0.4375) / 0.75**2
    assert loss.item() == pytest.approx(5 * 0.25 + 2 * (1 - giou), abs=1e-5)
    assert parts["iou"] == pytest.approx(1 / 7, abs=1e-5)
    perfect, _ = box_loss(torch.tensor([[0.25, 0.25, 0.75, 0.75]]), box, torch.tensor([True]), 5.0, 2.0)
    assert perfect.item() == pytest.approx(0.0, abs=1e-5)


def test_the_box_loss_cuts_the_truth_to_the_window_and_passes_over_absent_targets() -> None:
    corners = torch.tensor([[0.75, 0.75, 1.0, 1.0], [0.0, 0.0, 0.1, 0.1]], requires_grad=True)
    box = torch.tensor([[1.0, 1.0, 0.5, 0.5], [0.5, 0.5, 0.5, 0.5]])
    loss, _ = box_loss(corners, box, torch.tensor([True, False]), 5.0, 2.0)
    assert loss.item() == pytest.approx(0.0, abs=1e-5)
    loss.backward()
    assert corners.grad is not None and not corners.grad[1].any()
    nothing, _ = box_loss(corners, box, torch.tensor([False, False]), 5.0, 2.0)
    assert nothing.item() == 0.0


def test_the_presence_loss_by_hand() -> None:
    """Equation 3: -log(0.5) for an undecided score, -log(1 - 0.8) for a wrong one."""
    logits = torch.tensor([0.0, math.log(4.0)])
    loss, parts = presence_loss(logits, torch.tensor([True, False]))
    assert loss.item() == pytest.approx((math.log(2) + math.log(5)) / 2, abs=1e-5)
    assert parts["score_present"] == pytest.approx(0.5) and parts["score_absent"] == pytest.approx(0.8)
