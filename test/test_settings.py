# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Settings: one table for everyone, refusals that say what is allowed, files in both layouts."""

from __future__ import annotations

from pathlib import Path

import pytest

from stdtrack_ros.errors import SettingError
from stdtrack_ros.settings import TrackerSettings, allowed, describe, flatten, load_settings, make_settings

INFOS = {info.name: info for info in describe(TrackerSettings)}


def test_every_setting_has_a_sentence_and_a_default_that_is_allowed() -> None:
    assert len(INFOS) > 20
    for info in INFOS.values():
        assert info.description.endswith("."), info.name
        assert type(info.default) is info.kind, info.name
        if info.kind in (int, float):
            assert info.minimum is not None and info.maximum is not None, f"{info.name} has no range"
            assert info.minimum <= info.default <= info.maximum


def test_settings_survive_flattening() -> None:
    settings = make_settings({"memory.capacity": 4, "tracker": "stark_st50", "status.lost_after": 1})
    assert (settings.memory.capacity, settings.tracker, settings.status.lost_after) == (4, "stark_st50", 1.0)
    assert make_settings(flatten(settings)) == settings
    assert set(flatten(settings)) == set(INFOS)


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("memory.capacity", 99, "memory.capacity cannot be 99; allowed is an integer from 0 to 16"),
        ("memory.capacity", 2.5, "allowed is an integer from 0 to 16"),
        ("memory.policy", "best", "allowed is one of quality, fifo"),
        ("search.window_influence", "much", "allowed is a number from 0 to 1"),
        ("search.window_influence", float("nan"), "allowed is a number from 0 to 1"),
        ("status.enabled", "perhaps", "allowed is true or false"),
        ("memory.size", 3, "no setting named 'memory.size'"),
        ("tracker", "siamrpn", "allowed is one of stdtrack, stark_s50, stark_st50, stark_st101"),
        ("colour", 3, "no setting named 'colour'"),
    ],
)
def test_what_is_not_allowed_is_refused_with_what_is(name: str, value: object, sentence: str) -> None:
    with pytest.raises(SettingError, match=sentence):
        make_settings({name: value})


def test_allowed_names_units() -> None:
    assert allowed(INFOS["status.lost_after"]) == "a number from 0 to 60 (s)"


@pytest.mark.parametrize(
    "text",
    [
        "memory: {capacity: 3}\nsearch:\n  window_influence: 0.25\n",
        "/**:\n  ros__parameters:\n    memory: {capacity: 3}\n    search: {window_influence: 0.25}\n    ring_s: 1\n",
    ],
)
def test_plain_files_and_ros_parameter_files_are_read(text: str, tmp_path: Path) -> None:
    path = tmp_path / "settings.yaml"
    path.write_text(text)
    settings = load_settings(path)
    assert (settings.memory.capacity, settings.search.window_influence) == (3, 0.25)


@pytest.mark.parametrize("text", ["- 1\n- 2\n", "a: [", "memory: {capacity: many}\n"])
def test_files_that_hold_no_settings_are_named(text: str, tmp_path: Path) -> None:
    path = tmp_path / "settings.yaml"
    path.write_text(text)
    with pytest.raises(SettingError):
        load_settings(path)
    with pytest.raises(SettingError, match="cannot be read"):
        load_settings(tmp_path / "none.yaml")
