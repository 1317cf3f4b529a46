# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The report of a small evaluation: what it holds, that it is whole, and that nothing in it is made up."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path

import numpy as np
import pytest
from painted_clips import FailingTracker, RedTracker, StillTracker, broken_clip, clip, spec

from stdtrack_ros.evaluation.metrics.summary import EvaluationSummary, summarize
from stdtrack_ros.evaluation.report.failure_cases import failure_cases, worst_sequences, write_video
from stdtrack_ros.evaluation.report.html_report import headline
from stdtrack_ros.evaluation.report.report import RunInfo, as_json, write_report
from stdtrack_ros.evaluation.results import ResultsFolder
from stdtrack_ros.evaluation.runner import Plan, run_plan

INFO = RunInfo("painted </script> clips", ("ope", "realtime"), ("Measured.",), {"Cores": "2"}, "stdtrack evaluate")
HANDLES = (clip("a"), clip("b", hidden=range(5, 9)), broken_clip("bad"), clip("c", length=80, seed=3))
NAMES = [handle.name for handle in HANDLES]


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> ResultsFolder:
    folder = ResultsFolder(tmp_path_factory.mktemp("results"))
    specs = (spec(StillTracker), spec(RedTracker), spec(FailingTracker))
    run_plan(Plan(specs, HANDLES, ("ope", "realtime", "restart", "multistart")), folder)
    return folder


@pytest.fixture(scope="module")
def summary(results: ResultsFolder) -> EvaluationSummary:
    return summarize(results, {"StillTracker": "stays", "RedTracker": "sees red"}, NAMES)


def test_the_summary_counts_what_every_tracker_finished(summary: EvaluationSummary) -> None:
    assert summary.common == ("a", "b", "c")
    assert {name for _, name, _ in summary.errors} == {"bad"}
    still, red = summary.trackers
    assert red.metrics["auc"] == pytest.approx(20 / 21)
    assert red.metrics["failures"] == 0 and still.metrics["failures"] > 0
    assert still.metrics["false_confidence"] == 1.0
    assert summary.attributes["occlusion"][0] == 1 and summary.attributes["plain"][0] == 2
    assert summary.attributes["occlusion"][1]["RedTracker"] == pytest.approx(20 / 21)


def test_a_tracker_that_finishes_nothing_does_not_empty_the_summary(results: ResultsFolder) -> None:
    all_three = summarize(results, {"StillTracker": "", "FailingTracker": ""}, NAMES)
    assert [each.name for each in all_three.trackers] == ["StillTracker"]
    assert all_three.common == ("a", "b", "c")
    assert sum(tracker == "FailingTracker" for tracker, _, _ in all_three.errors) == 4


def test_calibration_of_a_tracker_that_is_always_right(summary: EvaluationSummary) -> None:
    calibration = summary.trackers[1].calibration
    assert calibration.counts.sum() == 29 + 25 + 79
    assert calibration.ece == pytest.approx(0.1)  # says 0.9, is right every time
    assert calibration.brier == pytest.approx(0.01)


def test_json_and_csv_hold_the_same_figures(tmp_path: Path, summary: EvaluationSummary) -> None:
    write_report(tmp_path, summary, INFO, [])
    content = json.loads((tmp_path / "report.json").read_text())
    assert [tracker["name"] for tracker in content["trackers"]] == ["StillTracker", "RedTracker"]
    with (tmp_path / "summary.csv").open() as stream:
        summary = {row["tracker"]: row for row in csv.DictReader(stream)}
    with (tmp_path / "sequences.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) == 6
    for tracker in content["trackers"]:
        assert float(summary[tracker["name"]]["auc"]) == pytest.approx(tracker["metrics"]["auc"], abs=1e-5)
        mean = np.mean([float(row["auc"]) for row in rows if row["tracker"] == tracker["name"]])
        assert mean == pytest.approx(tracker["metrics"]["auc"], abs=1e-5)
    assert summary["RedTracker"]["false_confidence"] == ""  # it missed nothing: no rate, not 0


def test_the_page_needs_nothing_else_and_keeps_foreign_text_harmless(
    tmp_path: Path, summary: EvaluationSummary
) -> None:
    cases = failure_cases(summary, {handle.name: handle for handle in HANDLES})
    page = write_report(tmp_path, summary, INFO, cases).read_text()
    own = re.sub(r"<script>.*?</script>", "", page, flags=re.S)
    assert not re.findall(r"""(?:src|href)=["'](?!data:)""", own)
    assert "painted &lt;/script&gt; clips" in page
    data = re.search(r'<script type="application/json" id="data">(.*?)</script>', page, flags=re.S)
    assert data is not None
    content = json.loads(data[1])
    assert content["run"]["title"] == "painted </script> clips"
    assert set(content["timelines"]) == {"a", "b", "c"}
    red = content["timelines"]["b"]["RedTracker"]
    assert red["iou"][4] == 1.0 and red["iou"][5] is None and red["quality"][5] == 0.1
    assert page.count("data:image/jpeg;base64,") == 3
    for words in ("The bag bad is truncated.", "painted", "sees red"):
        assert words in own


def test_the_summary_in_words(summary: EvaluationSummary) -> None:
    words = headline(as_json(summary, INFO))
    assert words.startswith("StillTracker has a success AUC of ")
    assert "The best of the others, RedTracker, has a success AUC of 95.2 %" in words


def test_worst_sequences_and_their_videos(tmp_path: Path, summary: EvaluationSummary) -> None:
    av = pytest.importorskip("av")
    assert worst_sequences(summary, 1) == ["c"]
    write_video(tmp_path / "b.mp4", summary, HANDLES[1])
    with av.open(str(tmp_path / "b.mp4")) as container:
        frames = [frame.to_ndarray(format="bgr24") for frame in container.decode(video=0)]
        assert float(container.streams.video[0].average_rate) == pytest.approx(10, rel=0.05)  # the last has no duration
    assert len(frames) == 30 and frames[0].shape == (96, 128, 3)
    assert (frames[20].astype(int).min(axis=2) > 200).any()  # the ground truth's white box
