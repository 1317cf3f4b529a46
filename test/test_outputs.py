# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Outputs destroy no input and leave no half of a file."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from stdtrack_ros.errors import SettingError
from stdtrack_ros.outputs import beside, check_file, check_outputs, write_text


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    path = tmp_path / "flight.mp4"
    path.write_bytes(b"frames")
    return path


@pytest.mark.parametrize("way", ["itself", "dots", "symbolic link", "hard link", "link to the input"])
def test_an_output_that_is_an_input_is_refused(recording: Path, tmp_path: Path, way: str) -> None:
    out, source = recording, recording
    if way == "dots":
        (tmp_path / "sub").mkdir()
        out = tmp_path / "sub" / ".." / "flight.mp4"
    elif way == "symbolic link":
        out = tmp_path / "out.mp4"
        out.symlink_to("flight.mp4")
    elif way == "hard link":
        out = tmp_path / "out.mp4"
        os.link(recording, out)
    elif way == "link to the input":
        source = tmp_path / "in.mp4"
        source.symlink_to("flight.mp4")
    with pytest.raises(SettingError, match=r"--out is the input"):
        check_outputs({"--out": out}, [source])


def test_a_file_inside_an_input_folder_is_refused_and_a_new_one_is_not(tmp_path: Path) -> None:
    bag = tmp_path / "bag"
    bag.mkdir()
    (bag / "bag_0.mcap").touch()
    with pytest.raises(SettingError, match="lies in the input"):
        check_outputs({"--json": bag / "bag_0.mcap"}, [bag])
    check_outputs({"--json": bag / "new.json", "--out": None}, [bag, None, "rtsp://camera/stream"])


def test_two_outputs_need_two_places(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="name the same file"):
        check_outputs({"--out": tmp_path / "a.mp4", "--json": tmp_path / "a.mp4"}, [])


def test_a_place_that_cannot_be_is_refused_before_any_work(recording: Path, tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="is a file and no folder"):
        check_outputs({"--out": recording / "deeper" / "a.mp4"}, [])
    with pytest.raises(SettingError, match="is a folder"):
        check_file("--out", tmp_path)


def test_a_file_is_replaced_as_a_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "boxes.json"
    write_text(path, "old")
    with pytest.raises(RuntimeError), beside(path) as part:
        part.write_text("half")
        raise RuntimeError
    assert path.read_text() == "old"
    write_text(path, "new")
    assert path.read_text() == "new"
    assert [each.name for each in tmp_path.iterdir()] == ["boxes.json"]
