# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Training of STARK in its two stages (sections 3.2 and 4.1): first where the target is, then whether it is there."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any, Literal, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from stdtrack_ros.errors import ModelError, SettingError
from stdtrack_ros.network.checkpoint import load_checkpoint
from stdtrack_ros.network.families import build_network, describe
from stdtrack_ros.network.stark.backbone import calibrate, load_imagenet
from stdtrack_ros.network.stark.config import STRIDE, VARIANTS, StarkConfig
from stdtrack_ros.network.stark.foreign import read_weights
from stdtrack_ros.network.stark.losses import box_loss, presence_loss
from stdtrack_ros.network.stark.model import Stark, normalize
from stdtrack_ros.settings import setting
from stdtrack_ros.training.data.windows import Windows, cut, jitter
from stdtrack_ros.training.family import TrainingFamily
from stdtrack_ros.training.loop import Budget, Trainer
from stdtrack_ros.training.settings import OptimizerSettings, TrainSettings, WindowSettings
from stdtrack_ros.training.setup import choose_precision, make_batches, make_fresh_batches, prepare_process

CLIPS_PER_DIMENSION = 8
"""Clips whose statistics whiten the inputs of a score head, for each of its dimensions."""
LEAST_VARIANCE = 1e-6
"""Added to each variance, in units of the largest: directions of less are noise."""


class StarkTrainSettings(TrainSettings):
    """One stage of a STARK run. The defaults are those of section 4.1; [C] marks what only the released code tells."""

    family: str = setting("stark", "Tracker family of the network.")
    network: str = setting("stark_st50", "Variant; a run that starts from a checkpoint keeps its own.")
    switches: dict[str, Any] = setting({}, "Fields of the network that differ from the variant (ablations, sizes).")
    stage: Literal[1, 2] = setting(1, "1: all but the score head, on boxes; 2: the score head alone, on presence.")
    imagenet: str = setting("", "Weights of torchvision's ResNet (.pth); empty: none, norms are fitted to some clips.")
    frozen_stages: int = setting(1, "Stages of the backbone that stay as they are, with the stem [C].", ge=0, le=3)
    l1_weight: float = setting(5.0, "Weight of L1 in the loss of stage 1.", ge=0)
    giou_weight: float = setting(2.0, "Weight of GIoU in the loss of stage 1.", ge=0)
    negative_prob: float = setting(0.5, "Probability of a search window without the target, in stage 2.", ge=0, le=1)
    whiten_score: bool = setting(False, "Whiten the inputs of a score head that is new, before stage 2 begins.")
    length: int = setting(2, "Frames of a clip: the dynamic template's and the search window's.", ge=1, le=2)
    batch: int = setting(128, "Triplets of a step, over all processes.", unit="clips", ge=1)
    steps: int = setting(234_375, "Steps of the run; 500 epochs of 60,000 triplets at 128 a step.", ge=0)
    precision: Literal["auto", "float32", "bfloat16"] = setting("float32", "What to compute in.")
    optimizer: OptimizerSettings = OptimizerSettings(
        learning_rate=1e-4,
        backbone_factor=0.1,
        weight_decay=1e-4,
        warmup=0.0,
        drop_at=0.8,
        clip_norm=0.1,
        ema_decay=0.0,
    )
    windows: WindowSettings = WindowSettings(shift=2.25, stretch=0.5)


class Triplet(NamedTuple):
    """Inputs and ground truth of a batch.

    Attributes:
        templates: (B, T, 3, m, m) normalised RGB; templates_outside: (B, T, m / 16, m / 16) bool.
        search: (B, 3, n, n); search_outside: (B, n / 16, n / 16) bool.
        box: (B, 4) centre x, centre y, width, height in units of the search window's side.
        present: (B,) bool, the target lies in the window.
    """

    templates: Tensor
    templates_outside: Tensor
    search: Tensor
    search_outside: Tensor
    box: Tensor
    present: Tensor


