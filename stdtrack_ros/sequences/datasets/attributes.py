# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Attribute tags of benchmark sequences (fast motion, occlusion, ...), as the benchmarks' own files give them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from stdtrack_ros.errors import SequenceError
from stdtrack_ros.sequences.datasets.ground_truth import read_numbers

_UAV123 = ("SV", "ARC", "LR", "FM", "FOC", "POC", "OV", "BC", "IV", "VC", "CM", "SOB")

VECTORS: Mapping[str, tuple[str, ...]] = {
    "otb": ("IV", "OPR", "SV", "OCC", "DEF", "MB", "FM", "IPR", "OV", "BC", "LR"),
    "dtb70": ("SV", "ARV", "OCC", "DEF", "FCM", "IPR", "OPR", "OV", "BC", "SOA", "MB"),
    "lasot": ("CM", "ROT", "DEF", "FOC", "IV", "OV", "POC", "VC", "SV", "BC", "MB", "ARC", "LR", "FM"),
    "uav123": _UAV123,
    "uav123_10fps": _UAV123,
    "uav20l": _UAV123,
}
"""Order of the 0/1 numbers in a sequence's file of the benchmark's toolkit (`att/<sequence>.txt`)."""

_VECTOR_FOLDERS = ("att", "anno/att", "annos/att")


def attribute_file(root: Path, name: str) -> Path | None:
    """Return the toolkit's attribute file of a sequence under the benchmark's folder, if there is one."""
    candidates = (root / folder / f"{text}.txt" for folder in _VECTOR_FOLDERS for text in (name, name.lower()))
    return next((path for path in candidates if path.is_file()), None)


def read_vector(path: Path, layout: str) -> frozenset[str]:
    """Return the tags of a file of zeros and ones.

    Raises:
        SequenceError: another number of values than the benchmark has attributes.
    """
    values = np.concatenate([*read_numbers(path), np.empty(0)])
    names = VECTORS[layout]
    if len(values) != len(names):
        raise SequenceError(
            f"The attribute file {path} has {len(values)} values; {layout} has {len(names)} attributes."
        )
    return frozenset(name for name, value in zip(names, values, strict=True) if value > 0)


def read_marks(path: Path) -> NDArray[np.bool_]:
    """Read (N,) bool: the frames that a per-frame label file (`absence.label`, `occlusion.tag`, ...) marks."""
    return np.concatenate([*read_numbers(path), np.empty(0)]) > 0


def read_names(path: Path) -> frozenset[str]:
    """Read tags written out in a text file, separated by commas or lines."""
    text = path.read_text(encoding="utf-8-sig", errors="replace")
    return frozenset(tag.strip() for tag in text.replace("\n", ",").split(",") if tag.strip())


def read_pairs(path: Path) -> dict[str, str]:
    """Return the `key: value` or `key=value` lines of a text file (GOT-10k's `meta_info.ini`, VOT's `sequence`)."""
    lines = path.read_text(encoding="utf-8-sig", errors="replace").splitlines()
    pairs = (re.split("[:=]", line, maxsplit=1) for line in lines if re.search("[:=]", line))
    return {key.strip(): value.strip() for key, value in pairs}
