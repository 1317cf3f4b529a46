# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Checkpoints: what is passed on, and what is not."""

from __future__ import annotations

from pathlib import Path

import torch

from stdtrack_ros.network.checkpoint import load_checkpoint, save_checkpoint, save_weights
from stdtrack_ros.shipped_files import shipped_file


def test_weights_that_are_passed_on_name_no_folder_of_the_machine(tmp_path: Path) -> None:
    run = {
        "network": {"dim": 32},
        "settings": {"data": {"videos": ["/home/somebody/videos"]}},
        "step": 5,
        "optimizer": {},
        "weights": {"a": torch.zeros(2)},
        "ema": {"a": torch.tensor([0.5, 2.0]), "count": torch.tensor(3)},
    }
    save_checkpoint(tmp_path / "last.pt", run)
    save_weights(tmp_path / "last.pt", tmp_path / "weights.pt")
    content = load_checkpoint(tmp_path / "weights.pt")
    assert set(content) == {"format", "network", "step", "ema"}
    assert content["ema"]["a"].dtype == torch.float16
    assert content["ema"]["a"].tolist() == [0.5, 2.0]
    assert int(content["ema"]["count"]) == 3
    assert b"somebody" not in (tmp_path / "weights.pt").read_bytes()


def test_the_shipped_weights_name_no_folder_either() -> None:
    assert "settings" not in load_checkpoint(shipped_file("model", "stdtrack_lite.pt"))
