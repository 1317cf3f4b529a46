# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A tracker family from outside the package, in the node, over real DDS."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from node_bench import Bench, running
from painted_clips import PaintedClip
from reddest import install, installed
from stdtrack_ros.msg import TrackedBox

from stdtrack_ros.settings import make_settings
from stdtrack_ros.tracker import create_tracker

torch = pytest.importorskip("torch")

from reddest.network import Reddest, ReddestConfig  # noqa: E402

from stdtrack_ros.network.families import export_onnx  # noqa: E402

pytestmark = pytest.mark.ros
CLIP = PaintedClip("red", 8)


@pytest.fixture
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Install the family; return its exported model."""
    with installed(install(tmp_path / "site"), monkeypatch):
        export_onnx(Reddest(ReddestConfig()), tmp_path / "reddest.onnx")
        yield tmp_path / "reddest.onnx"


def test_the_node_runs_it_with_its_own_parameters(bench: Bench, model: Path, tmp_path: Path) -> None:
    values = {"tracker": "reddest", "model.path": str(model), "reddest.size_factor": 1.25, "status.enabled": False}
    alone = create_tracker(make_settings(values))
    parameters = {name.replace(".", "__"): value for name, value in values.items()}
    with running(tmp_path / "log", bench, script="../../scripts/tracker_node", **parameters) as node:
        bench.start_on(tuple(CLIP.boxes[0]), at=bench.answer(CLIP.frame(0)).header)
        alone.initialize(CLIP.frame(0), CLIP.boxes[0])
        for index in range(1, 5):
            answer, expected = bench.answer(CLIP.frame(index)), alone.track(CLIP.frame(index))
            assert answer.status == TrackedBox.STATUS_TRACKING, node.output
            np.testing.assert_allclose([answer.x, answer.y, answer.width, answer.height], expected.box, atol=1e-3)
        assert "no parameter named" not in node.output
        assert "not calibrated" in node.output
        assert "reddest" in str(bench.report()) and "not calibrated" in str(bench.report())
