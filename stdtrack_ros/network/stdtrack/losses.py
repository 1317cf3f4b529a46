# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Training targets and losses of one frame: focal on the score map, GIoU and L1 on the boxes, BCE on the confidence."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from stdtrack_ros.network.boxes import giou, iou
from stdtrack_ros.network.stdtrack.model import StepOutput
from stdtrack_ros.settings import SettingGroup, setting


class FrameTarget(NamedTuple):
    """The ground truth of one search crop.

    Attributes:
        box: (B, 4) centre x, centre y, width, height as fractions of the crop's side.
        present: (B,) bool: the target is in the crop and visible.
        valid: (B,) bool: the ground truth is known; if not, the frame has no loss.
        companion: (B, 4) the box of another target beside it, NaN if there is none.
    """

    box: Tensor
    present: Tensor
    valid: Tensor
    companion: Tensor


class LossWeights(SettingGroup):
    """Weights of the terms; focal, GIoU and L1 as all sibling trackers have them."""

    focal: float = setting(1.0, "Weight of the focal loss on the score map.", ge=0)
    giou: float = setting(2.0, "Weight of the generalised IoU of the boxes.", ge=0)
    l1: float = setting(5.0, "Weight of the L1 distance of the boxes.", ge=0)
    mask: float = setting(0.3, "Weight of the cross-entropy of the mask enhancement.", ge=0)
    confidence: float = setting(0.5, "Weight of the cross-entropy of the confidence.", ge=0)
    identity: float = setting(0.0, "Weight of the contrastive loss of the appearances of a clip.", ge=0)


def frame_loss(output: StepOutput, target: FrameTarget, weights: LossWeights) -> tuple[Tensor, dict[str, Tensor]]:
    """Return the loss of one frame and its parts, each a scalar: means over the frames that have the term.

    The box terms are taken over all cells near the target's centre, weighted by the heat map, so that each of them
    learns to point at the same box; the siblings train the one cell at the peak.
    """
    maps = output.maps
    side = maps.score.shape[-1]
    heat = heat_map(target.box, side) * target.present[:, None, None, None]
    boxes = maps.boxes().float()
    true_boxes = target.box[:, :, None, None].expand_as(boxes)
    shown = (target.present & target.valid).float()
    weight = torch.where(heat > 0.3, heat, 0.0)[:, 0] * shown[:, None, None]
    weight = weight / weight.sum().clamp(min=1.0)
    count = target.valid.float()
    focal = focal_loss(maps.score.float(), heat)
    mask = mask_loss(output.mask[..., 0].float(), target, side)
    found = decode_peak(maps.score, boxes).detach()
    overlap = iou(found, target.box) * target.present
    confidence = functional.binary_cross_entropy_with_logits(output.confidence.float(), overlap, reduction="none")
    parts = {
        "focal": _mean(focal, count),
        "giou": (weight * (1.0 - giou(boxes.permute(0, 2, 3, 1), true_boxes.permute(0, 2, 3, 1)))).sum(),
        "l1": (weight * (boxes - true_boxes).abs().mean(dim=1)).sum(),
        "mask": _mean(mask, count),
        "confidence": _mean(confidence, count),
    }
    loss = sum(getattr(weights, name) * value for name, value in parts.items())
    parts["iou"] = _mean(overlap, shown)
    parts["hit"] = _mean((overlap > 0.5).float(), shown)
    parts["right"] = _right(found, target)
    return loss, {name: value.detach() for name, value in parts.items()}


def mask_loss(logits: Tensor, target: FrameTarget, side: int) -> Tensor:
    """Compute the (B,) cross entropy of mask logits (B, N); target, companion and background weigh the same."""
    inside = box_cells(target.box, side) * target.present[:, None]
    beside = box_cells(target.companion.nan_to_num(-9.0), side) * (1.0 - inside)
    regions = torch.stack((inside, beside, (1.0 - inside) * (1.0 - beside)))
    entropy = functional.binary_cross_entropy_with_logits(logits, inside, reduction="none")
    means = (regions * entropy).sum(dim=2) / regions.sum(dim=2).clamp(min=1.0)
    return means.sum(dim=0) / (regions.sum(dim=2) > 0).float().sum(dim=0)


IDENTITY_TEMPERATURE = 0.1
_NEVER = -50.0  # a logit that does not count; those that do lie within 1 / IDENTITY_TEMPERATURE


