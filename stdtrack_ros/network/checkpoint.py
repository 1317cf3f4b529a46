# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Checkpoints: one file that a run goes on from, that can be exported, and that says how it was made."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import torch

from stdtrack_ros.errors import ModelError
from stdtrack_ros.network.stdtrack.config import NetworkConfig
from stdtrack_ros.network.stdtrack.model import STDTrack

FORMAT = "stdtrack-checkpoint-1"


def save_checkpoint(path: Path, content: dict[str, Any]) -> None:
    """Write a checkpoint whole or not at all: a run that is killed here leaves the old file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(path.suffix + ".part")
    torch.save({"format": FORMAT, **content}, part)
    part.replace(path)


def load_checkpoint(path: Path) -> dict[str, Any]:
    """Read a checkpoint; tensors and plain values only, so that a file from anywhere cannot run code.

    Raises:
        ModelError: missing, damaged, or of another kind.
    """
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise ModelError(f"There is no checkpoint {path}.") from None
    except (pickle.UnpicklingError, RuntimeError, EOFError, OSError, ValueError, KeyError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ModelError(f"{path} is not a readable checkpoint: {reason}") from None
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise ModelError(f"{path} is a PyTorch file, but not a checkpoint of `stdtrack train`.")
    return content


def save_weights(checkpoint: Path, path: Path) -> None:
    """Write what a training can start from: the averaged weights of a checkpoint in half precision, and its facts.

    The run's settings stay behind: they name folders of the machine that it ran on.
    """
    content = load_checkpoint(checkpoint)
    facts = {name: content[name] for name in ("kind", "network", "step", "samples") if name in content}
    weights = {name: value.half() if value.is_floating_point() else value for name, value in content["ema"].items()}
    save_checkpoint(path, {**facts, "ema": weights})


def load_network(path: Path) -> STDTrack:
    """The network of a checkpoint with its averaged (EMA) weights, in evaluation mode."""
    content = load_checkpoint(path)
    network = STDTrack(NetworkConfig.model_validate(content["network"]))
    try:
        network.load_state_dict(content["ema"])
    except RuntimeError as error:
        raise ModelError(f"The weights in {path} do not fit the network that it names: {error}") from None
    return network.eval()
