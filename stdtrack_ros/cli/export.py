# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`stdtrack export`: from a checkpoint to the ONNX files that the robot runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console


def export(
    checkpoint: Annotated[Path, typer.Argument(help="Checkpoint of `stdtrack train` or `stdtrack import-stark`.")],
    out: Annotated[Path, typer.Option("--out", help="ONNX file to write; the template's graph is written beside it.")],
    calibrate_on: Annotated[
        Path | None,
        typer.Option(help="Folder of annotated sequences, used in no training, to calibrate the quality on."),
    ] = None,
    weights: Annotated[
        Path | None, typer.Option(help="Also write the weights alone (.pt, half precision), to start trainings from.")
    ] = None,
) -> None:
    """Export a trained network to ONNX."""
    from stdtrack_ros.network.checkpoint import load_checkpoint, save_weights
    from stdtrack_ros.network.stark import checkpoint as stark
    from stdtrack_ros.network.stark.graphs import export_onnx as export_stark

    if load_checkpoint(checkpoint).get("kind") == stark.KIND:
        written = export_stark(stark.load(checkpoint), out)
    else:
        written = _export_stdtrack(checkpoint, out, calibrate_on)
    if weights is not None:
        save_weights(checkpoint, weights)
        written = (*written, weights)
    for path in written:
        Console().print(f"{path}  {path.stat().st_size / 1e6:.1f} MB", markup=False)


def _export_stdtrack(checkpoint: Path, out: Path, calibrate_on: Path | None) -> tuple[Path, Path]:
    from stdtrack_ros.network.checkpoint import load_network
    from stdtrack_ros.network.stdtrack.graphs import export_onnx
    from stdtrack_ros.sequences.annotated import open_annotated
    from stdtrack_ros.settings import MemorySettings, ModelSettings, TemplateSettings
    from stdtrack_ros.tracker.backends.onnx import OnnxBackend
    from stdtrack_ros.tracker.models.stdtrack import StdtrackModel
    from stdtrack_ros.training.calibration import calibrate

    network = load_network(checkpoint)
    facts: dict[str, Any] = {}
    written = export_onnx(network, out, facts)
    if calibrate_on is not None:
        # Twice: quality decides which looks go into the template, so it changes what the first fit was made on.
        for _ in range(2):
            model = StdtrackModel(OnnxBackend(out, ModelSettings(provider="cpu")), MemorySettings(), TemplateSettings())
            facts["calibration"] = calibrate(model, open_annotated(calibrate_on)).facts()
            written = export_onnx(network, out, facts)
    return written
