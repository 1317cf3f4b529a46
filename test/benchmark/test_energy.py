# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Energy counters as Linux shows them, written by hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from stdtrack_ros.benchmark.energy import consumed_j


def test_energy_is_that_of_all_packages(tmp_path: Path) -> None:
    assert consumed_j(tmp_path) is None
    for name, micro in (("intel-rapl:0", 5_000_000), ("intel-rapl:1", 2_500_000), ("intel-rapl:0:0", 99)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "energy_uj").write_text(f"{micro}\n")
    assert consumed_j(tmp_path) == pytest.approx(7.5)
    (tmp_path / "intel-rapl:1" / "energy_uj").unlink()
    assert consumed_j(tmp_path) is None
