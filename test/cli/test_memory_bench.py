# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`stdtrack memory-bench` writes figures, page and pictures."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer
from painted_targets import write_targets
from typer.testing import CliRunner

from stdtrack_ros.cli.memory_bench import memory_bench
from stdtrack_ros.errors import SettingError
from stdtrack_ros.evaluation.memory_bench import bench


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_targets(tmp_path_factory.mktemp("targets"))


def test_the_verb_writes_figures_page_and_pictures(folder: Path, tmp_path: Path) -> None:
    app = typer.Typer()
    app.command()(memory_bench)
    arguments = [str(folder), "--quick", "--clips", "2", "--kind", "two targets", "--kind", "fast", "--pictures", "1"]
    result = CliRunner().invoke(app, [*arguments, "--out", str(tmp_path)], catch_exceptions=False)
    assert result.exit_code == 0
    found = json.loads((tmp_path / "memory_bench.json").read_text())
    kinds = {(row["kind"], row["variant"]) for row in found["rows"]}
    assert ("two targets", "vague template, most alike") in kinds
    assert ("fast", "") in kinds
    assert {one["condition"] for one in found["outcomes"]} == {"own", "none", "another's"}
    assert "fast" in (tmp_path / "memory_bench.html").read_text()
    assert len(list((tmp_path / "pictures").iterdir())) == 2


def test_what_cannot_be_compared_with_or_staged_is_refused(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "other.json").write_text('{"rows": []}')
    for against in ("none.json", "other.json"):
        with pytest.raises(SettingError, match=f"{against} is not a memory_bench.json that can be compared with"):
            memory_bench([folder], out=tmp_path / "out", against=tmp_path / against)
    with pytest.raises(SettingError, match="There is no kind 'slow' in the memory bench; allowed are "):
        memory_bench([folder], out=tmp_path / "out", kind=["slow"])


def test_what_was_measured_before_a_break_is_kept(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    real, begun = bench.run_task, []

    def run(job: tuple) -> list:
        begun.append(job)
        if len(begun) > 1:
            raise KeyboardInterrupt
        return real(job)

    monkeypatch.setattr(bench, "run_task", run)
    with pytest.raises(KeyboardInterrupt):
        memory_bench([folder], tmp_path, quick=True, clips=2, kind=["fast"])
    found = json.loads((tmp_path / "memory_bench.json").read_text())
    assert found["partial"] == "1 of 2 tasks; ended by the user"
    assert [row["clips"] for row in found["rows"]] == [1] and len({one["task"] for one in found["outcomes"]}) == 1
    assert "Partial: 1 of 2 tasks" in capsys.readouterr().out
