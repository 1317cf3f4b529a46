# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Tracker families: each loads alone, and a package from outside adds one that every verb runs."""

from __future__ import annotations

import json
import logging
import pickle
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
import yaml
from painted_clips import PaintedClip
from reddest import install, installed

from stdtrack_ros import families
from stdtrack_ros.errors import ModelError, SettingError
from stdtrack_ros.families import family_of_kind, family_of_tracker, tracker_in, tracker_names
from stdtrack_ros.settings import describe, flatten, make_settings, with_plugged_in
from stdtrack_ros.tracker import create_tracker, load_model

torch = pytest.importorskip("torch")

from reddest.network import Reddest, ReddestConfig  # noqa: E402

from stdtrack_ros.network.families import load_network, save_network  # noqa: E402


@pytest.mark.parametrize(("kind", "other"), [("stdtrack", "stark"), ("stark", "stdtrack")])
def test_a_family_loads_nothing_of_another(kind: str, other: str) -> None:
    program = (
        "import sys\n"
        "from stdtrack_ros.families import family_of_kind\n"
        "for part in ('model', 'network', 'training'):\n"
        f"    family_of_kind({kind!r}, 'the test').part(part)\n"
        "print(*(name for name in sys.modules if name.startswith('stdtrack_ros.')))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    loaded = done.stdout.split()
    assert {f"stdtrack_ros.{folder}.{kind}" for folder in ("tracker.models", "network", "training")} <= set(loaded)
    assert [name for name in loaded if other in name.split(".")] == []


def test_every_tracker_belongs_to_one_family() -> None:
    names = tracker_names()
    assert len(set(names)) == len(names)
    for name in names:
        assert name in family_of_tracker(name).trackers
    with pytest.raises(ModelError, match=r"no tracker named 'mdnet'; allowed is one of stdtrack, stark_s50"):
        family_of_tracker("mdnet")
    with pytest.raises(ModelError, match=r"net\.pt names the kind 'mdnet', .* known are stdtrack, stark"):
        family_of_kind("mdnet", "net.pt")


def test_a_description_names_its_tracker_by_variant_or_by_kind() -> None:
    assert tracker_in({"kind": "stark", "network": {"name": "stark_s50"}}) == "stark_s50"
    assert tracker_in({"kind": "stdtrack", "network": {"dim": 192}}) == "stdtrack"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write the family's entry point, its checkpoint and, by the command, its exported model."""
    folder = tmp_path_factory.mktemp("reddest")
    with pytest.MonkeyPatch.context() as patch, installed(install(folder / "site"), patch):
        save_network(Reddest(ReddestConfig()), folder / "reddest.pt")
        stdtrack("export", folder / "reddest.pt", "--out", folder / "reddest.onnx")
    return folder


@pytest.fixture
def reddest(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Install the family; return its checkpoint, beside which is its exported model."""
    with installed(folder / "site", monkeypatch):
        yield folder / "reddest.pt"


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    """Write a folder with one painted sequence: a red target of 20x16 px on grey noise."""
    painted, folder = PaintedClip("red", 12), tmp_path / "data" / "red"
    folder.mkdir(parents=True)
    for index in range(len(painted)):
        cv2.imwrite(str(folder / f"{index + 1:08d}.png"), painted.frame(index))
    np.savetxt(folder / "groundtruth.txt", painted.boxes, "%d", ",")
    return folder


def stdtrack(*arguments: object) -> str:
    command = [sys.executable, "-m", "stdtrack_ros.cli.main", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_a_family_from_outside_has_its_settings_beside_the_others(reddest: Path) -> None:
    assert "reddest" in tracker_names()
    settings = make_settings({"tracker": "reddest", "reddest.size_factor": 2.0, "model.path": str(reddest)})
    assert flatten(settings)["reddest.size_factor"] == 2.0
    assert "reddest.size_factor" in {info.name for info in describe(type(settings))}
    assert pickle.loads(pickle.dumps(settings)) == settings
    with pytest.raises(SettingError, match=r"reddest\.size_factor cannot be 99.*from 0\.1 to 10"):
        make_settings({"reddest.size_factor": 99})
    model = load_model(settings)
    assert (model.info.name, model.info.backend) == ("reddest", "torch")
    assert "not calibrated" in model.info.note


def test_a_family_from_outside_is_exported_evaluated_and_measured(reddest: Path, clip: Path, tmp_path: Path) -> None:
    settings = tmp_path / "settings.yaml"
    settings.write_text(
        yaml.safe_dump({"tracker": "reddest", "model": {"path": str(reddest.with_suffix(".onnx")), "threads": 1}})
    )
    out = tmp_path / "report"
    stdtrack("evaluate", clip.parent, "--out", out, "--settings", settings, "--protocol", "ope", "--no-baselines")
    summary = json.loads((out / "report.json").read_text())["trackers"][0]["metrics"]
    assert summary["precision"] == 1.0 and summary["auc"] > 0.6
    stdtrack(
        "benchmark", "--out", out, "--settings", settings, "--frames", 20, "--size", "320x240", "--no-baselines",
        "--threads", "1",
    )  # fmt: skip
    measured = json.loads((out / "benchmark.json").read_text())
    assert measured["model"]["name"] == "reddest" and measured["network"]["p50"] > 0


def test_pytorch_and_onnx_runtime_run_a_family_from_outside_alike(reddest: Path) -> None:
    painted = PaintedClip("red", 12)
    boxes = []
    for path in (reddest, reddest.with_suffix(".onnx")):
        tracker = create_tracker(make_settings({"tracker": "reddest", "model.path": str(path), "model.threads": 1}))
        tracker.initialize(painted.frame(0), painted.boxes[0], 0.0)
        boxes.append([tracker.track(painted.frame(index), index / 10).box for index in range(1, 12)])
    np.testing.assert_allclose(boxes[0], boxes[1], atol=1e-3)
    assert load_network(reddest).network.config == ReddestConfig()


def test_a_family_that_cannot_be_loaded_is_logged_and_harms_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    rows = "gone = no_such_module:FAMILY\nodd = builtins:dict\n"
    with installed(install(tmp_path / "site", rows), monkeypatch), caplog.at_level(logging.WARNING):
        assert tracker_names() == families.BUILT_IN[0].trackers + families.BUILT_IN[1].trackers
        assert with_plugged_in(type(make_settings({}))) is type(make_settings({}))
    assert "family 'gone' cannot be loaded: No module named 'no_such_module'" in caplog.text
    assert "family 'odd' cannot be loaded: it names a type, not a Family" in caplog.text


def test_a_part_that_a_family_lacks_is_said(reddest: Path) -> None:
    with pytest.raises(ModelError, match="The tracker family 'reddest' has no training part"):
        family_of_kind("reddest", "the test").part("training")
