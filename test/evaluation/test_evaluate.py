# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What an evaluation refuses, leaves out and says of its times; whole ones run in `test/cli/test_evaluate.py`."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path

import cv2
import pytest
from painted_clips import StillTracker, broken_clip, clip, spec

from stdtrack_ros.errors import SequenceError, SettingError
from stdtrack_ros.evaluation import evaluate as module
from stdtrack_ros.evaluation.evaluate import check_names, default_baselines, evaluate
from stdtrack_ros.evaluation.runner import Plan


def hide(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    """Let modules look as if they were not installed."""
    found: Callable[[str], object] = importlib.util.find_spec
    monkeypatch.setattr(module, "find_spec", lambda name: None if name in names else found(name))


def test_without_contrib_trackers_the_baselines_are_left_out_with_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(cv2, "TrackerKCF")
    specs, (sentence,) = default_baselines()
    assert specs == [] and "built without them" in sentence


def test_names_of_trackers_must_differ_also_as_folders() -> None:
    still = spec(StillTracker)
    assert check_names([still]) == (still,)
    with pytest.raises(SettingError, match="Two trackers are named 'StillTracker'"):
        check_names([still, still])
    with pytest.raises(SettingError, match="no tracker to evaluate"):
        check_names([])


def test_if_no_sequence_can_be_read_there_is_no_report(tmp_path: Path) -> None:
    with pytest.raises(SequenceError, match="None of the 1 sequences"):
        evaluate(Plan((spec(StillTracker),), (broken_clip("bag"),)), tmp_path)
    assert not list(tmp_path.glob("report*"))


def test_without_the_modules_of_the_page_the_figures_are_complete(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hide(monkeypatch, "jinja2")
    found = evaluate(Plan((spec(StillTracker),), (clip("a", length=5),)), tmp_path)
    assert not (tmp_path / "report.html").exists() and (tmp_path / "report.json").is_file()
    assert "needs jinja2 (pip install jinja2)" in found.left_out[-1]


def test_videos_without_pyav_are_refused_before_anything_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hide(monkeypatch, "av")
    with pytest.raises(SettingError, match="pip install av"):
        evaluate(Plan((spec(StillTracker),), (clip("a", length=5),)), tmp_path / "out", videos="all")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("changes", "kept", "words"),
    [
        ({}, 0, "one tracker running at a time"),
        ({"workers": 3}, 0, "3 trackers running at once, and are longer than alone"),
        ({"workers": 3, "protocols": ("ope", "realtime")}, 0, "alone over the first 50 frames"),
        ({"cluster": "local"}, 0, "on the cluster's machines"),
        ({}, 2, "2 one passes are those of the earlier run"),
    ],
)
def test_the_report_says_how_times_were_measured(changes: dict[str, object], kept: int, words: str) -> None:
    plan = Plan((spec(StillTracker),), (clip("a"),), **{"threads": 1} | changes)
    sentences = module._conditions(plan, kept)
    assert "CPU threads of a tracker: 1." in sentences[0]
    assert words in " ".join(sentences)
    assert len(sentences) == 2 + (kept > 0)
