# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What `stdtrack benchmark` takes; that it runs, `tools/test_wheel.py` shows."""

from __future__ import annotations

import os
from pathlib import Path

import cv2
import numpy as np
import pytest
from painted_clips import PaintedClip

from stdtrack_ros.cli.benchmark import _counts, _footage, _numbers, benchmark
from stdtrack_ros.errors import SettingError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Write a sequence of six frames whose target is there from the third one on."""
    painted = PaintedClip("red", 6, hidden=range(2))
    for index in range(len(painted)):
        cv2.imwrite(str(tmp_path / f"{index + 1:08d}.png"), painted.frame(index))
    np.savetxt(tmp_path / "groundtruth.txt", painted.boxes, "%g", ",")
    return tmp_path


def test_numbers_of_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    assert _counts("4,1,4") == [4, 1]
    for cores, counts in ((8, [8, 4, 1]), (2, [2, 1]), (1, [1])):
        monkeypatch.setattr(os, "cpu_count", lambda cores=cores: cores)
        assert _counts("") == counts
    for text in ("0", "1,-2", "two", "1.5", ","):
        with pytest.raises(SettingError, match="--threads takes numbers from 1 on"):
            _counts(text)


def test_rates_and_shares() -> None:
    assert _numbers("--core-share", "1,0.5,1", 0.01, 1.0) == [1.0, 0.5]
    for text in ("", "0", "1.5", "half"):
        with pytest.raises(SettingError, match=r"--core-share takes numbers from 0\.01 to 1"):
            _numbers("--core-share", text, 0.01, 1.0)


def test_a_sequence_is_measured_from_its_first_box_on(folder: Path) -> None:
    footage = _footage(folder, "", frames=2, size="")
    painted = PaintedClip("red", 6, hidden=range(2))
    assert footage.box.tolist() == [14, 40, 20, 16]
    assert [np.array_equal(frame, painted.frame(2 + index)) for index, frame in enumerate(footage.frames)] == [True] * 3
    assert footage.source.endswith("128x96 px")
    (folder / "groundtruth.txt").write_text("nan,nan,nan,nan\n" * 5 + "1,2,30,20\n")
    with pytest.raises(SettingError, match="1 frames from its first ground-truth box on"):
        _footage(folder, "", frames=2, size="")


def test_painted_frames_have_the_size_that_is_asked_for() -> None:
    assert _footage(None, "", frames=2, size="96x64").frames[0].shape == (64, 96, 3)
    for size in ("96", "96x", "x64", "63x64", "-96x64", "96x64x3"):
        with pytest.raises(SettingError, match="--size takes WIDTHxHEIGHT"):
            _footage(None, "", frames=2, size=size)


def test_what_cannot_be_measured_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="--clock takes wall or cpu"):
        benchmark(out=tmp_path / "out", clock="sun")
    with pytest.raises(SettingError, match="give a sequence with ground truth"):
        benchmark(out=tmp_path / "out", realtime="30", baselines=False)
    assert not (tmp_path / "out").exists()
