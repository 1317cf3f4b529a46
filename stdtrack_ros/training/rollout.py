# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""One clip through the network as the tracker runs it: token carried on, memory filled, own boxes followed."""

from __future__ import annotations

from collections import defaultdict
from typing import Literal

import torch
from torch import Tensor

from stdtrack_ros.network.boxes import iou
from stdtrack_ros.network.stdtrack.embedding import unit
from stdtrack_ros.network.stdtrack.losses import (
    FrameTarget,
    LossWeights,
    box_cells,
    decode_peak,
    frame_loss,
    identity_loss,
)
from stdtrack_ros.network.stdtrack.model import STDTrack, TemplateState
from stdtrack_ros.settings import setting
from stdtrack_ros.training.data.windows import Windows, cut, jitter
from stdtrack_ros.training.distillation import FeatureDistillation
from stdtrack_ros.training.settings import WindowSettings


class RolloutSettings(WindowSettings):
    """How the windows of a clip's frames are placed, and how template and memory fare."""

    large_window_prob: float = setting(0.25, "Fraction of the windows that are large.", ge=0, le=1)
    ambiguous_prob: float = setting(
        0.7, "Fraction of the open-loop windows that may lie anywhere between target and companion.", ge=0, le=1
    )
    closed_loop_prob: float = setting(
        0.4, "Fraction of clips whose windows follow the network's own boxes.", ge=0, le=1
    )
    detach: bool = setting(False, "Cut the gradient between the frames of a clip.")
    policy: Literal["quality", "fifo"] = setting("quality", "STM replacement.")
    store_prob: float = setting(0.8, "Fraction of the frames with a good box that go into the STM.", ge=0, le=1)
    blind_store_prob: float = setting(0.1, "Fraction of the frames that go there however bad the box is.", ge=0, le=1)
    corruption_prob: float = setting(0.1, "Fraction of the stored frames that are another clip's.", ge=0, le=1)
    template_failure_prob: float = setting(0.25, "Fraction of clips whose template fails after a while.", ge=0, le=1)
    initial_dropout: float = setting(
        0.5, "Fraction of the frames in which MFIFM and recall do without the template's appearance.", ge=0, le=1
    )
    later_weight: float = setting(1.5, "Weight of the loss from the third frame on.", ge=0)


RECOVERY_IOU = 0.1
"""A closed-loop window whose box has lost the target goes back to the ground truth; the rest would teach nothing."""
STORE_IOU = 0.5
"""A frame is stored if its box was at least this good; the tracker asks for its quality."""
FAILED_FRACTIONS = (0.5, 1.0)
"""A template that fails is mixed with those of other clips, whose weight lies between these."""


def rollout(
    network: STDTrack,
    clips: dict[str, Tensor],
    settings: RolloutSettings,
    weights: LossWeights,
    generator: torch.Generator,
    distillation: FeatureDistillation | None = None,
) -> tuple[Tensor, dict[str, float]]:
    """Compute the mean loss over the frames of a batch of clips, and the means of its parts (NaN: no frame has it).

    Args:
        network: an STDTrack, or its DistributedDataParallel wrapper's module.
        clips: tensors named and shaped as the fields of `Clip`, with a first axis of B clips.
    """
    config = network.config
    batch, frames = clips["boxes"].shape[:2]
    template_crop = clips["template"].permute(0, 3, 1, 2).float()
    draw = _Draws(generator, batch, template_crop.device)
    template = network.start(template_crop)
    failed, fails_from = _failed(template, draw), draw.integers(1, max(frames, 2))
    fails = draw.happens(settings.template_failure_prob)
    token, memory = network.initial_token(batch), network.initial_memory(batch)
    capacity = torch.where(draw.happens(0.5), draw.integers(1, config.capacity + 1), config.capacity)
    closed = draw.happens(settings.closed_loop_prob)
    last = clips["previous_boxes"][:, 0]
    total = torch.zeros((), device=token.device)
    parts: dict[str, list[Tensor]] = defaultdict(list)
    appearances = [(template.appearance, torch.ones_like(closed))]
    beside: list[tuple[Tensor, Tensor]] = []
    for frame in range(frames):
        ground_truth, present, valid = (clips[name][:, frame] for name in ("boxes", "present", "valid"))
        large = draw.happens(settings.large_window_prob)
        factor = torch.where(large, config.large_search_factor, config.search_factor)
        reach = (settings.shift * factor / config.search_factor)[:, None]
        companion = clips["companions"][:, frame]
        fraction = draw.uniform() * draw.happens(settings.ambiguous_prob)
        start = _towards(clips["previous_boxes"][:, frame], ground_truth, companion, fraction)
        jittered = jitter(start, reach, settings.stretch, generator)
        windows = Windows.around(torch.where(closed[:, None] & (frame > 0), last, jittered), factor)
        search = cut(clips["canvases"][:, frame], clips["windows"][:, frame], windows, config.search_size)
        seen = _either(fails & (frame >= fails_from), failed, template)
        initial = 1.0 - draw.happens(settings.initial_dropout).float()
        output = network.step(seen, search, token, network.encode_memory(seen, memory, initial))
        target = _target(windows, ground_truth, present, valid, companion)
        loss, frame_parts = frame_loss(output, target, weights)
        if distillation is not None:
            distilled = distillation.loss(search, output.cells, template_crop if frame == 0 else None, template.cells)
            loss, frame_parts["distill"] = loss + distillation.weight * distilled, distilled.detach()
        weight = settings.later_weight if frame > 1 else 1.0
        total = total + weight * loss / frames
        for name, value in frame_parts.items():
            parts[name].append(value)
        found = windows.to_image(decode_peak(output.maps.score, output.maps.boxes().float()).detach())
        last = _recover(found, windows, ground_truth, target, jittered)
        good = target.present & (iou(windows.fractions(found), target.box) >= STORE_IOU)
        appearances.append((output.appearance, good & valid))
        beside.append(_beside(output.cells.float(), target.companion, config.search_cells))
        if frame + 1 < frames:
            token = output.enhanced.detach() if settings.detach else output.enhanced
            keep = (good | draw.happens(settings.blind_store_prob)) & draw.happens(settings.store_prob)
            stored, look = output.token, output.look
            if settings.detach:
                stored, look = stored.detach(), look.detach()
            corrupted = draw.happens(settings.corruption_prob)
            stored, look = _corrupted(stored, corrupted), _corrupted(look, corrupted)
            memory = memory.store(stored, look, output.quality, keep, settings.policy, capacity)
            memory = memory.compared(seen.look, output.look, good)
    if weights.identity:
        identity = identity_loss(*_over_time(appearances), *_over_time(beside))
        total = total + weights.identity * identity
        parts["identity"].append(identity.detach())
    # Read at the end, all at once: a GPU would stop at each of them.
    values = torch.stack([*(torch.stack(all_).nanmean() for all_ in parts.values()), total.detach()]).tolist()
    return total, dict(zip([*parts, "loss"], values, strict=True))


