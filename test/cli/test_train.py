# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The settings of a training run: from a file and from overrides, in the group of their tracker family."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("torch")

from stdtrack_ros.cli.train import read_settings
from stdtrack_ros.errors import ModelError, SettingError

CONFIG = Path(__file__).resolve().parents[2] / "config" / "training"
FILES = sorted(CONFIG.glob("*.yaml"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_file_holds_settings_of_its_family(path: Path) -> None:
    settings = read_settings(path, [])
    assert settings.family == ("stark" if path.stem.startswith("stark") else "stdtrack")


def test_an_override_wins_over_the_file_and_minutes_over_both() -> None:
    settings = read_settings(CONFIG / "clips.yaml", ["batch=3", "optimizer.learning_rate=0.5", "minutes=7"], 2.0)
    assert (settings.batch, settings.optimizer.learning_rate, settings.minutes) == (3, 0.5, 2.0)
    assert settings.length == read_settings(CONFIG / "clips.yaml", []).length


def test_what_no_family_knows_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="The setting family names the kind 'mdnet'"):
        read_settings(None, ["family=mdnet"])
    with pytest.raises(SettingError, match="no setting named 'stage'"):
        read_settings(None, ["stage=2"])  # STARK's
    with pytest.raises(SettingError, match="cannot be read"):
        read_settings(tmp_path / "none.yaml", [])
    (tmp_path / "list.yaml").write_text("- 1\n")
    with pytest.raises(SettingError, match="holds no table"):
        read_settings(tmp_path / "list.yaml", [])
