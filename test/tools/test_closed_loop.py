# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The loop closed in MuJoCo, with the model that ships: follow, lose behind a wall, stand still, find, follow."""

from __future__ import annotations

import math
import sys
from pathlib import Path

import pytest

pytest.importorskip("rclpy")
pytest.importorskip("stdtrack_ros.msg", reason="the messages are not built")
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))
try:
    from closed_loop import LOST, RATE, TRACKING, Moment, Simulation, run, summary
except (ImportError, AttributeError, OSError) as error:  # what MuJoCo raises without a renderer
    pytest.skip(f"MuJoCo (requirements/sim.txt) cannot draw here: {error}", allow_module_level=True)

pytestmark = pytest.mark.ros


def moment(time_s: float, hidden: bool, status: int, overlap: float = 0.8, speed: float = 0.0) -> Moment:
    return Moment(time_s, hidden, status, overlap, speed, 0.0, 0.1, "")


def test_a_run_is_judged_by_what_happened() -> None:
    seen = [moment(index / RATE, False, TRACKING, speed=0.3) for index in range(20)]
    hidden = [moment(2.0 + index / RATE, True, TRACKING if index < 3 else LOST, 0.0) for index in range(10)]
    late = [moment(3.0 + index / RATE, False, LOST if index < 4 else TRACKING) for index in range(20)]
    found = summary(7, seen + hidden + late)
    assert found.success and (found.hidden_s, found.moved_lost) == (1.0, 0.0)
    assert found.lost_after_s == pytest.approx(0.3) and found.found_after_s == pytest.approx(0.5)
    assert found.on_target == pytest.approx(36 / 40) and found.on_other == pytest.approx(3 / 50)
    assert not summary(7, seen + hidden).success, "never found again"
    assert math.isnan(summary(7, seen).lost_after_s) and not summary(7, seen).success


def test_what_is_true_in_the_scene_agrees_with_what_is_drawn() -> None:
    world = Simulation(0)
    x, y, width, height = world.box()
    middle = world.depth()[round(y + height / 2), round(x + width / 2)]
    assert middle == pytest.approx(world.distance(), abs=0.35), "the walker's own thickness"
    assert not world.hidden()
    wall_x, wall_y, _ = world.model.geom("wall").pos
    world.data.mocap_pos[0] = (wall_x + 1.0, wall_y, 0.0)
    assert world.hidden()
    world.close()


@pytest.mark.slow
def test_a_robot_follows_loses_stands_still_and_finds() -> None:
    moments = run(9)
    found = summary(9, moments)
    assert found.hidden_s > 1.0, "the wall hides the walker"
    assert found.success, found
    assert found.moved_lost == 0.0 and found.on_other == 0.0
    assert found.on_target > 0.6 and abs(found.distance_error_m) < 0.4
    assert max(m.forward for m in moments) > 0.1, "it drives"
