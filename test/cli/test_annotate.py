# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`stdtrack annotate` as it is typed: a real bag with the shipped network, and what is said of bad ones."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console
from sample_sequences import BagMaker, stamp, write_bag

from stdtrack_ros.cli.annotate import _print
from stdtrack_ros.cli.main import main
from stdtrack_ros.errors import SequenceError
from stdtrack_ros.evaluation.annotated_bag import Outcome
from stdtrack_ros.sequences.recordings.bag_file import BagFile
from stdtrack_ros.tracker.result import Status


def run(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> int:
    """Exit code of `stdtrack annotate` with these arguments."""
    monkeypatch.setattr("sys.argv", ["stdtrack", "annotate", *map(str, arguments)])
    with pytest.raises(SystemExit) as ended:
        main()
    return int(ended.value.code or 0)


def test_a_bag_with_ground_truth(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    noise = np.random.default_rng(2).integers(0, 256, (120, 160, 3), dtype=np.uint8)
    with BagMaker(tmp_path / "flight", "sqlite3") as bag:
        for index in range(3):
            bag.image(noise, stamp(index))
            bag.tracked_box((60, 40, 40, 30), stamp(index))
    options = ("--ground-truth-topic", "ground_truth", "--box-topic", "boxes", "--set", "model.threads=1")
    assert run(monkeypatch, tmp_path / "flight", "--out", tmp_path / "out", *options) == 0
    assert "3 images" in capsys.readouterr().out.replace("\n", "")
    written = BagFile(tmp_path / "out")
    counts = {connection.topic: connection.msgcount for connection in written.reader.connections}
    ours = {"/boxes": 3, "/stdtrack/image_annotated/compressed": 3, "/stdtrack/image_annotations": 3}
    assert counts == {"/camera/image": 3, "/ground_truth": 3} | ours


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ((), "No target is given: add --init"),
        (("--init", "1,2,3"), "The box '1,2,3' cannot be read"),
        (("--init", "1,2,30,40", "--topic", "/front"), "no topic /front; its topics are /camera/image"),
        (("--init", "1,2,30,40", "--box-topic", "/ground_truth"), "has /ground_truth already; name other topics"),
        (("--init", "1,2,30,40", "--storage", "tape"), "'tape' cannot be written; it may be mcap, sqlite3"),
        (("--init", "900,900,30,40"), "lies outside the image"),
        (("--ground-truth-topic", "/none"), "no topic /none"),
        (("--init", "1,2,30,40", "--model", "none.onnx"), "none.onnx"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    options: tuple[str, ...],
    sentence: str,
) -> None:
    bag = write_bag(tmp_path / "flight", count=2)
    assert run(monkeypatch, bag, "--out", tmp_path / "out", *options) == 2
    error = capsys.readouterr().err.strip()
    assert sentence in error
    assert error.count("\n") == 0
    assert not (tmp_path / "out").exists()


def test_a_cut_off_bag(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    bag = write_bag(tmp_path / "flight", count=20)
    file = next(bag.glob("*.mcap"))
    file.write_bytes(file.read_bytes()[:-2000])
    assert run(monkeypatch, bag, "--out", tmp_path / "out", "--init", "1,2,30,40") == 2
    assert "repair it with" in capsys.readouterr().err


def test_the_outcome_of_a_copy_is_told(tmp_path: Path) -> None:
    damaged = [f"Image {number} is cut off." for number in range(7)]
    outcome = Outcome(9, Counter({Status.TRACKING: 2}), damaged, ("Stamps went back.",), interrupted=True)
    console = Console(record=True, quiet=False, width=200, file=(tmp_path / "terminal").open("w"))
    _print(console, tmp_path / "out", outcome)
    told = console.export_text()
    assert "Image 4 is cut off." in told and "Image 5" not in told and "... and 2 more images" in told
    for words in ("Stamps went back.", "Ended by the user", "9 images, TRACKING 2"):
        assert words in told
    outcome.broken_off = "The bag is damaged after 3 s."
    with pytest.raises(SequenceError, match=r"The bag is damaged after 3 s\. What was tracked up to there is kept in"):
        _print(console, tmp_path / "out", outcome)
