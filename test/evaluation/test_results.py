# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Raw results on disk: what is written comes back, and what does not fit is as if it were not there."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from small_disk import small_files

from stdtrack_ros.errors import SequenceError, SettingError
from stdtrack_ros.evaluation.protocols import Track
from stdtrack_ros.evaluation.results import ResultsFolder, SequenceFacts

TRACK = Track(
    np.arange(8.0).reshape(2, 4), np.array([np.nan, 0.5]), np.full((2, 2), np.nan), np.array([np.nan, 0.1]), 0
)


def test_a_run_comes_back_for_its_identity_alone(tmp_path: Path) -> None:
    folder = ResultsFolder(tmp_path / "new" / "results")
    folder.save("Own/one", "bear 1", "ope", TRACK, "settings a")
    found = folder.load("Own/one", "bear 1", "ope", "settings a")
    assert isinstance(found, Track) and found.start == 0
    np.testing.assert_array_equal(found.boxes, TRACK.boxes)
    np.testing.assert_array_equal(found.qualities, TRACK.qualities)
    assert folder.load("Own/one", "bear 1", "ope") is not None
    assert folder.load("Own/one", "bear 1", "ope", "settings b") is None
    assert folder.load("Own/one", "bear 2", "ope") is None
    folder.remove("Own/one", "bear 1", "ope")
    assert folder.load("Own/one", "bear 1", "ope") is None
    folder.remove("Own/one", "bear 1", "ope")  # a second time: nothing to do


def test_a_result_that_lacks_a_part_or_is_damaged_is_none(tmp_path: Path) -> None:
    folder = ResultsFolder(tmp_path)
    folder.save("own", "bear", "ope", TRACK, "")
    (file,) = tmp_path.rglob("ope.npz")
    np.savez(file, boxes=TRACK.boxes)
    assert folder.load("own", "bear", "ope") is None
    file.write_bytes(b"half of a fi")
    assert folder.load("own", "bear", "ope") is None


def test_the_facts_of_a_sequence_come_back(tmp_path: Path) -> None:
    folder = ResultsFolder(tmp_path)
    assert folder.load_facts("bear") is None
    folder.save_facts(SequenceFacts("bear", np.ones((2, 4)), np.array([0.0, 0.1]), ("FM", "OCC"), ("a note",)))
    found = folder.load_facts("bear")
    assert found is not None
    assert (found.name, found.attributes, found.notes) == ("bear", ("FM", "OCC"), ("a note",))
    assert found.stamps_s.tolist() == [0.0, 0.1]


def test_an_error_stays_until_there_is_a_result(tmp_path: Path) -> None:
    folder = ResultsFolder(tmp_path)
    assert folder.load_error("own", "bear") is None
    folder.save_error("own", "bear", "It broke.")
    assert folder.load_error("own", "bear") == "It broke."
    folder.save("own", "bear", "ope", TRACK, "")
    assert folder.load_error("own", "bear") is None


def test_a_folder_that_cannot_be_made_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SequenceError, match=r"cannot be written to .*file/results: Not a directory\.$"):
        ResultsFolder(tmp_path / "file" / "results")


def test_a_full_disk_is_said_and_what_was_there_stays(tmp_path: Path) -> None:
    folder = ResultsFolder(tmp_path)
    folder.save("ours", "bear", "ope", TRACK, "a")
    long = Track(np.random.default_rng(0).random((999, 4)), *[np.zeros(999)] * 3, 0)
    with small_files(2000), pytest.raises(SettingError, match=r"ope\.npz cannot be written: File too large; make room"):
        folder.save("ours", "bear", "ope", long, "b")
    assert folder.load("ours", "bear", "ope", "a") is not None
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["ope.npz"]
