# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Two targets in one window, by hand; and the network that ships, whose choice between them must follow its memory."""

from __future__ import annotations

import numpy as np
import pytest
from painted_targets import write_targets

from stdtrack_ros.evaluation.arms import PUBLISHED, list_clips, parse_arm
from stdtrack_ros.evaluation.memory_bench.bench import plan, run_bench
from stdtrack_ros.evaluation.memory_bench.conditions import CONDITIONS
from stdtrack_ros.evaluation.memory_bench.objects import ObjectBank
from stdtrack_ros.evaluation.memory_bench.two_targets import halves, is_first


def test_two_targets_stand_side_by_side() -> None:
    left, right = np.zeros((100, 200, 3), np.uint8), np.zeros((100, 200, 3), np.uint8)
    left[40:60, 90:110], right[30:40, 20:60] = (255, 0, 0), (0, 255, 0)
    boxes = np.array([90.0, 40, 20, 20]), np.array([20.0, 30, 40, 10])
    window, first, second = halves((left, boxes[0]), (right, boxes[1]), 4.0, 128)
    np.testing.assert_allclose(first, [16, 48, 32, 32])
    np.testing.assert_allclose(second, [64, 56, 64, 16])
    assert window[64, 32].tolist() == [255, 0, 0]
    assert window[64, 96].tolist() == [0, 255, 0]
    assert is_first(first, first, second) is True
    assert is_first(second, first, second) is False
    assert is_first(first + np.array([0, 60, 0, 0]), first, second) is None


@pytest.fixture(scope="module")
def correct(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], float]:
    """Fraction of 64 windows in which the shipped network takes the target, by template and memory."""
    folder = write_targets(tmp_path_factory.mktemp("targets"), 16)
    settings = parse_arm("shipped=model.threads=1,model.precision=fp32", PUBLISHED).settings
    outcomes = run_bench(plan(ObjectBank(list_clips([folder])), ["two targets"], 32, seed=0), settings)
    return {
        (template, condition): float(
            np.mean(
                [one.on_target for one in outcomes if one.variant.startswith(template) and one.condition == condition]
            )
        )
        for template in ("own", "vague")
        for condition in CONDITIONS
    }


def test_the_shipped_network_needs_its_own_memory(correct: dict[tuple[str, str], float]) -> None:
    """With a template that tells nothing, the memory decides: without it, or with another video's, it is a guess."""
    assert correct["vague", "own"] >= correct["vague", "another's"] + 0.2
    assert correct["vague", "own"] >= correct["vague", "none"] + 0.2
    assert correct["vague", "own"] > 0.65


def test_the_memory_of_another_video_does_not_outvote_the_template(correct: dict[tuple[str, str], float]) -> None:
    assert correct["own", "another's"] > 0.65
