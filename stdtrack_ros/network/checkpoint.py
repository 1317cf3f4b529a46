# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Checkpoints: one file that training goes on from, that can be exported, and that tells how it was made."""

from __future__ import annotations

import io
import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from stdtrack_ros.errors import ModelError
from stdtrack_ros.outputs import beside

FORMAT = "stdtrack-checkpoint-1"
FACTS = ("kind", "network", "step", "samples", "calibration")
"""What is passed on with the weights."""


def save_checkpoint(path: Path, content: dict[str, Any]) -> None:
    """Write a checkpoint whole or not at all: a process that is killed here leaves the old file.

    Raises:
        SettingError: the file cannot be written.
    """
    written = io.BytesIO()  # on a full disk, PyTorch's own error would not tell why
    torch.save({"format": FORMAT, **content}, written)
    with beside(path) as part:
        part.write_bytes(written.getbuffer())


def load_checkpoint(path: Path) -> dict[str, Any]:
    """Read a checkpoint: tensors and plain values only, so that a file from anywhere cannot run code.

    Raises:
        ModelError: the file is missing, damaged, or no checkpoint of ours.
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


def save_weights(content: Mapping[str, Any], path: Path, calibration: Mapping[str, Any] | None = None) -> None:
    """Write what training can start from and what PyTorch can run: averaged weights in half precision, and their facts.

    The run's settings stay behind: they name folders of the machine that it ran on.

    Args:
        content: of a checkpoint.
        calibration: in place of the checkpoint's own.
    """
    facts = {name: content[name] for name in FACTS if name in content}
    if calibration is not None:
        facts["calibration"] = dict(calibration)
    weights = {name: value.half() if value.is_floating_point() else value for name, value in content["ema"].items()}
    save_checkpoint(path, {**facts, "ema": weights})
