# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Files of others with weights in them: read as tensors and plain values, so that nothing in them is ever run."""

from __future__ import annotations

import pickle
import re
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import torch

from stdtrack_ros.errors import ModelError


def read_weights(path: Path, safe: AbstractContextManager[None] | None = None) -> dict[str, Any]:
    """Read the dictionary in a checkpoint: tensors and plain values only; nothing in the file is ever run.

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
