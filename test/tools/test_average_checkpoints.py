# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Weights between those of two checkpoints, by hand."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import typer

torch = pytest.importorskip("torch")
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))

import average_checkpoints  # noqa: E402

from stdtrack_ros.network.checkpoint import load_checkpoint, save_weights  # noqa: E402


def write(path: Path, value: float, width: int = 8) -> Path:
    weights = {"layer.weight": torch.full((2, 2), value), "layer.count": torch.tensor(int(value))}
    content = {"kind": "stdtrack", "network": {"dim": width}, "ema": weights, "calibration": {"slope": 2.0}}
    save_weights(content, path)
    return path


def test_each_weight_lies_between_both_and_the_calibration_of_neither_is_kept(tmp_path: Path) -> None:
    first, second = write(tmp_path / "first.pt", 1.0), write(tmp_path / "second.pt", 3.0)
    average_checkpoints.main(first, second, tmp_path / "out.pt", 0.25)
    found = load_checkpoint(tmp_path / "out.pt")
    assert found["ema"]["layer.weight"].tolist() == [[1.5, 1.5], [1.5, 1.5]]
    assert int(found["ema"]["layer.count"]) == 3
    assert found["network"] == {"dim": 8}
    assert "calibration" not in found


def test_two_networks_have_no_average(tmp_path: Path) -> None:
    first, second = write(tmp_path / "first.pt", 1.0), write(tmp_path / "second.pt", 3.0, width=16)
    with pytest.raises(typer.BadParameter, match="different networks"):
        average_checkpoints.main(first, second, tmp_path / "out.pt", 0.5)
