# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`stdtrack redetection` on a painted clip with the shipped model."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from painted_clips import PaintedClip

from stdtrack_ros.cli.redetection import redetection, stage_all
from stdtrack_ros.errors import SequenceError
from stdtrack_ros.evaluation import redetection as evaluation


@pytest.fixture
def clips(tmp_path: Path) -> Path:
    """Write a sequence of six frames with a moving disc; the folder that holds it."""
    folder = tmp_path / "clips" / "disc"
    folder.mkdir(parents=True)
    rng = np.random.default_rng(0)
    background = cv2.GaussianBlur(rng.integers(0, 256, (180, 240, 3), dtype=np.uint8), (0, 0), 5)
    rows = []
    for index in range(6):
        image = background.copy()
        cv2.circle(image, (60 + 3 * index, 70), 14, (40, 60, 230), -1)
        cv2.circle(image, (60 + 3 * index, 70), 6, (240, 240, 240), -1)
        cv2.imwrite(str(folder / f"{index + 1:08d}.jpg"), image)
        rows.append(f"{46 + 3 * index},56,28,28")
    (folder / "groundtruth.txt").write_text("\n".join(rows) + "\n")
    return tmp_path / "clips"


def test_the_verb_reports_every_event(clips: Path, tmp_path: Path) -> None:
    """On a painted clip with the shipped model: the table's rows, and figures for each event that one video allows."""
    out = tmp_path / "figures" / "recovery.json"
    redetection([clips], out=out)
    reports = json.loads(out.read_text())
    assert set(reports) == {
        "as recorded",
        "occlusion",
        "leave",
        "look_alike",
        "all staged",
        "covariance",
        "calibration",
    }
    assert set(reports["covariance"]) == {"TRACKING", "UNCERTAIN", "LOST"}
    assert reports["all staged"]["absences"] == 3
    assert reports["as recorded"]["absences"] == 0
    assert reports["calibration"]["all"]["frames"] == 5 + 3 * 149


def test_an_event_that_a_sequence_does_not_allow_is_left_out_and_named(capsys: pytest.CaptureFixture[str]) -> None:
    small, large = PaintedClip("small", 8), PaintedClip("large", 8)
    large.boxes[:] = (2, 2, 120, 90)
    staged = stage_all([small, large])
    assert [each.event for each in staged] == [
        "occlusion",
        "leave",
        "cut",
        "look_alike",
        "occlusion",
        "cut",
        "look_alike",
    ]
    assert "left out: large cannot be staged to leave the view" in " ".join(capsys.readouterr().err.split())


def test_a_cut_shows_another_video(capsys: pytest.CaptureFixture[str]) -> None:
    """In another part of the same video the target may be in view: that would be no absence."""
    road = [PaintedClip(f"road_{number}", 8) for number in range(2)]
    sea, field = PaintedClip("sea", 8), PaintedClip("field_0", 8)
    shown = {each.base.name: each.other for each in stage_all([sea, *road, field]) if each.event == "cut"}
    assert shown == {"sea": road[0], "road_0": field, "road_1": field, "field_0": sea}
    assert [each.event for each in stage_all(road)] == ["occlusion", "leave", "look_alike"] * 2
    assert "road_1 cannot be staged to be cut away" in " ".join(capsys.readouterr().err.split())


def test_a_place_without_sequences_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(SequenceError, match="nothing at"):
        redetection([tmp_path / "none"], out=tmp_path / "figures.json")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(143), SequenceError("The frame 3 is damaged.")])
def test_what_was_measured_before_a_break_is_kept(
    clips: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException, capsys: pytest.CaptureFixture
) -> None:
    real, begun = evaluation.run_with_status, []

    def run(*arguments: object) -> object:
        begun.append(arguments)
        if len(begun) > 1:
            raise error
        return real(*arguments)

    monkeypatch.setattr(evaluation, "run_with_status", run)
    out = tmp_path / "figures.json"
    with pytest.raises(type(error)):
        redetection([clips], out=out)
    found = json.loads(out.read_text())
    why = {"KeyboardInterrupt": "ended by the user", "SystemExit": "ended by a signal"}
    assert found["partial"] == {"sequences": 1, "of": 4, "ended": why.get(type(error).__name__, str(error))}
    assert found["calibration"]["all"]["frames"] == 5
    assert "Partial: 1 of 4 sequences" in capsys.readouterr().err
