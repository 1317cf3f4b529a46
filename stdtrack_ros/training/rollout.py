# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""One clip through the network as the tracker would run it: token carried on, memory filled, own boxes followed."""

from __future__ import annotations

from collections import defaultdict
from typing import Literal

import torch
from torch import Tensor

from stdtrack_ros.network.boxes import iou
from stdtrack_ros.network.stdtrack.losses import FrameTarget, LossWeights, decode_peak, frame_loss
from stdtrack_ros.network.stdtrack.model import STDTrack, TemplateState
from stdtrack_ros.settings import setting
from stdtrack_ros.training.data.windows import Windows, cut, jitter
from stdtrack_ros.training.distillation import FeatureDistillation
from stdtrack_ros.training.settings import WindowSettings


class RolloutSettings(WindowSettings):
    """How the windows of a clip's frames are placed, and how template and memory are kept."""

    closed_loop: float = setting(0.4, "Fraction of clips whose windows follow the network's own boxes.", ge=0, le=1)
    detach: bool = setting(False, "Cut the gradient between the frames of a clip.")
    policy: Literal["quality", "fifo"] = setting("quality", "STM replacement.")
    blend: float = setting(
        0.5,
        "Largest weight of a later look in a clip's template, each clip drawing its own; 0: never renewed.",
        ge=0,
        le=1,
    )


RECOVERY_IOU = 0.1
"""A closed-loop window whose box has lost the target goes back to the truth, or the clip's rest would teach nothing."""
BLEND_RATE = 0.5
"""Share of the frames after which a template is renewed: some windows then meet a fresh look, some an old one."""
BLEND_IOU = 0.5
"""A later look goes into the template where the box was at least this good; the tracker asks for its quality."""


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
    template = current = network.start(template_crop)
    share = torch.rand(batch, generator=generator).to(template_crop.device) * settings.blend
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
        output = network.step(current, search, token, memory.tokens, memory.valid)
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
        if settings.blend and frame + 1 < frames:
            due = torch.rand(batch, generator=generator).to(share.device) < BLEND_RATE
            good = target.present & (iou(windows.fractions(found), windows.fractions(truth)) >= BLEND_IOU)
            with torch.no_grad():
                look = Windows.around(found, config.template_factor)
                pixels = cut(clips["canvases"][:, frame], clips["windows"][:, frame], look, config.template_size)
                later = network.start(pixels)
            current = _blend(template, later, current, share * (due & good))
        token = output.enhanced.detach() if settings.detach else output.enhanced
        stored = output.token.detach() if settings.detach else output.token
        memory = memory.store(stored, output.quality, torch.ones_like(present), settings.policy)
    parts["loss"] = float(total.detach())
    return total, dict(parts)


def _blend(first: TemplateState, later: TemplateState, current: TemplateState, share: Tensor) -> TemplateState:
    """The first template with a share (B,) of a later look in it; the current one where the share is 0."""

    def blended(one: Tensor, other: Tensor, now: Tensor) -> Tensor:
        weight = share.view(-1, *[1] * (one.dim() - 1)).to(one.dtype)
        return torch.where(weight > 0, torch.lerp(one, other.to(one.dtype), weight), now)

    return TemplateState(*map(blended, first, later, current))


def _target(windows: Windows, truth: Tensor, present: Tensor, valid: Tensor) -> FrameTarget:
    box = windows.fractions(truth)
    inside = ((box[:, :2] > 0) & (box[:, :2] < 1)).all(dim=1)
    return FrameTarget(box, present & inside, valid)


def _recover(found: Tensor, windows: Windows, truth: Tensor, target: FrameTarget, jittered: Tensor) -> Tensor:
    overlap = iou(windows.fractions(found), windows.fractions(truth))
    lost = (overlap < RECOVERY_IOU) | ~target.present
    return torch.where(lost[:, None], jittered, found)
