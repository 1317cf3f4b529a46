# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Checkpoints: what is passed on, and what is not."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from painted_data import PaintedSequence, moving
from small_disk import small_files

from stdtrack_ros.errors import SettingError
from stdtrack_ros.geometry import iou
from stdtrack_ros.network.checkpoint import load_checkpoint, save_checkpoint, save_weights
from stdtrack_ros.settings import ModelSettings, make_settings
from stdtrack_ros.shipped_files import shipped_file
from stdtrack_ros.tracker import create_tracker
from stdtrack_ros.tracker.backends.onnx import OnnxBackend
from stdtrack_ros.tracker.models.shipped import shipped_model


def test_weights_that_are_passed_on_name_no_folder_of_the_machine(tmp_path: Path) -> None:
    run = {
        "kind": "stdtrack",
        "network": {"dim": 32},
        "settings": {"data": {"videos": ["/home/somebody/videos"]}},
        "step": 5,
        "calibration": {"slope": 2.0, "intercept": 0.5},
        "optimizer": {},
        "weights": {"a": torch.zeros(2)},
        "ema": {"a": torch.tensor([0.5, 2.0]), "count": torch.tensor(3)},
    }
    save_weights(run, tmp_path / "weights.pt")
    content = load_checkpoint(tmp_path / "weights.pt")
    assert set(content) == {"format", "kind", "network", "step", "calibration", "ema"}
    assert content["calibration"] == {"slope": 2.0, "intercept": 0.5}
    assert content["ema"]["a"].dtype == torch.float16
    assert content["ema"]["a"].tolist() == [0.5, 2.0]
    assert int(content["ema"]["count"]) == 3
    assert b"somebody" not in (tmp_path / "weights.pt").read_bytes()
    save_weights(run, tmp_path / "weights.pt", {"slope": 3.0, "intercept": 0.0})
    assert load_checkpoint(tmp_path / "weights.pt")["calibration"] == {"slope": 3.0, "intercept": 0.0}


def test_the_shipped_weights_are_those_of_the_shipped_model_and_name_no_folder() -> None:
    content = load_checkpoint(shipped_file("model", "stdtrack_lite.pt"))
    exported = OnnxBackend(shipped_model("stdtrack"), ModelSettings(threads=1, provider="cpu")).metadata
    assert "settings" not in content
    facts = {name: content[name] for name in ("kind", "network", "calibration")}
    assert facts == {name: exported[name] for name in facts}  # an 8-bit form also names its source


def test_a_full_disk_leaves_the_old_checkpoint(tmp_path: Path) -> None:
    path = tmp_path / "last.pt"
    save_checkpoint(path, {"step": 1})
    with (
        small_files(20_000),
        pytest.raises(SettingError, match=r"last\.pt cannot be written: File too large"),
    ):
        save_checkpoint(path, {"step": 2, "weights": torch.zeros(10_000)})
    assert load_checkpoint(path)["step"] == 1
    assert [one.name for one in tmp_path.iterdir()] == ["last.pt"]


def test_the_weights_from_free_data_hold_a_painted_target_and_are_calibrated() -> None:
    path = shipped_file("model", "stdtrack_open.pt")
    content = load_checkpoint(path)
    assert "settings" not in content
    assert set(content["calibration"]) == {"slope", "intercept", "sequences", "frames"}
    sequence = PaintedSequence("one", moving(20))
    tracker = create_tracker(make_settings({"model.path": str(path), "model.threads": 1, "model.provider": "cpu"}))
    tracker.initialize(sequence.frame(0), sequence.boxes[0], 0.0)
    overlaps = [
        float(iou(tracker.track(sequence.frame(i), float(sequence.stamps_s[i])).box, sequence.boxes[i]))
        for i in range(1, len(sequence))
    ]
    assert min(overlaps) > 0.5
