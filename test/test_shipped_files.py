# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Shipped files are found in a checkout and in an installed workspace."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from stdtrack_ros import shipped_files
from stdtrack_ros.errors import ModelError, SettingError
from stdtrack_ros.shipped_files import shipped_file
from stdtrack_ros.tracker.models.shipped import shipped_model


def test_a_checkout_has_its_own_files() -> None:
    assert shipped_file("config", "fastdds.xml") == Path(__file__).resolve().parents[1] / "config" / "fastdds.xml"


def test_an_installed_package_finds_them_in_its_prefix(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    model = tmp_path / "install" / "share" / "stdtrack_ros" / "model" / "stdtrack_lite.onnx"
    model.parent.mkdir(parents=True)
    model.write_bytes(b"")
    monkeypatch.setenv("AMENT_PREFIX_PATH", f"/elsewhere{os.pathsep}{tmp_path / 'install'}")
    installed = tmp_path / "lib" / "python3" / "site-packages" / "stdtrack_ros" / "shipped_files.py"
    monkeypatch.setattr(shipped_files, "__file__", str(installed))
    assert shipped_model("stdtrack") == model


def test_what_is_nowhere_is_said_with_the_places(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AMENT_PREFIX_PATH", "/elsewhere")
    with pytest.raises(SettingError, match="/elsewhere/share/stdtrack_ros"):
        shipped_file("config", "nothing.yaml")


def test_a_tracker_without_a_shipped_model_is_said() -> None:
    with pytest.raises(ModelError, match="import-stark"):
        shipped_model("stark_st50")
