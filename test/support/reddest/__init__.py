# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A tiny tracker family as another package would bring it: it follows the reddest spot. One folder, one row."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from stdtrack_ros import families, settings
from stdtrack_ros.families import Family
from stdtrack_ros.settings import SettingGroup, setting

FAMILY = Family(
    kind="reddest",
    trackers=("reddest",),
    model="reddest.model:ReddestModel",
    network="reddest.network:NETWORK",
    settings="reddest:ReddestSettings",
)


class ReddestSettings(SettingGroup):
    """Settings that only this family reads."""

    size_factor: float = setting(1.0, "Size of the box in sizes of the first one.", ge=0.1, le=10.0, read_only=True)


def install(folder: Path, rows: str = "reddest = reddest:FAMILY\n") -> Path:
    """Write what pip leaves of an installed package: here only its list of entry points; the folder is returned."""
    info = folder / "reddest-0.3.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: reddest\nVersion: 0.3\n")
    (info / "entry_points.txt").write_text(f"[{families.ENTRY_POINT_GROUP}]\n{rows}")
    return folder


@contextmanager
def installed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let this process, and those that it starts, find the package that `install` wrote."""
    support = Path(__file__).parents[1]
    monkeypatch.setenv("PYTHONPATH", f"{folder}:{support}")
    monkeypatch.syspath_prepend(folder)
    _forget()
    try:
        yield
    finally:
        monkeypatch.undo()
        _forget()


def _forget() -> None:
    families.plugged_in.cache_clear()
    settings._with_plugged_in.cache_clear()