def train(settings: StarkTrainSettings, folder: Path) -> Trainer:
    """Train one stage; a folder that holds `last.pt` is gone on with.

    Raises:
        SettingError: a stage that the network or the settings do not allow.
        ModelError: a checkpoint or ImageNet weights that cannot be used.
    """
    device = prepare_process(settings)
    torch.manual_seed(settings.seed)
    last = folder / "last.pt"
    resumed = load_checkpoint(last) if last.exists() else None
    network = make_network(settings, resumed).to(device)
    if settings.stage == 2 and settings.whiten_score and not network.config.whitened_score:
        network = whiten_score(network, settings)
    network = network.to(memory_format=torch.channels_last)
    choose_trained(network, settings)
    description = {**describe(network), "settings": settings.model_dump(mode="json")}
    trainer = Trainer(network, None, settings.optimizer, folder, description, settings.seed, "backbone.")
    if resumed is not None:
        trainer.resume(resumed)
    trainer.run(
        make_batches(settings, trainer.step, device, _canvas_size(settings, network.config)),
        make_objective(settings),
        Budget(settings.steps, settings.minutes, trainer.spent_s),
        choose_precision(settings, device),
        settings.log_every,
        settings.save_minutes,
    )
    return trainer


def make_network(settings: StarkTrainSettings, resumed: dict[str, Any] | None) -> Stark:
    """Make the network to train: resumed, from the checkpoint `start`, or new."""
    if resumed is not None:
        return _built(resumed, "last.pt")
    if settings.start:
        return _built(load_checkpoint(Path(settings.start)), settings.start)
    if settings.network not in VARIANTS:
        raise SettingError(f"There is no STARK variant '{settings.network}'; allowed is one of {', '.join(VARIANTS)}.")
    config = VARIANTS[settings.network].model_dump() | settings.switches
    network = Stark(StarkConfig.model_validate(config))
    if settings.imagenet:
        load_imagenet(network.backbone, read_weights(Path(settings.imagenet)))
    else:
        batch = next(make_fresh_batches(settings.model_copy(update={"batch": 8, "workers": 0}), 0))
        calibrate(network.backbone, cut_triplet(network.config, batch, settings.windows, torch.Generator()).search)
    return network


def _built(content: dict[str, Any], source: str) -> Stark:
    network = build_network(content, source)
    if not isinstance(network, Stark):
        raise ModelError(f"{source} is a checkpoint, but not one of a STARK network.")
    return network


@torch.no_grad()
def whiten_score(network: Stark, settings: StarkTrainSettings) -> Stark:
    """Put a fixed map before the score head, after which the head's inputs have mean 0 and covariance 1.

    The decoder's output is much the same for all windows, and what tells them apart lies in directions of little
    variance: in a small network some hundredths of the largest, which itself is a fraction of the mean. A new head that
    reads it as it is learns next to nothing. The statistics are those of CLIPS_PER_DIMENSION clips a dimension.
    """
    device = network.query.device
    whitened = Stark(network.config.model_copy(update={"whitened_score": True})).to(device)
    whitened.load_state_dict(network.state_dict(), strict=False)
    choose_trained(whitened, settings)
    seen: list[Tensor] = []
    hook = whitened.score_input.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    objective, generator = make_objective(settings), torch.Generator().manual_seed(settings.seed)
    batches = make_fresh_batches(settings.model_copy(update={"workers": 0}), 0)
    for batch in islice(batches, math.ceil(CLIPS_PER_DIMENSION * network.config.dimension / settings.batch)):
        objective(whitened, {name: value.to(device) for name, value in batch.items()}, generator)
    hook.remove()
    inputs = torch.cat(seen)
    variance, axes = torch.linalg.eigh(torch.cov(inputs.T))
    scale = (variance.clamp(min=0) + LEAST_VARIANCE * variance.max()).rsqrt()
    weight = axes * scale @ axes.T
    assert isinstance(whitened.score_input, nn.Linear)
    whitened.score_input.weight.copy_(weight)
    whitened.score_input.bias.copy_(-weight @ inputs.mean(dim=0))
    return whitened


def _canvas_size(settings: StarkTrainSettings, config: StarkConfig) -> int:
    """Side at which canvases show as many pixels as the search window, px."""
    return math.ceil(settings.data.canvas_factor * config.search_size / config.search_factor)


def choose_trained(network: Stark, settings: StarkTrainSettings) -> None:
    """Freeze what a stage leaves alone, and put it into evaluation mode."""
    head = network.score_head
    if settings.stage == 2 and head is None:
        raise SettingError("Stage 2 trains the score head, and this network has none; stage 1 is all that it needs.")
    network.train(settings.stage == 1)
    network.requires_grad_(settings.stage == 1)
    network.score_input.requires_grad_(False)
    if head is not None:
        head.train(settings.stage == 2).requires_grad_(settings.stage == 2)
    backbone = network.backbone
    stages: list[nn.Module] = [backbone.conv1, backbone.layer1, backbone.layer2, backbone.layer3]
    for stage in stages[: settings.frozen_stages + 1 if settings.frozen_stages else 0]:
        stage.requires_grad_(False)


