# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Our STARK checkpoints: those of `stdtrack train` and of `stdtrack import-stark`, with their configuration."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import ValidationError

from stdtrack_ros.errors import ModelError
from stdtrack_ros.network.checkpoint import load_checkpoint, save_checkpoint
from stdtrack_ros.network.stark.config import StarkConfig
from stdtrack_ros.network.stark.model import Stark

KIND = "stark"
"""The value of `kind` in checkpoints and exported models of this network."""


def save(network: Stark, path: Path) -> None:
    """Write a network with its configuration."""
    save_checkpoint(path, {**describe(network.config), "ema": network.state_dict()})


def describe(config: StarkConfig) -> dict[str, Any]:
    """What a checkpoint or an exported model says of its network, in plain values."""
    return {"kind": KIND, "network": config.model_dump(mode="json")}


def load(path: Path) -> Stark:
    """The network of one of our checkpoints, in evaluation mode on the CPU.

    Raises:
        ModelError: the file is missing, damaged, holds code, or is not a STARK checkpoint of ours.
    """
    return make(load_checkpoint(path), str(path))


def make(content: dict[str, Any], source: str) -> Stark:
    """The network that a checkpoint's content describes, with its averaged weights, in evaluation mode."""
    if content.get("kind") != KIND:
        raise ModelError(f"{source} is a checkpoint, but not one of a STARK network.")
    try:
        network = Stark(StarkConfig.model_validate(content["network"]))
        network.load_state_dict(content["ema"])
    except (ValidationError, RuntimeError, KeyError) as error:
        raise ModelError(f"The configuration and the weights in {source} do not fit: {error}") from None
    return network.eval()
