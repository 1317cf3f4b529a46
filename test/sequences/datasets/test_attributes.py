# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Attribute files in the forms that the benchmarks use."""

from __future__ import annotations

from pathlib import Path

import pytest

from stdtrack_ros.errors import SequenceError
from stdtrack_ros.sequences.datasets.attributes import attribute_file, read_marks, read_names, read_pairs, read_vector


def test_a_vector_names_its_tags_in_the_benchmarks_order(tmp_path: Path) -> None:
    path = tmp_path / "att.txt"
    for text in ("0,1,0,0,0,0,0,0,0,0,1", "0 1 0 0 0 0\n0 0 0 0 1\n"):
        path.write_text(text)
        assert read_vector(path, "otb") == {"OPR", "LR"}
    with pytest.raises(SequenceError, match="has 11 values; uav123 has 12 attributes"):
        read_vector(path, "uav123")


def test_the_toolkits_file_is_found_by_either_spelling(tmp_path: Path) -> None:
    assert attribute_file(tmp_path, "Bike") is None
    (tmp_path / "anno" / "att").mkdir(parents=True)
    lower = tmp_path / "anno" / "att" / "bike.txt"
    lower.write_text("")
    assert attribute_file(tmp_path, "Bike") == lower


def test_marks_names_and_pairs(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("0\n1\n0\n8\n")
    assert read_marks(path).tolist() == [False, True, False, True]
    path.write_text("")
    assert read_marks(path).tolist() == []
    path.write_text("fast motion, occlusion\n\nlow light,")
    assert read_names(path) == {"fast motion", "occlusion", "low light"}
    path.write_text("[META]\nurl: a=b\nanno_fps = 1Hz\n")
    assert read_pairs(path) == {"url": "a=b", "anno_fps": "1Hz"}
