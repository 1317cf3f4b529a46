# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What the training runs of all families share: the process, its precision, and batches of clips."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import torch
from torch import Tensor, distributed
from torch.utils.data import DataLoader, Subset

from stdtrack_ros.training.data.clips import Clip, collate
from stdtrack_ros.training.data.dataset import ClipDataset, build_dataset, use_one_thread
from stdtrack_ros.training.data.sample_reuse import reuse_samples
from stdtrack_ros.training.settings import TrainSettings

_ENDLESS = 1 << 40


def prepare_process(settings: TrainSettings) -> torch.device:
    """Set threads and, under torchrun, the process group; the device is returned."""
    if settings.threads:
        torch.set_num_threads(settings.threads)
    cuda = settings.device == "cuda" or (settings.device == "auto" and torch.cuda.is_available())
    local = int(os.environ.get("LOCAL_RANK", 0))
    if "WORLD_SIZE" in os.environ and not distributed.is_initialized():
        distributed.init_process_group("nccl" if cuda else "gloo")
    return torch.device("cuda", local) if cuda else torch.device("cpu")


def choose_precision(settings: TrainSettings, device: torch.device) -> torch.dtype:
    """Choose what to compute in: bfloat16 if the hardware has it, unless the settings say otherwise."""
    if settings.precision != "auto":
        return torch.bfloat16 if settings.precision == "bfloat16" else torch.float32
    if device.type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float32
    return torch.bfloat16 if torch.cpu._is_avx512_bf16_supported() else torch.float32


def make_batches(
    settings: TrainSettings, step: int, device: torch.device, canvas_size: int
) -> Iterator[dict[str, Tensor]]:
    """Make batches from `step` on, from a pool on the device if the settings ask for one.

    Args:
        canvas_size: what the canvases of a pool are shrunk to, px.
    """
    if not settings.pool_size:
        return make_fresh_batches(settings, step)
    return reuse_samples(
        make_fresh_batches(settings, step // settings.draws_per_clip),
        settings.pool_size,
        settings.draws_per_clip,
        canvas_size,
        settings.seed + step,
        device,
    )


def make_fresh_batches(settings: TrainSettings, step: int) -> Iterator[dict[str, Tensor]]:
    """Make batches from `step` on: clip i of the run is the same whether or not the run was interrupted."""
    world = distributed.get_world_size() if distributed.is_initialized() else 1
    rank = distributed.get_rank() if distributed.is_initialized() else 0
    dataset: ClipDataset = build_dataset(settings.data, settings.length, settings.seed, _ENDLESS)
    each = max(settings.batch // world, 1)
    first = step * each * world + rank
    loader = DataLoader(
        Subset(dataset, range(first, _ENDLESS, world)),
        each,
        num_workers=settings.workers,
        collate_fn=_to_tensors,
        worker_init_fn=_start_worker,
        prefetch_factor=3 if settings.workers else None,
        persistent_workers=settings.workers > 0,
    )
    return iter(loader)


def _start_worker(worker: int) -> None:
    """Leave the signals that end a run, which go to the whole process group, to the training process."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    use_one_thread(worker)


def _to_tensors(clips: list[Clip]) -> dict[str, Tensor]:
    return {name: torch.from_numpy(value) for name, value in collate(clips).items()}
