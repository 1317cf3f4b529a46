# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The check of a GPU machine on one without: what is there is measured, what is not is a sentence."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))

import gpu_check  # noqa: E402


def test_ways_are_measured_or_said_to_be_missing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import onnxruntime

    if torch.cuda.is_available() or "CUDAExecutionProvider" in onnxruntime.get_available_providers():
        pytest.skip("this machine has what is to be missing")
    out = tmp_path / "new" / "check.json"
    ways = ["onnx:cpu", "onnx:cuda", "onnx:tensorrt", "torch:cpu", "torch:cuda"]
    gpu_check.main(["--ways", *ways, "--frames", "8", "--runs", "3", "--out", str(out)])
    found = json.loads(out.read_text())
    same, other = found["ways"]["onnx:cpu"], found["ways"]["torch:cpu"]
    assert (same["provider"], other["provider"]) == ("CPUExecutionProvider", "cpu")
    assert max(same["difference"].values()) == 0 and same["clip_4_px"] == 0
    assert 0 < other["difference"]["score"] < 1e-2, "PyTorch rounds in another order, and no more"
    assert [size for size, _ in same["new_batch_ms"]] == [1, 2, 3, 4, 5, 1]
    for way in ("onnx:cuda", "onnx:tensorrt", "torch:cuda"):
        assert "was asked for" in found["ways"][way]["sentence"]
    printed = capsys.readouterr().out
    assert all(way in printed for way in ways)


def test_the_clip_shows_what_the_tracker_can_follow() -> None:
    images, boxes = gpu_check.painted_clip(31)
    moved = [image for image in images if (image != images[0]).any()]
    assert len(boxes) == 4 and len(moved) == 30
    for x, y, width, height in boxes:
        patch = images[0][int(y) : int(y + height), int(x) : int(x + width)]
        assert patch.shape == (56, 56, 3) and patch.std() > 20


def test_a_way_that_fails_or_hangs_is_a_sentence(tmp_path: Path) -> None:
    missing = ["--way", "onnx:cpu", "--model", str(tmp_path / "no.onnx"), "--checkpoint", "no.pt"]
    row = gpu_check.run_apart([*missing, "--recording", "no.npz"], tmp_path, 60.0)
    assert "There is no model file" in row["sentence"]
    assert "did not end within" in gpu_check.run_apart(missing, tmp_path, 0.01)["sentence"]
