#!/usr/bin/env python3
# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Averages the weights of two checkpoints of one network, such as those before and after a training.

    python tools/average_checkpoints.py model/stdtrack_lite.pt runs/next/last.pt averaged.pt --fraction 0.5

What a training on other data gains is kept, and what it forgets comes back, as long as the one network started from the
other (Wortsman et al., Robust fine-tuning of zero-shot models, CVPR 2022). The result is not calibrated: export it with
`stdtrack export --calibrate-on`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from stdtrack_ros.network.checkpoint import load_checkpoint, save_weights


def main(
    first: Path,
    second: Path,
    out: Path,
    fraction: Annotated[float, typer.Option(min=0, max=1, help="Weight of the second.")] = 0.5,
) -> None:
    """Write the weights between those of both."""
    before, after = load_checkpoint(first), load_checkpoint(second)
    if before["network"] != after["network"]:
        raise typer.BadParameter(f"{first} and {second} are of different networks.")
    averaged = {
        name: before["ema"][name].float().lerp(value.float(), fraction) if value.is_floating_point() else value
        for name, value in after["ema"].items()
    }
    facts = {name: value for name, value in after.items() if name != "calibration"}
    save_weights({**facts, "ema": averaged}, out)


if __name__ == "__main__":
    typer.run(main)