def make_objective(
    settings: StarkTrainSettings,
) -> Callable[[nn.Module, dict[str, Tensor], torch.Generator], tuple[Tensor, dict[str, float]]]:
    """Return the function from a batch of clips to its loss in this stage, for `Trainer.run`."""

    def objective(network: nn.Module, clips: dict[str, Tensor], generator: torch.Generator) -> Any:
        assert isinstance(network, Stark)
        negative_prob = settings.negative_prob if settings.stage == 2 else 0.0
        triplet = cut_triplet(network.config, clips, settings.windows, generator, negative_prob)
        corners, logits, _ = network(
            triplet.templates, triplet.search, triplet.templates_outside, triplet.search_outside
        )
        if settings.stage == 1:
            return box_loss(corners, triplet.box, triplet.present, settings.l1_weight, settings.giou_weight)
        return presence_loss(logits, triplet.present)

    return objective


def cut_triplet(
    config: StarkConfig,
    clips: dict[str, Tensor],
    windows: WindowSettings,
    generator: torch.Generator,
    negative_prob: float = 0.0,
) -> Triplet:
    """Cut templates and search windows from a batch of clips, named and shaped as the fields of `Clip`.

    The initial template is the clip's own, the dynamic one lies on the ground truth in the clip's first frame, the
    search window is on the jittered ground truth in its last. With probability `negative_prob` the search window is
    that of the next clip, with another target in it.
    """
    last = clips["boxes"].shape[1] - 1
    canvases, places, boxes = (clips[name][:, last] for name in ("canvases", "windows", "boxes"))
    present = clips["present"][:, last] & clips["valid"][:, last]
    swapped = (torch.rand(len(boxes), generator=generator) < negative_prob).to(boxes.device)
    order = torch.arange(len(boxes), device=boxes.device)
    order = torch.where(swapped, order.roll(-1), order)
    canvases, places, boxes = canvases[order], places[order], boxes[order]
    around = Windows.around(jitter(boxes, windows.shift, windows.stretch, generator), config.search_factor)
    search, search_outside = _crop(canvases, places, around, config.search_size)
    box = around.fractions(boxes)
    inside = ((box[:, :2] > 0) & (box[:, :2] < 1)).all(dim=1)
    templates, templates_outside = _templates(config, clips)
    return Triplet(templates, templates_outside, search, search_outside, box, present & inside & ~swapped)


def _templates(config: StarkConfig, clips: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
    size, cells = config.template_size, config.template_cells
    initial = clips["template"].permute(0, 3, 1, 2).float()
    initial = normalize(functional.interpolate(initial, size=size, mode="area") if size < 128 else initial)
    nowhere = torch.zeros(len(initial), cells, cells, dtype=torch.bool, device=initial.device)
    if config.templates == 1:
        return initial[:, None], nowhere[:, None]
    around = Windows.around(clips["boxes"][:, 0], config.template_factor)
    dynamic, outside = _crop(clips["canvases"][:, 0], clips["windows"][:, 0], around, size)
    return torch.stack([initial, dynamic], dim=1), torch.stack([nowhere, outside], dim=1)


def _crop(canvases: Tensor, places: Tensor, windows: Windows, size: int) -> tuple[Tensor, Tensor]:
    """Cut windows of canvases, normalised, black where a canvas ends; and its (B, size / 16, size / 16) mask."""
    pixels = cut(canvases, places, windows, size)
    steps = (torch.arange(size, device=pixels.device) + 0.5) / size - 0.5
    offset = windows.center[:, :, None] + steps * windows.side[:, None, None] - places[:, :2, None]
    beyond = offset.abs() > places[:, 2, None, None] / 2  # (B, 2, size): of columns, of rows
    outside = beyond[:, 0, None, :] | beyond[:, 1, :, None]
    return normalize(pixels.masked_fill(outside[:, None], 0.0)), outside[:, ::STRIDE, ::STRIDE]


TRAINING = TrainingFamily(StarkTrainSettings, train)