def identity_loss(appearances: Tensor, sure: Tensor, companions: Tensor, known: Tensor) -> Tensor:
    """Contrast each target's appearances with those of other clips' targets and of what is beside it (InfoNCE).

    Each pair of two frames of a clip costs the cross entropy of telling it from all pairs of the first frame with
    something else, cosines divided by `IDENTITY_TEMPERATURE`. No pair, no loss.

    Args:
        appearances: (B, F, d) unit vectors, the template's among them. sure: (B, F) bool: this is the target.
        companions: (B, C, d) unit vectors of what is beside the targets. known: (B, C) bool: there is something.

    Returns:
        A scalar, the mean over the pairs.
    """
    batch, frames, dim = appearances.shape
    clip = torch.arange(batch, device=appearances.device).repeat_interleave(frames)
    vectors, counts = appearances.float().reshape(-1, dim), sure.flatten()
    logits = vectors @ vectors.T / IDENTITY_TEMPERATURE
    own = clip[:, None] == clip[None]
    others = logits.masked_fill(own | ~counts[None], _NEVER)
    beside = torch.einsum("bfd,bcd->bfc", appearances.float(), companions.float()) / IDENTITY_TEMPERATURE
    beside = beside.masked_fill(~known[:, None], _NEVER).flatten(0, 1)
    against = torch.cat((others, beside), dim=1).logsumexp(dim=1, keepdim=True)
    pairs = own & counts[:, None] & counts[None] & ~torch.eye(len(clip), dtype=torch.bool, device=clip.device)
    return (functional.softplus(against - logits) * pairs).sum() / pairs.sum().clamp(min=1)


def _right(found: Tensor, target: FrameTarget) -> Tensor:
    """Return the fraction of frames with a box on target or companion in which it overlaps the target more; or NaN."""
    companion = target.companion.nan_to_num(-9.0)
    own, other = iou(found, target.box) * target.present, iou(found, companion)
    decided = target.present & target.valid & (companion[:, 0] > 0) & (torch.maximum(own, other) > 0.3)
    return ((own > other) & decided).float().sum() / decided.float().sum()


def heat_map(box: Tensor, side: int) -> Tensor:
    """Return a Gaussian around each target's cell, (B, 1, side, side), 1 at the cell.

    The deviation follows the box, sigma = max(side w / 12, 0.6) cells along each axis: about that of the CornerNet
    radius at an overlap of 0.7.
    """
    center = (box[:, :2] * side).floor().clamp(0, side - 1)
    sigma = (box[:, 2:] * side / 12).clamp(min=0.6)
    cells = torch.arange(side, device=box.device, dtype=box.dtype)
    along_x = torch.exp(-((cells[None] - center[:, :1]) ** 2) / (2 * sigma[:, :1] ** 2))
    along_y = torch.exp(-((cells[None] - center[:, 1:]) ** 2) / (2 * sigma[:, 1:] ** 2))
    return (along_y[:, :, None] * along_x[:, None, :])[:, None]


def box_cells(box: Tensor, side: int) -> Tensor:
    """Return (B, side * side), 1 in the cells whose centre lies in the box."""
    centers = (torch.arange(side, device=box.device, dtype=box.dtype) + 0.5) / side
    inside_x = (centers[None] - box[:, :1]).abs() <= box[:, 2:3] / 2
    inside_y = (centers[None] - box[:, 1:2]).abs() <= box[:, 3:] / 2
    return (inside_y[:, :, None] & inside_x[:, None, :]).flatten(1).to(box.dtype)


def focal_loss(logits: Tensor, heat: Tensor) -> Tensor:
    """Compute CornerNet's focal loss per frame, exponents 2 and 4: (B, 1, H, W) logits and heat -> (B,)."""
    score = logits.sigmoid().clamp(1e-4, 1 - 1e-4)
    positive = heat.ge(0.999).float()
    hit = -torch.log(score) * (1 - score) ** 2 * positive
    miss = -torch.log(1 - score) * score**2 * (1 - heat) ** 4 * (1 - positive)
    return (hit + miss).sum(dim=(1, 2, 3))


def decode_peak(score: Tensor, boxes: Tensor) -> Tensor:
    """Return the box (B, 4) of the highest cell of (B, 1, H, W), from maps of boxes (B, 4, H, W)."""
    index = score.flatten(1).argmax(dim=1)
    return boxes.flatten(2).gather(2, index[:, None, None].expand(-1, 4, 1))[:, :, 0]


def _mean(values: Tensor, weight: Tensor) -> Tensor:
    return (values * weight).sum() / weight.sum().clamp(min=1.0)
