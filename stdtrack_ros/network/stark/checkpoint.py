# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Our STARK checkpoints: a state dict and a configuration in plain values, read without running any code."""

from __future__ import annotations

import pickle
import re
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import torch
from pydantic import ValidationError

from stdtrack_ros.errors import ModelError
from stdtrack_ros.network.stark.config import StarkConfig
from stdtrack_ros.network.stark.model import Stark

FORMAT = "stdtrack-checkpoint-1"
"""The value of `format` in every checkpoint of this package (`training.checkpoint.FORMAT`)."""
KIND = "stark"
"""The value of `kind` in those of this network."""


def save(network: Stark, path: Path) -> None:
    """Write a network with its configuration."""
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.save({"format": FORMAT, **describe(network.config), "ema": network.state_dict()}, path)


def describe(config: StarkConfig) -> dict[str, Any]:
    """What a checkpoint or an exported model says of its network, in plain values."""
    return {"kind": KIND, "network": config.model_dump(mode="json")}


def load(path: Path) -> Stark:
    """The network of one of our checkpoints, in evaluation mode on the CPU.

    Raises:
        ModelError: the file is missing, damaged, holds code, or is not a STARK checkpoint of ours.
    """
    return make(read_weights(path), str(path))


def make(content: dict[str, Any], source: str) -> Stark:
    """The network that a checkpoint's content describes, with its weights, in evaluation mode."""
    if content.get("kind") != KIND or not {"network", "ema"} <= content.keys():
        raise ModelError(
            f"{source} is not a STARK checkpoint of ours (found the keys {_listed(content)}); "
            "bring an official one in with 'stdtrack import-stark'."
        )
    try:
        network = Stark(StarkConfig.model_validate(content["network"]))
        network.load_state_dict(content["ema"])
    except (ValidationError, RuntimeError, AttributeError, TypeError) as error:
        raise ModelError(f"The configuration and the weights in {source} do not fit: {error}") from None
    return network.eval()


def read_weights(path: Path, safe: AbstractContextManager[None] | None = None) -> dict[str, Any]:
    """The dictionary in a checkpoint: tensors and plain values alone; nothing in the file is ever run.

    Args:
        path: any file that `torch.save` wrote.
        safe: a context of `torch.serialization.safe_globals` with classes that may stand in the file as well.

    Raises:
        ModelError: the file is missing or damaged, or names code.
    """
    if not path.is_file():
        raise ModelError(f"There is no model file {path}; give the path of a checkpoint.")
    try:
        with safe or nullcontext():
            content = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise ModelError(_refusal(path, str(error))) from None
    except (RuntimeError, EOFError, OSError, ValueError, KeyError, IndexError, AttributeError, TypeError) as error:
        raise ModelError(f"{path} is damaged or no checkpoint at all: {error}") from None
    if not isinstance(content, dict):
        raise ModelError(f"{path} holds a {type(content).__name__}, not the dictionary of a checkpoint.")
    return content


def _refusal(path: Path, reason: str) -> str:
    named = re.search(r"GLOBAL ([\w.]+)", reason)
    if named:
        return (
            f"{path} holds more than weights: it names the Python object {named[1]}, which could run code when loaded. "
            "Only tensors and plain values are read; get the checkpoint from its authors."
        )
    return f"{path} cannot be read as weights alone, so it is not read at all ({reason.splitlines()[0]})."


def _listed(content: dict[Any, Any]) -> str:
    return ", ".join(repr(key) for key in list(content)[:8]) or "none"
