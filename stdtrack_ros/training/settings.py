# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Settings of a training run, each once; `stdtrack train` takes them from a YAML file and from `--set name=value`."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from stdtrack_ros.settings import SettingGroup, setting
from stdtrack_ros.training.data.settings import DataSettings


class OptimizerSettings(SettingGroup):
    """AdamW with a linear warm-up and a cosine (or one drop), over steps or over the time budget."""

    learning_rate: float = setting(4e-4, "Peak learning rate.", ge=0)
    backbone_factor: float = setting(0.2, "Factor on it for the pretrained backbone.", ge=0)
    weight_decay: float = setting(1e-4, "Weight decay.", ge=0)
    warmup: float = setting(0.02, "Fraction of the run in which the learning rate rises.", ge=0, le=1)
    floor: float = setting(0.02, "Fraction of the peak learning rate that the cosine ends at.", ge=0, le=1)
    drop_at: float = setting(0.0, "Fraction of the run after which the rate falls to a tenth; 0: a cosine.", ge=0, le=1)
    clip_norm: float = setting(1.0, "Largest norm of the gradient; a larger one is scaled down.", ge=0)
    ema_decay: float = setting(0.999, "Decay per step of the averaged weights, those that are exported.", ge=0, le=1)


class WindowSettings(SettingGroup):
    """Where search windows are cut: around the last box, which is off as a tracker's is."""

    shift: float = setting(1.0, "Largest shift of a window of the usual size, in sizes of the target.", ge=0)
    stretch: float = setting(0.25, "Standard deviation of the logarithm of its scale.", ge=0)


class TrainSettings(SettingGroup):
    """What the training runs of all families have in common."""

    family: str = setting("", "Tracker family of the network.")
    network: str = setting("", "Preset of the network; a run that starts from a checkpoint keeps its own.")
    switches: dict[str, Any] = setting({}, "Fields of the network that differ from the preset.")
    start: str = setting("", "Checkpoint whose weights to start from.")
    length: int = setting(1, "Frames of a clip: 1 pairs, 8 the paper's dense clips.", unit="frames", ge=1, le=64)
    batch: int = setting(32, "Clips of a step, over all processes.", unit="clips", ge=1)
    steps: int = setting(0, "Steps of the run; 0: as many as fit into the time.", ge=0)
    minutes: float = setting(0.0, "Time budget; 0: none.", unit="min", ge=0)
    seed: int = setting(1, "Seed of weights, clips and windows.", ge=0)
    pool_size: int = setting(0, "Clips in the pool that batches are drawn from; 0: each is used once.", ge=0)
    draws_per_clip: int = setting(8, "Mean number of times that a clip of the pool is drawn.", ge=1)
    workers: int = setting(1, "Processes that make clips; 0: in the training process.", ge=0, le=64)
    threads: int = setting(0, "CPU threads of a training process; 0: as PyTorch chooses.", ge=0, le=256)
    device: Literal["auto", "cpu", "cuda"] = setting("auto", "Where to train.")
    precision: Literal["auto", "float32", "bfloat16"] = setting("auto", "auto: bfloat16 where the hardware has it.")
    log_every: int = setting(20, "Steps between two lines of the log.", ge=1)
    save_minutes: float = setting(3.0, "Time between two checkpoints.", unit="min", ge=0)
    validation: tuple[Path, ...] = setting((), "Folders of sequences to evaluate on (OPE) as training goes.")
    validate_minutes: float = setting(20.0, "Time between two evaluations.", unit="min", ge=0.1)
    data: DataSettings = DataSettings()
    optimizer: OptimizerSettings = OptimizerSettings()
