# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`stdtrack export`: from a checkpoint to the ONNX files that the robot runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from stdtrack_ros.families import tracker_in
from stdtrack_ros.outputs import check_outputs


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
    check_outputs({"--out": out, "--weights": weights}, [checkpoint, calibrate_on])
    from stdtrack_ros.network.checkpoint import save_weights
    from stdtrack_ros.network.families import export_onnx, load_network

    network, content = load_network(checkpoint)
    facts = {"calibration": content["calibration"]} if "calibration" in content else {}
    written = export_onnx(network, out, facts)
    if calibrate_on is not None:
        tracker = tracker_in(content)
        # Twice: quality decides what the tracker remembers, so it changes what the first fit was made on.
        for _ in range(2):
            facts = {"calibration": _calibrated(tracker, out, calibrate_on)}
            written = export_onnx(network, out, facts)
    if weights is not None:
        save_weights(content, weights, facts.get("calibration"))
    for path in written if weights is None else (*written, weights):
        Console().print(f"{path}  {path.stat().st_size / 1e6:.1f} MB", markup=False, soft_wrap=True)


def _calibrated(tracker: str, model: Path, folder: Path) -> dict[str, Any]:
    from stdtrack_ros.sequences.annotated import open_annotated
    from stdtrack_ros.settings import make_settings
    from stdtrack_ros.tracker import load_model
    from stdtrack_ros.training.calibration import calibrate

    settings = make_settings({"tracker": tracker, "model.path": str(model), "model.provider": "cpu"})
    model_to_fit: Any = load_model(settings)  # of a family whose quality is calibrated
    return calibrate(model_to_fit, settings, open_annotated(folder)).facts()
