# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Costs by size, number and status: the cases are what their names say."""

from __future__ import annotations

import numpy as np

from stdtrack_ros.benchmark.costs import IMAGE_SIZES, TARGET_COUNTS, TARGET_SIDES, Case, lost_target, measure_costs
from stdtrack_ros.benchmark.footage import painted_footage
from stdtrack_ros.settings import make_settings
from stdtrack_ros.tracker import load_model
from stdtrack_ros.tracker.result import Status

SETTINGS = make_settings({"model.threads": 1, "model.provider": "cpu"})


def test_every_case_is_measured_the_same_number_of_times() -> None:
    calls: list[int] = []
    found = measure_costs(load_model(SETTINGS), SETTINGS, 2, lambda: float(len(calls)) if calls.append(1) else 0.0)
    cases = len(IMAGE_SIZES) + len(TARGET_SIDES) + len(TARGET_COUNTS)
    assert len(found) in (cases, cases + 1)  # LOST, where the tracker says so
    assert len(calls) == 2 * 7 * len(found)
    assert {"3840x2160 px", "target of 32 px", "1 target", "4 targets"} <= set(found)


def test_frames_go_forth_and_back_with_all_targets() -> None:
    footage = painted_footage(320, 240, 3, side=40)
    case = Case.started(load_model(SETTINGS), SETTINGS, footage, 3)
    shown: list[int] = []
    track = case.tracker.track

    def listening(image: np.ndarray, stamp_s: float) -> object:
        shown.append(next(i for i, frame in enumerate(footage.frames) if frame is image))
        return track(image, stamp_s)

    case.tracker.track = listening  # type: ignore[method-assign,assignment]
    for _ in range(8):
        case.step()
    assert shown == [1, 2, 3, 2, 1, 0, 1, 2]
    assert len(case.tracker) == 3


def test_a_target_that_has_left_is_lost() -> None:
    case = lost_target(load_model(SETTINGS), SETTINGS)
    assert case is not None and case.step() == {Status.LOST}
