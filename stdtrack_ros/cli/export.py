# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`stdtrack export`: from a checkpoint to the ONNX files that the robot runs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from stdtrack_ros.cli.options import need
from stdtrack_ros.families import tracker_in
from stdtrack_ros.outputs import check_outputs

if TYPE_CHECKING:
    from stdtrack_ros.sequences.sequence import Sequence as Clip


def export(
    checkpoint: Annotated[Path, typer.Argument(help="Checkpoint of `stdtrack train` or `stdtrack import-stark`.")],
    out: Annotated[Path, typer.Option("--out", help="ONNX file to write; its other graphs are written beside it.")],
    calibrate_on: Annotated[
        Path | None,
        typer.Option(
            help="Folder of annotated sequences, used in no training, to calibrate the quality and the ranges of 8-bit "
            "numbers on."
        ),
    ] = None,
    weights: Annotated[
        Path | None, typer.Option(help="Also write the weights alone (.pt, half precision), to start trainings from.")
    ] = None,
    recalibrate: Annotated[
        bool,
        typer.Option(help="Calibrate the quality on those clips, or keep the calibration that the checkpoint brings."),
    ] = True,
    int8: Annotated[bool, typer.Option("--int8", help="Also write the model's 8-bit forms.")] = False,
    int8_format: Annotated[
        list[str] | None, typer.Option(help="u8s8 (x86 with VNNI), u8s7 (other x86) or s8s8 (ARM); default: all.")
    ] = None,
) -> None:
    """Export a trained network to ONNX."""
    check_outputs({"--out": out, "--weights": weights}, [checkpoint, calibrate_on])
    from stdtrack_ros.errors import SettingError
    from stdtrack_ros.network.checkpoint import save_weights
    from stdtrack_ros.network.families import export_onnx, load_network
    from stdtrack_ros.sequences.annotated import open_annotated
    from stdtrack_ros.tracker.backends.precision import FORMATS

    if int8 and calibrate_on is None:
        raise SettingError("--int8 needs clips to take the ranges of its numbers from: add --calibrate-on FOLDER.")
    unknown = sorted(set(int8_format or []) - set(FORMATS))
    if unknown:
        raise SettingError(f"There is no 8-bit format {', '.join(unknown)}; --int8-format takes {', '.join(FORMATS)}.")
    if int8:
        need("onnx", "onnxruntime")
    clips = [] if calibrate_on is None else open_annotated(calibrate_on)
    network, content = load_network(checkpoint)
    if not recalibrate and "calibration" not in content:
        raise SettingError(
            f"--no-recalibrate keeps a checkpoint's calibration, and {checkpoint} has none; leave it out."
        )
    facts = {"calibration": content["calibration"]} if "calibration" in content else {}
    written = export_onnx(network, out, facts)
    if calibrate_on is not None:
        tracker = tracker_in(content)
        if recalibrate:
            facts = _recalibrated(tracker, out, written, clips)
        if int8:
            written += _quantized(tracker, content["kind"], out, clips, int8_format)
    if weights is not None:
        save_weights(content, weights, facts.get("calibration"))
        written.append(weights)
    for path in written:
        Console().print(f"{path}  {path.stat().st_size / 1e6:.1f} MB", markup=False, soft_wrap=True)
    Console().print(
        f"together  {sum(path.stat().st_size for path in written) / 1e6:.1f} MB", markup=False, soft_wrap=True
    )


def _quantized(tracker: str, kind: str, model: Path, clips: Sequence[Clip], formats: list[str] | None) -> list[Path]:
    """Write 8-bit forms; they keep the calibration of the 32-bit model."""
    from stdtrack_ros.families import family_of_kind
    from stdtrack_ros.settings import make_settings
    from stdtrack_ros.tracker import load_model
    from stdtrack_ros.training.quantization import quantize, record_inputs

    settings = {"tracker": tracker, "model.path": str(model), "model.provider": "cpu", "model.precision": "fp32"}
    inputs = record_inputs(load_model, make_settings(settings), clips)
    full_precision = family_of_kind(kind, str(model)).part("network").full_precision
    return quantize(model, inputs, full_precision, formats)


def _recalibrated(tracker: str, model: Path, files: Sequence[Path], clips: Sequence[Clip]) -> dict[str, Any]:
    """Calibrate an exported model and write that into its files; return these facts."""
    from stdtrack_ros.network.onnx_export import replace_facts

    facts: dict[str, Any] = {}
    # Twice: quality decides what the tracker remembers, so it changes what the first fit was made on.
    for _ in range(2):
        facts = {"calibration": _calibrated(tracker, model, clips)}
        for path in files:
            replace_facts(path, facts)
    return facts


def _calibrated(tracker: str, model: Path, clips: Sequence[Clip]) -> dict[str, Any]:
    from stdtrack_ros.settings import make_settings
    from stdtrack_ros.tracker import load_model
    from stdtrack_ros.training.calibration import calibrate

    settings = make_settings(
        {"tracker": tracker, "model.path": str(model), "model.provider": "cpu", "model.precision": "fp32"}
    )
    model_to_fit: Any = load_model(settings)  # of a family whose quality is calibrated
    return calibrate(model_to_fit, settings, clips).facts()
