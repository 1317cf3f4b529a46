# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Trackers that installed packages plug in, and what tells their results apart."""

from __future__ import annotations

from pathlib import Path

import pytest
from painted_clips import PaintedClip

from stdtrack_ros.errors import SettingError
from stdtrack_ros.evaluation.protocols import run_one_pass
from stdtrack_ros.evaluation.trackers.tracker_interface import (
    OwnTracker,
    PromptTracker,
    own_tracker_spec,
    plugged_in,
    plugged_in_tracker_spec,
)
from stdtrack_ros.settings import flatten, make_settings

PLUG_IN = """
class Stubborn:
    def initialize(self, image, box, stamp_s):
        self.box = box

    def track(self, image, stamp_s):
        return self.box, 1.0
"""


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Write a user's package as pip leaves it: a module, and a dist-info folder with the entry point."""
    (tmp_path / "my_tracker.py").write_text(PLUG_IN)
    info = tmp_path / "my_tracker-1.2.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: my-tracker\nVersion: 1.2\n")
    (info / "entry_points.txt").write_text(
        "[stdtrack_ros.trackers]\nstubborn = my_tracker:Stubborn\ngone = my_tracker:Gone\nempty = builtins:dict\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


def test_an_installed_package_plugs_its_tracker_in(installed: Path) -> None:
    assert {"stubborn", "gone"} <= plugged_in().keys()
    spec = plugged_in_tracker_spec("stubborn")
    assert spec.note == "plug-in my-tracker 1.2"
    track = run_one_pass(spec.make(1), PaintedClip("a", 5))
    assert (track.boxes == [10, 40, 20, 16]).all() and (track.qualities[1:] == 1.0).all()


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("gone", "The plugged-in tracker 'gone' cannot be made: AttributeError"),
        ("empty", "The plugged-in tracker 'empty' has no method 'initialize'"),
    ],
)
def test_a_plug_in_that_is_no_tracker_is_named(installed: Path, name: str, message: str) -> None:
    with pytest.raises(SettingError, match=message):
        plugged_in_tracker_spec(name).make(1)


def test_a_plug_in_that_is_not_installed(installed: Path) -> None:
    with pytest.raises(
        SettingError, match=r"No installed package offers a tracker named 'mine' .*empty, gone, stubborn"
    ):
        plugged_in_tracker_spec("mine")


def test_results_of_any_other_setting_are_not_taken_over_even_if_it_was_a_default() -> None:
    settings = make_settings({"model.threads": 1, "status.lost_quality": 0.11})
    identity = own_tracker_spec(settings).identity
    assert all(f"{(name, value)}" in identity for name, value in flatten(settings).items())


@pytest.mark.parametrize("spare_s", [0.0, 60.0])
def test_our_tracker_gives_the_same_results_before_the_rest_of_its_work(spare_s: float) -> None:
    scene = PaintedClip("a", 8)
    whole, prompt = (OwnTracker(make_settings({"model.threads": 1})) for _ in range(2))
    assert isinstance(prompt, PromptTracker)
    for tracker in (whole, prompt):
        tracker.initialize(scene.frame(0), scene.boxes[0], 0.0)
    for index in range(1, 8):
        stamp_s = float(scene.stamps_s[index])
        expected, found = whole.track(scene.frame(index), stamp_s), prompt.track_first(scene.frame(index), stamp_s)
        prompt.finish(spare_s)
        assert list(found.box) == pytest.approx(list(expected.box)) and found.quality == pytest.approx(expected.quality)
    looks = [tracker.tracker._state.surroundings.looks for tracker in (whole, prompt)]
    assert looks[0] > 0 and looks[1] == (looks[0] if spare_s else 0)
