# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The curves of a run are drawn from its logs, with and without validation."""

from __future__ import annotations

from pathlib import Path

import cv2
import pytest

from stdtrack_ros.training.learning_curves import draw_curves

LOG = "samples,loss,iou,learning_rate\n1000,2.0,0.1,0.001\n2000,1.0,0.5,0.001\n"


def test_a_run_without_a_log_has_no_picture(tmp_path: Path) -> None:
    assert draw_curves(tmp_path) is None
    (tmp_path / "log.csv").write_text("samples,loss\n")
    assert draw_curves(tmp_path) is None
    assert not (tmp_path / "curves.png").exists()


@pytest.mark.parametrize("validated", [False, True])
def test_the_picture_has_four_panels(tmp_path: Path, validated: bool) -> None:
    (tmp_path / "log.csv").write_text(LOG)
    if validated:
        (tmp_path / "validation.csv").write_text("samples,auc\n1000,0.2\n2000,0.4\n")
    path = draw_curves(tmp_path)
    assert path == tmp_path / "curves.png"
    picture = cv2.imread(str(path))
    quarter = picture.shape[1] // 4
    line = [bool((abs(picture[:, k * quarter : (k + 1) * quarter].astype(int) - (180, 119, 31)).sum(2) < 30).any())
            for k in range(4)]  # fmt: skip
    assert line == [True, True, True, validated], "a line in the first colour"
