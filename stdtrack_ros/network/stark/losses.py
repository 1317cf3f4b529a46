# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Losses of the two stages: L1 and GIoU on the boxes, binary cross-entropy on the score."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from stdtrack_ros.network.boxes import giou, iou


def box_loss(
    corners: Tensor, box: Tensor, present: Tensor, l1_weight: float, giou_weight: float
) -> tuple[Tensor, dict[str, float]]:
    """Apply equation 1 over the searches that hold the target: L1 on the corners and generalised IoU.

    Args:
        corners: (B, 4) x0, y0, x1, y1 predicted. box: (B, 4) centre x, centre y, width, height, the ground truth.
        present: (B,) bool.
    """
    low, high = corners[:, :2], corners[:, 2:]
    found = torch.cat([(low + high) / 2, high - low], dim=1)
    true_corners = torch.cat([box[:, :2] - box[:, 2:] / 2, box[:, :2] + box[:, 2:] / 2], dim=1).clamp(0.0, 1.0)
    true_box = torch.cat(
        [(true_corners[:, :2] + true_corners[:, 2:]) / 2, true_corners[:, 2:] - true_corners[:, :2]], dim=1
    )
    weight = present.float() / present.sum().clamp(min=1)
    l1 = ((corners - true_corners).abs().mean(dim=1) * weight).sum()
    apart = ((1.0 - giou(found, true_box)) * weight).sum()
    loss = l1_weight * l1 + giou_weight * apart
    overlap = (iou(found, true_box) * weight).sum()
    parts = {"loss": loss, "l1": l1, "giou": apart, "iou": overlap}
    return loss, {name: float(value.detach()) for name, value in parts.items()}


def presence_loss(logits: Tensor, present: Tensor) -> tuple[Tensor, dict[str, float]]:
    """Apply equation 3: binary cross-entropy of the score (B,) against presence (B,)."""
    loss = functional.binary_cross_entropy_with_logits(logits, present.float())
    score = logits.detach().sigmoid()
    right = ((score > 0.5) == present).float().mean()
    return loss, {
        "loss": float(loss.detach()),
        "accuracy": float(right),
        "score_present": float(score[present].mean()),
        "score_absent": float(score[~present].mean()),
    }
