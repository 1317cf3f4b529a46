# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`stdtrack export`: calibration becomes a fact of every file that is written, and of what is made from them."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnx
import pytest
from painted_clips import PaintedClip
from reddest import install, installed

from stdtrack_ros.errors import ModelError, SettingError
from stdtrack_ros.families import METADATA_KEY
from stdtrack_ros.settings import make_settings
from stdtrack_ros.tracker import load_model

torch = pytest.importorskip("torch")

from reddest.network import Reddest, ReddestConfig  # noqa: E402

from stdtrack_ros.cli.export import export  # noqa: E402
from stdtrack_ros.network.checkpoint import load_checkpoint, save_weights  # noqa: E402
from stdtrack_ros.network.families import save_network  # noqa: E402


@pytest.fixture
def checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Write a checkpoint of a family that follows what is red."""
    with installed(install(tmp_path / "site"), monkeypatch):
        save_network(Reddest(ReddestConfig()), tmp_path / "reddest.pt")
        yield tmp_path / "reddest.pt"


@pytest.fixture
def clips(tmp_path: Path) -> Path:
    """Paint a red target that is absent in the last frames: there every box is wrong."""
    painted = PaintedClip("red", 12, hidden=range(8, 12))
    folder = tmp_path / "data" / "red"
    folder.mkdir(parents=True)
    for index in range(len(painted)):
        cv2.imwrite(str(folder / f"{index + 1:08d}.png"), painted.frame(index))
    np.savetxt(folder / "groundtruth.txt", painted.boxes, "%g", ",")
    return folder.parent


def model(path: Path) -> object:
    return load_model(make_settings({"tracker": "reddest", "model.path": str(path), "model.threads": 1}))


def facts_of(path: Path) -> dict[str, Any]:
    (text,) = [entry.value for entry in onnx.load(str(path)).metadata_props if entry.key == METADATA_KEY]
    return json.loads(text)


def test_a_calibration_is_carried_by_onnx_and_weights_and_by_what_is_exported_from_these(
    checkpoint: Path, clips: Path, tmp_path: Path
) -> None:
    first, weights, second = (tmp_path / name for name in ("one.onnx", "weights.pt", "two.onnx"))
    export(checkpoint, first, calibrate_on=clips, weights=weights)
    calibration = load_checkpoint(weights)["calibration"]
    assert (calibration["sequences"], calibration["frames"]) == (1, 11)
    export(weights, second)
    fitted = [model(path) for path in (first, weights, second)]
    for each in fitted:
        assert (each.calibration.slope, each.calibration.intercept) == pytest.approx(
            (calibration["slope"], calibration["intercept"])
        )
        assert each.info.note == ""
    assert fitted[0].calibration.quality(4.0) > 0.5 > fitted[0].calibration.quality(-4.0)


def test_a_model_without_calibration_is_told_of_where_it_runs(checkpoint: Path, clips: Path, tmp_path: Path) -> None:
    export(checkpoint, tmp_path / "plain.onnx")
    assert "calibration" not in model(tmp_path / "plain.onnx").backend.metadata
    where = ["--set", "tracker=reddest", "--model", str(tmp_path / "plain.onnx")]
    command = [sys.executable, "-m", "stdtrack_ros.cli.main", "track", str(clips / "red"), *where]
    done = subprocess.run([*command, "--init", "10,40,20,16"], capture_output=True, text=True, timeout=600, check=True)
    assert "not calibrated" in " ".join(done.stdout.split())


def test_a_calibration_can_be_kept_while_8_bit_ranges_are_taken(checkpoint: Path, clips: Path, tmp_path: Path) -> None:
    with pytest.raises(SettingError, match=r"reddest\.pt has none"):
        export(checkpoint, tmp_path / "net.onnx", calibrate_on=clips, recalibrate=False)
    content = load_checkpoint(checkpoint)
    save_weights(content, tmp_path / "kept.pt", {"slope": 7.0, "intercept": -3.0, "sequences": 1, "frames": 2})
    export(tmp_path / "kept.pt", tmp_path / "net.onnx", calibrate_on=clips, recalibrate=False, int8=True)
    for path in (tmp_path / "net.onnx", tmp_path / "net.u8s8.onnx"):
        assert facts_of(path)["calibration"]["slope"] == 7.0


def test_8_bit_forms_are_written_beside_the_model_and_carry_its_calibration(
    checkpoint: Path, clips: Path, tmp_path: Path
) -> None:
    export(checkpoint, tmp_path / "net.onnx", calibrate_on=clips, int8=True, int8_format=["u8s8"])
    written = sorted(path.name for path in tmp_path.glob("*.onnx"))
    assert written == ["net.onnx", "net.start.onnx", "net.u8s8.onnx", "net.u8s8.start.onnx"]
    facts = [facts_of(tmp_path / name) for name in written]
    assert [one.get("precision") for one in facts] == [None, None, "u8s8", "u8s8"]
    assert facts[2]["calibration"] == facts[0]["calibration"]


def test_what_cannot_be_exported_is_said(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="add --calibrate-on FOLDER"):
        export(tmp_path / "net.pt", tmp_path / "net.onnx", int8=True)
    with pytest.raises(SettingError, match="There is no 8-bit format u7s7; --int8-format takes"):
        export(tmp_path / "net.pt", tmp_path / "net.onnx", int8_format=["u7s7"])
    with pytest.raises(ModelError, match="There is no checkpoint"):
        export(tmp_path / "none.pt", tmp_path / "net.onnx")
