# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What figures of speed mean nothing without: the machine and the versions."""

from __future__ import annotations

import os
import platform
from importlib import metadata
from pathlib import Path

PACKAGES = (
    "stdtrack_ros",
    "numpy",
    "opencv-contrib-python",
    "opencv-python",
    "onnxruntime",
    "openvino",
    "onnx",
    "torch",
)


def describe_system() -> dict[str, str]:
    """Return processor, memory, system and versions, as words by name."""
    return {
        "Processor": _processor(),
        "Cores": str(os.cpu_count()),
        "Memory": _memory(),
        "Load at the start": _load(),
        "System": f"{platform.system()} {platform.release()} ({platform.system()})",
        "Python": platform.python_version(),
        **{name: version for name in PACKAGES if (version := _version(name))},
    }


def busy_note(own_threads: int = 0) -> str:
    """Return a sentence if other work keeps the machine busy, so that times are too long; empty if it is idle."""
    cores, load = os.cpu_count() or 1, os.getloadavg()[0]
    if load < cores / 2 + own_threads:
        return ""
    return f"The machine was busy with other work (load {load:.1f} on {cores} cores): times are too long."


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.system()
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith(("model name", "Model"))]
    return names[0] if names else platform.system()


def _memory() -> str:
    try:
        return f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.1f} GiB"
    except (ValueError, OSError):
        return "not known"


def _load() -> str:
    try:
        return f"{os.getloadavg()[0]:.2f}"
    except OSError:
        return "not known"


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return ""
