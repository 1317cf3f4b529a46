# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""One clip through the network as the tracker would run it: token carried on, memory filled, own boxes followed."""

from __future__ import annotations

from collections import defaultdict
from typing import NamedTuple

import torch
from torch import Tensor

from stdtrack_ros.network.losses import FrameTarget, LossWeights, decode_peak, frame_loss, iou
from stdtrack_ros.network.stdtrack import STDTrack
from stdtrack_ros.training.distillation import FeatureDistillation
from stdtrack_ros.training.windows import Windows, cut, jitter


class RolloutSettings(NamedTuple):
    """How windows are placed and how the memory is kept.

    Attributes:
        shift, stretch: open-loop jitter, see `windows.jitter`.
        closed_loop: share of clips whose windows follow the network's own boxes from frame 2 on.
        detach: cut the gradient between frames.
        policy: STM replacement, `quality` or `fifo`.
    """

    shift: float = 1.5
    stretch: float = 0.25
    closed_loop: float = 0.4
    detach: bool = False
    policy: str = "quality"


RECOVERY_IOU = 0.1
"""A closed-loop window whose box has lost the target goes back to the truth, or the clip's rest would teach nothing."""


def rollout(
    network: STDTrack,
    clips: dict[str, Tensor],
    settings: RolloutSettings,
    weights: LossWeights,
    generator: torch.Generator,
    distillation: FeatureDistillation | None = None,
) -> tuple[Tensor, dict[str, float]]:
    """Mean loss over the frames of a batch of clips, and the mean of its parts.

    Args:
        network: an STDTrack, or its DistributedDataParallel wrapper's module.
        clips: tensors named and shaped as the fields of `Clip`, with a first axis of B clips.
    """
    config = network.config
    batch, frames = clips["boxes"].shape[:2]
    template_crop = clips["template"].permute(0, 3, 1, 2).float()
    template = network.start(template_crop)
    token, memory = network.initial_token(batch), network.initial_memory(batch)
    closed = torch.rand(batch, generator=generator).to(token.device) < settings.closed_loop
    last = clips["previous_boxes"][:, 0]
    total = torch.zeros((), device=token.device)
    parts: dict[str, float] = defaultdict(float)
    for frame in range(frames):
        truth, present, valid = (clips[name][:, frame] for name in ("boxes", "present", "valid"))
        jittered = jitter(clips["previous_boxes"][:, frame], settings.shift, settings.stretch, generator)
        start = torch.where(closed[:, None] & (frame > 0), last, jittered)
        windows = Windows.around(start, config.search_factor)
        search = cut(clips["canvases"][:, frame], clips["windows"][:, frame], windows, config.search_size)
        output = network.step(template, search, token, memory.tokens, memory.valid)
        target = _target(windows, truth, present, valid)
        loss, frame_parts = frame_loss(output, target, weights)
        if distillation is not None:
            distilled = distillation.loss(search, output.cells, template_crop if frame == 0 else None, template.cells)
            loss, frame_parts["distill"] = loss + distillation.weight * distilled, distilled.detach()
        total = total + loss / frames
        for name, value in frame_parts.items():
            parts[name] += float(value) / frames
        found = windows.to_image(decode_peak(output.maps.score, output.maps.boxes().float()).detach())
        last = _recover(found, windows, truth, target, jittered)
        token = output.enhanced.detach() if settings.detach else output.enhanced
        stored = output.token.detach() if settings.detach else output.token
        memory = memory.store(stored, output.quality, torch.ones_like(present), settings.policy)
    parts["loss"] = float(total.detach())
    return total, dict(parts)


def _target(windows: Windows, truth: Tensor, present: Tensor, valid: Tensor) -> FrameTarget:
    box = windows.fractions(truth)
    inside = ((box[:, :2] > 0) & (box[:, :2] < 1)).all(dim=1)
    return FrameTarget(box, present & inside, valid)


def _recover(found: Tensor, windows: Windows, truth: Tensor, target: FrameTarget, jittered: Tensor) -> Tensor:
    overlap = iou(windows.fractions(found), windows.fractions(truth))
    lost = (overlap < RECOVERY_IOU) | ~target.present
    return torch.where(lost[:, None], jittered, found)
