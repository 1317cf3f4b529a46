# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Which of a model's files this processor runs best: 32-bit floats, or one of the 8-bit formats.

A quantized model lies beside the one that it was made from: `NAME.u8s8.onnx` beside `NAME.onnx`.
"""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from stdtrack_ros.errors import ModelError
from stdtrack_ros.settings import ModelSettings

FLOAT = "fp32"
FORMATS = {
    "u8s8": "x86 processors with VNNI",
    "u8s7": "x86 processors with AVX2 alone, whose 16-bit sums would overflow with 8-bit weights",
    "s8s8": "ARM processors with dot products",
}
"""8-bit formats (activations, then weights), and the processors they are for."""


class ModelFile(NamedTuple):
    """The file to run.

    Attributes:
        path: the step graph's file.
        precision: `fp32`, or one of `FORMATS`.
        note: empty, or a sentence that says why it is not what was asked for.
    """

    path: Path
    precision: str
    note: str = ""


def quantized_path(path: Path, precision: str) -> Path:
    """Return where the quantized form of a model lies."""
    return path.with_suffix(f".{precision}.onnx")


def choose_precision(path: Path, settings: ModelSettings, on_cpu: bool) -> ModelFile:
    """Choose between a model and its quantized forms, by `model.precision` and the processor's features.

    Args:
        path: the model as it is named in the settings.
        on_cpu: whether the network runs on the CPU; other devices take the 32-bit model and convert it themselves.

    Raises:
        ModelError: 8 bits are asked for and not available, and `require_provider` allows nothing else.
    """
    named = path.suffixes[-2].removeprefix(".") if len(path.suffixes) > 1 else ""
    if named in FORMATS:
        return ModelFile(path, named)
    if settings.precision == "fp32" or (settings.precision == "auto" and not on_cpu):
        return ModelFile(path, FLOAT)
    wanted = int8_format(processor_features())
    if wanted and on_cpu and quantized_path(path, wanted).is_file():
        return ModelFile(quantized_path(path, wanted), wanted)
    if settings.precision == "auto":
        return ModelFile(path, FLOAT)
    if not on_cpu:
        reason = "8-bit models are for the CPU"
    elif not wanted:
        reason = "this processor gains nothing by it"
    else:
        reason = f"{quantized_path(path, wanted)} is missing; make it with `stdtrack export --int8`"
    note = f"model.precision is int8, but {reason}; the 32-bit model runs instead."
    if settings.require_provider:
        raise ModelError(note.replace("; the 32-bit model runs instead", ""))
    return ModelFile(path, FLOAT, note)


def replace_outdated(file: ModelFile, path: Path, metadata: Mapping[str, Any]) -> ModelFile | None:
    """Return the 32-bit model if the chosen 8-bit one was made from another than it; None if the choice stands.

    Args:
        path: the 32-bit model.
        metadata: of the chosen file.
    """
    if file.path == path or not path.is_file() or metadata.get("source") == file_sha256(path):
        return None
    note = f"{file.path} was not made from {path}, which runs instead; export it again with --int8."
    return ModelFile(path, FLOAT, note)


def file_sha256(path: Path) -> str:
    """Return the hash of a file in hex."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def int8_format(features: frozenset[str]) -> str:
    """Return the 8-bit format that a processor with these features computes fast and exactly; empty if none."""
    if features & {"avx512_vnni", "avx_vnni"}:
        return "u8s8"
    if "avx2" in features:
        return "u8s7"
    return "s8s8" if "asimddp" in features else ""


@cache
def processor_features() -> frozenset[str]:
    """Return the features of this machine's processor under Linux's names; empty if they are not known."""
    if platform.system() == "Darwin" and platform.machine() == "arm64":
        return frozenset({"asimddp"})  # every Apple processor of this kind
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return frozenset()
    found = (line.partition(":")[2].split() for line in lines if line.startswith(("flags", "Features")))
    return frozenset(next(found, []))
