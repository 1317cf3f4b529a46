# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""How well a score separates, by hand; and the command on a network that was not trained."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
import typer
from tiny_stark import tiny_stark
from typer.testing import CliRunner

from stdtrack_ros.network.families import save_network
from stdtrack_ros.network.stark.model import Stark
from stdtrack_ros.training.score_separation import ScoredWindows, draw, main


def windows(present: list[float], absent: list[float]) -> ScoredWindows:
    scores = np.array(present + absent, np.float32)
    shown = np.arange(len(scores)) < len(present)
    return ScoredWindows(scores, shown, np.zeros(len(scores), np.float32))


@pytest.mark.parametrize(
    ("present", "absent", "area", "accuracy"),
    [
        ([0.9, 0.8], [0.1, 0.2], 1.0, 1.0),
        ([0.1, 0.2], [0.9, 0.8], 0.0, 0.0),
        ([0.6, 0.6], [0.6, 0.6], 0.5, 0.5),
        ([0.9, 0.4], [0.6, 0.3, 0.1], 5 / 6, 3 / 5),
    ],
)
def test_area_and_accuracy_by_hand(present: list[float], absent: list[float], area: float, accuracy: float) -> None:
    """The area is the fraction of pairs in order; a tie counts half."""
    scored = windows(present, absent)
    assert scored.area == pytest.approx(area) and scored.accuracy == pytest.approx(accuracy)


def test_the_histogram_is_a_picture(tmp_path: Path) -> None:
    draw(windows([0.9, 0.7], [0.2]), tmp_path / "presence.png")
    picture = cv2.imread(str(tmp_path / "presence.png"))
    assert picture is not None and picture.std() > 10


def test_the_command_scores_a_checkpoint(tmp_path: Path) -> None:
    for index in range(3):
        folder = tmp_path / "videos" / f"disc_{index}"
        folder.mkdir(parents=True)
        for frame in range(6):
            image = np.full((120, 160, 3), 60, np.uint8)
            cv2.circle(image, (60 + 3 * frame, 50), 12, (200, 80 * index, 90), -1)
            cv2.imwrite(str(folder / f"{frame + 1:08d}.jpg"), image)
        boxes = [f"{48 + 3 * frame},38,25,25" for frame in range(6)]
        (folder / "groundtruth.txt").write_text("\n".join(boxes) + "\n")
    torch.manual_seed(0)
    save_network(Stark(tiny_stark(template_size=48, search_size=96)), tmp_path / "tiny.pt")
    app = typer.Typer()
    app.command()(main)
    out = tmp_path / "presence.png"
    arguments = [
        str(tmp_path / "tiny.pt"),
        "--videos",
        str(tmp_path / "videos"),
        "--clips",
        "40",
        "--picture",
        str(out),
    ]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    present, absent = (int(line.split()[1]) for line in result.output.splitlines()[:2])
    assert 10 <= present + absent < 40 and absent > 2  # neighbours of one sequence are left out
    assert "area under the ROC curve 0." in result.output and "with the templates of other clips" in result.output
    assert out.is_file()
