# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""STARK in the node: a small network of it, untrained, in ONNX, over real DDS."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from moving_scene import Scene
from node_bench import Bench, running
from stdtrack_ros.msg import TrackedBox

from stdtrack_ros.settings import make_settings
from stdtrack_ros.tracker import create_tracker

pytest.importorskip("torch")

from tiny_stark import tiny_stark

from stdtrack_ros.network.families import export_onnx
from stdtrack_ros.network.stark.model import Stark

pytestmark = pytest.mark.ros
SCENE = Scene()


def test_the_node_gives_the_boxes_of_the_tracker(bench: Bench, tmp_path: Path) -> None:
    export_onnx(Stark(tiny_stark()), tmp_path / "stark.onnx")
    values = {"tracker": "stark_st50", "model.path": str(tmp_path / "stark.onnx"), "status.enabled": False}
    values |= {"stark.update_interval": 2, "stark.update_score": 0.0}
    alone = create_tracker(make_settings(values))
    parameters = {name.replace(".", "__"): value for name, value in values.items()}
    with running(tmp_path / "log", bench, script="../../scripts/tracker_node", **parameters) as node:
        bench.start_on(SCENE.box(0), at=bench.answer(SCENE.image(0)).header)
        alone.initialize(SCENE.image(0), SCENE.box(0))
        for index in range(1, 7):
            answer, expected = bench.answer(SCENE.image(index)), alone.track(SCENE.image(index))
            assert answer.status == TrackedBox.STATUS_TRACKING, node.output
            np.testing.assert_allclose([answer.x, answer.y, answer.width, answer.height], expected.box, atol=1e-3)
            assert answer.quality == pytest.approx(expected.quality, abs=1e-5)
        assert "stark_st50" in str(bench.report())
