# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What the processor says that it has consumed (RAPL, through Linux's powercap)."""

from __future__ import annotations

from pathlib import Path

POWERCAP = Path("/sys/class/powercap")


def consumed_j(root: Path = POWERCAP) -> float | None:
    """Return the energy in J that all processor packages have consumed since some time; None if it cannot be read.

    Most systems let root alone read it; virtual machines and ARM boards have none.
    """
    packages = [path for path in sorted(root.glob("intel-rapl:*")) if path.name.count(":") == 1]
    try:
        return sum(int((path / "energy_uj").read_text()) for path in packages) * 1e-6 if packages else None
    except (OSError, ValueError):
        return None
