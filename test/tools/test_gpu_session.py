# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Training sessions on a borrowed machine, rehearsed on this one: parcels, training, results, going on."""

from __future__ import annotations

import csv
import json
import sys
import tarfile
from pathlib import Path

import cv2
import numpy as np
import pytest
import yaml
from painted_data import PaintedSequence, moving

torch = pytest.importorskip("torch")
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))

import gpu_session  # noqa: E402

SETTINGS = {
    "network": "vit_tiny",
    "switches": {"dim": 32, "heads": 2, "depth": 1, "head_stem": 16, "head_channels": [8], "backbone": "vit_tiny"},
    "batch": 2,
    "workers": 0,
    "threads": 1,
    "precision": "float32",
    "log_every": 1,
    "data": {"cutout_weight": 0.0, "picture_weight": 0.0},
}
MIB = 2**20


@pytest.fixture
def settings(tmp_path: Path) -> Path:
    """Write a settings file that names a folder of painted video by its path on this machine."""
    sequence = PaintedSequence("one", moving(8))
    folder = tmp_path / "videos" / "one"
    folder.mkdir(parents=True)
    for index in range(len(sequence)):
        cv2.imwrite(str(folder / f"{index + 1:08d}.jpg"), sequence.frame(index))
    np.savetxt(folder / "groundtruth.txt", sequence.boxes, fmt="%g", delimiter=",")
    path = tmp_path / "settings.yaml"
    data = {**SETTINGS["data"], "videos": [str(folder.parent)]}
    path.write_text(yaml.safe_dump({**SETTINGS, "data": data}))
    return path


def test_sessions_go_on_from_one_another(settings: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    run = tmp_path / "run"
    small = ["--parcel-mb", "0.25", "--part-mb", "0.1", "--seconds", "600"]
    gpu_session.main(["session", str(run), "--settings", str(settings), "--set", "steps=2", "--compact", *small])
    first = torch.load(run / "last.pt", weights_only=True)
    assert (first["step"], first["samples"]) == (2, 4)
    assert all(value.dtype != torch.float16 for value in first["ema"].values())
    assert first["settings"]["data"]["videos"] == ["files/0"]
    gpu_session.main(["session", str(run), "--settings", str(settings), "--set", "steps=4", *small])
    second = torch.load(run / "last.pt", weights_only=True)
    assert (second["step"], second["samples"]) == (4, 8)
    rows = list(csv.DictReader((run / "log.csv").open()))
    assert [row["step"] for row in rows] == ["1", "2", "3", "4"]
    output = capfd.readouterr().out
    assert "samples/s" in output and "step 4, 8 samples" in output


def test_a_session_ends_in_time_with_its_checkpoint(
    settings: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The clock jumps to the end once the first step is logged."""
    parcels, out, work = tmp_path / "parcels", tmp_path / "out", tmp_path / "work"
    gpu_session.pack(tmp_path / "run", parcels, settings, [], None, 60.0)
    monkeypatch.setattr(gpu_session, "_now", lambda: 1e6 if (work / "run" / "log.csv").exists() else 0.0)
    gpu_session.train(parcels, out, work, 600.0, 20.0, 15.0, False)
    gpu_session.fetch(out, tmp_path / "run")
    assert torch.load(tmp_path / "run" / "last.pt", weights_only=True)["step"] >= 1


def test_parcels_keep_their_size_and_bring_everything(settings: Path, tmp_path: Path) -> None:
    parcels, run, wheels = tmp_path / "parcels", tmp_path / "run", tmp_path / "wheels"
    for folder in (run, wheels):
        folder.mkdir()
    (run / "last.pt").write_bytes(np.random.default_rng(0).bytes(MIB))
    (wheels / "some-1.0-py3-none-any.whl").write_bytes(b"wheel")
    gpu_session.pack(run, parcels, settings, ["steps=7"], wheels, 0.25)
    tars = sorted(parcels.glob("parcel_*.tar"))
    assert len(tars) > 4
    for path in tars:
        with tarfile.open(path) as tar:
            assert sum(member.size for member in tar) <= 0.25 * MIB
    gpu_session.unpack(parcels, tmp_path / "work")
    gpu_session._check(tmp_path / "work")
    assert (tmp_path / "work" / "run" / "last.pt").read_bytes() == (run / "last.pt").read_bytes()
    assert (tmp_path / "work" / "wheels" / "some-1.0-py3-none-any.whl").exists()
    assert (tmp_path / "work" / "files" / "0" / "one" / "groundtruth.txt").exists()
    assert json.loads((tmp_path / "work" / "settings.json").read_text())["steps"] == 7
    assert (parcels / "gpu_session.py").exists()


def test_parcels_that_come_one_by_one_are_put_together(settings: Path, tmp_path: Path) -> None:
    parcels, work = tmp_path / "parcels", tmp_path / "work"
    gpu_session.pack(tmp_path / "run", parcels, settings, [], None, 0.25)
    tars = sorted(parcels.glob("parcel_*.tar"))
    for path in tars[:-1]:
        (tmp_path / path.stem).mkdir()
        path.rename(tmp_path / path.stem / path.name)
        gpu_session.main(["unpack", str(tmp_path / path.stem), "--work", str(work)])
    with pytest.raises(SystemExit, match="not all parcels have arrived whole"):
        gpu_session._check(work)
    gpu_session.unpack(parcels, work)
    gpu_session._check(work)


def test_the_facts_of_a_tar_travel_with_it(tmp_path: Path) -> None:
    (tmp_path / "train_1.tar").write_bytes(b"tar")
    (tmp_path / "index1.csv").write_text("clip\n")
    files: dict[str, Path] = {}
    assert gpu_session._carry(tmp_path / "train_1.tar", files) == "files/0/train_1.tar"
    assert set(files) == {"files/0/train_1.tar", "files/0/index1.csv"}
    with pytest.raises(SystemExit, match="named in the settings, but is not there"):
        gpu_session._carry(tmp_path / "nothing.tar", files)


def test_what_cannot_be_used_is_said(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="There are no parcels in"):
        gpu_session.unpack(tmp_path, tmp_path / "work")
    with pytest.raises(SystemExit, match="wrote no checkpoint"):
        gpu_session.fetch(tmp_path, tmp_path / "run")
    (tmp_path / "manifest.json").write_text(json.dumps({"tag": "last_1.pt", "sha256": "0"}))
    (tmp_path / "last_1.pt.part000").write_bytes(b"half")
    with pytest.raises(SystemExit, match="some of its parts have not come back whole"):
        gpu_session.fetch(tmp_path, tmp_path / "run")
    (tmp_path / "notes.txt").touch()
    with pytest.raises(SystemExit, match="is not empty and holds no parcels"):
        gpu_session.pack(tmp_path / "run", tmp_path, None, [], None, 60.0)


def test_the_speed_is_that_of_this_session(tmp_path: Path) -> None:
    rows = ["step,samples,minutes,loss", "1,10,1,3", "2,20,2,2", "3,30,60,1.5", "4,150,61,1.25"]
    (tmp_path / "log.csv").write_text("\n".join(rows))
    assert gpu_session.progress(tmp_path, 2) == "step 4, 150 samples, loss 1.250, 2.0 samples/s"
    assert gpu_session.progress(tmp_path, 4) == "no step is logged yet"