def _towards(boxes: Tensor, ground_truth: Tensor, companion: Tensor, fraction: Tensor) -> Tensor:
    """Move boxes (B, 4) by a fraction (B,) of the way from the target to its companion, if there is one."""
    way = companion[:, :2] + companion[:, 2:] / 2 - ground_truth[:, :2] - ground_truth[:, 2:] / 2
    moved = boxes[:, :2] + fraction[:, None] * way.nan_to_num(0.0)
    return torch.cat((moved, boxes[:, 2:]), dim=1)


class _Draws:
    """Random numbers per clip, drawn on the CPU: the same on every device."""

    def __init__(self, generator: torch.Generator, batch: int, device: torch.device) -> None:
        self.generator, self.batch, self.device = generator, batch, device

    def uniform(self) -> Tensor:
        return torch.rand(self.batch, generator=self.generator).to(self.device)

    def happens(self, probability: float) -> Tensor:
        return self.uniform() < probability

    def integers(self, low: int, high: int) -> Tensor:
        return torch.randint(low, high, (self.batch,), generator=self.generator).to(self.device)


def _failed(template: TemplateState, draw: _Draws) -> TemplateState:
    """Mix templates with the mean of other clips'."""
    low, high = FAILED_FRACTIONS
    fraction = low + (high - low) * draw.uniform()

    def vague(part: Tensor) -> Tensor:
        others = torch.stack([part.roll(step, 0) for step in range(1, min(len(part), 5))] or [part]).mean(0)
        return torch.lerp(part, others, fraction.view(-1, *[1] * (part.dim() - 1)).to(part.dtype))

    return TemplateState(vague(template.tokens), *(unit(vague(part)) for part in template[1:]))


def _either(choice: Tensor, first: TemplateState, second: TemplateState) -> TemplateState:
    """Return the first state for the clips in `choice` (B,), the second for the others."""
    return TemplateState(
        *(torch.where(choice.view(-1, *[1] * (a.dim() - 1)), a, b) for a, b in zip(first, second, strict=True))
    )


def _corrupted(stored: Tensor, choice: Tensor) -> Tensor:
    """Replace what the clips in `choice` (B,) store, (B, ...), by another clip's."""
    return torch.where(choice.view(-1, *[1] * (stored.dim() - 1)), stored.roll(1, 0), stored)


def _beside(cells: Tensor, companion: Tensor, side: int) -> tuple[Tensor, Tensor]:
    """Return the appearance (B, d) of what is beside the targets, of bare cells (B, N, d), and (B,) if it is shown."""
    covered = box_cells(companion.nan_to_num(-9.0), side)
    return unit((covered[:, None] @ cells)[:, 0]), covered.any(dim=1)


def _over_time(frames: list[tuple[Tensor, Tensor]]) -> tuple[Tensor, Tensor]:
    """Stack pairs of tensors (B, ...), one for each frame, along a second axis."""
    vectors, counts = zip(*frames, strict=True)
    return torch.stack(vectors, dim=1), torch.stack(counts, dim=1)


def _target(windows: Windows, ground_truth: Tensor, present: Tensor, valid: Tensor, companion: Tensor) -> FrameTarget:
    box = windows.fractions(ground_truth)
    inside = ((box[:, :2] > 0) & (box[:, :2] < 1)).all(dim=1)
    return FrameTarget(box, present & inside, valid, windows.fractions(companion))


def _recover(found: Tensor, windows: Windows, ground_truth: Tensor, target: FrameTarget, jittered: Tensor) -> Tensor:
    overlap = iou(windows.fractions(found), windows.fractions(ground_truth))
    lost = (overlap < RECOVERY_IOU) | ~target.present
    return torch.where(lost[:, None], jittered, found)
