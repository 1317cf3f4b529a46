# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`stdtrack import-stark`: from an official STARK checkpoint to a model file of ours."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from stdtrack_ros.errors import SettingError
from stdtrack_ros.outputs import check_outputs


def import_stark(
    checkpoint: Annotated[Path, typer.Argument(help="Official checkpoint, for example STARKST_ep0050.pth.tar.")],
    out: Annotated[
        Path | None, typer.Argument(help="File to write: .pt for PyTorch, .onnx to export at once. [default: NAME.pt]")
    ] = None,
    variant: Annotated[
        str, typer.Option(help="stark_s50, stark_st50 or stark_st101; auto tells it from the weights.")
    ] = "auto",
) -> None:
    """Read the weights of an official STARK checkpoint (no code in it is run) and write them in our format."""
    check_outputs({"the file to write": out}, [checkpoint])
    from stdtrack_ros.network.families import export_onnx, save_network
    from stdtrack_ros.network.stark.official import import_official

    if out is not None and out.suffix not in (".pt", ".onnx"):
        raise SettingError(f"The file to write ends in .pt or .onnx, found '{out}'.")
    network = import_official(checkpoint, variant)
    name = network.config.name
    out = out or Path(f"{name}.pt")
    if out.suffix == ".onnx":
        export_onnx(network, out)
    else:
        save_network(network, out)
    weights = sum(value.numel() for value in network.state_dict().values())
    Console().print(
        f"{name}: all {len(network.state_dict())} tensors ({weights / 1e6:.1f} M numbers) mapped, written to {out}. "
        f"Run it with tracker: {name}, model.path: {out}.",
        soft_wrap=True,
        markup=False,
        highlight=False,
    )
