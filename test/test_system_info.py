# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What is said of the machine, and when its times are not to be trusted."""

from __future__ import annotations

import os

import pytest

from stdtrack_ros.system_info import busy_note, describe_system


def test_the_description_is_words_by_name() -> None:
    described = describe_system()
    assert {"Processor", "Cores", "Memory", "System", "Python"} <= set(described)
    assert all(isinstance(value, str) and value for value in described.values())
    assert described["Cores"] == str(os.cpu_count())


@pytest.mark.parametrize(("load", "own", "busy"), [(1.9, 0, False), (2.0, 0, True), (5.9, 4, False), (6.0, 4, True)])
def test_other_work_counts_from_half_of_the_cores_on(
    load: float, own: int, busy: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 4)
    monkeypatch.setattr(os, "getloadavg", lambda: (load, 0.0, 0.0))
    note = busy_note(own)
    assert bool(note) is busy
    assert not busy or f"load {load:.1f} on 4 cores" in note
