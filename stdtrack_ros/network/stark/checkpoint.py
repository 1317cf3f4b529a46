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

KIND = "stark"
"""The value of `kind` in our checkpoints of this network."""


def save(network: Stark, path: Path, name: str) -> None:
    """Write a network with its configuration and the name of its variant."""
    content = {
        "kind": KIND,
        "name": name,
        "config": network.config.model_dump(mode="json"),
        "state": network.state_dict(),
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.save(content, path)


def load(path: Path) -> tuple[Stark, str]:
    """The network of one of our checkpoints, in evaluation mode on the CPU, and its name.

    Raises:
        ModelError: the file is missing, damaged, holds code, or is not a STARK checkpoint of ours.
    """
    content = read_weights(path)
    if content.get("kind") != KIND or not {"name", "config", "state"} <= content.keys():
        raise ModelError(
            f"{path} is not a STARK checkpoint of ours (found the keys {_listed(content)}); "
            "bring an official one in with 'stdtrack import-stark'."
        )
    try:
        network = Stark(StarkConfig.model_validate(content["config"]))
        network.load_state_dict(content["state"])
    except (ValidationError, RuntimeError) as error:
        raise ModelError(f"The configuration and the weights in {path} do not fit: {error}") from None
    return network.eval(), str(content["name"])


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
