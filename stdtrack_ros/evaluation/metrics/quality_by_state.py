# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Is the quality a probability in every state, and at every age of the track?"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from stdtrack_ros.evaluation.metrics.accuracy import FloatArray, overlaps
from stdtrack_ros.evaluation.metrics.calibration import RIGHT_IOU, area_under_roc, calibrate
from stdtrack_ros.evaluation.redetection import StatusRun
from stdtrack_ros.tracker.result import Status

AGES_S = (0.0, 1.0, 3.0, np.inf)
"""Edges of the classes of a track's age."""


@dataclass(frozen=True, slots=True)
class Reliability:
    """How good the quality of some frames is; fractions are NaN without frames.

    Attributes:
        frames: how many.
        mean_quality: of them. fraction_right: those whose box has an IoU of at least 0.5; none if the target is absent.
        ece: expected calibration error. brier: mean squared distance of the quality from 1 (right) or 0.
        roc_area: how often a right frame has a higher quality than a wrong one.
    """

    frames: int
    mean_quality: float
    fraction_right: float
    ece: float
    brier: float
    roc_area: float


def report_calibration(runs: Iterable[StatusRun]) -> dict[str, Reliability]:
    """Return the reliability of all frames, by status, and by age of the track."""
    kept = list(runs)
    statuses, ages, qualities, ious = (
        np.concatenate(parts)
        for parts in zip(
            *(
                (
                    run.statuses[1:],
                    run.stamps_s[1:] - run.stamps_s[0],
                    run.qualities[1:],
                    np.nan_to_num(overlaps(run.boxes, run.ground_truth))[1:],
                )
                for run in kept
            ),
            strict=True,
        )
    )
    chosen = {"all": np.ones(len(statuses), dtype=bool)}
    chosen |= {status.name: statuses == int(status) for status in (Status.TRACKING, Status.UNCERTAIN, Status.LOST)}
    for begin, end in pairwise(AGES_S):
        name = f"from {begin:g} to {end:g} s" if np.isfinite(end) else f"after {begin:g} s"
        chosen[name] = (ages > begin) & (ages <= end)
    return {name: _reliability(qualities[some], ious[some]) for name, some in chosen.items()}


def _reliability(qualities: FloatArray, ious: FloatArray) -> Reliability:
    found, right = calibrate(qualities, ious), ious >= RIGHT_IOU
    if not len(qualities):
        return Reliability(0, *[float("nan")] * 5)
    return Reliability(
        len(qualities),
        float(qualities.mean()),
        float(right.mean()),
        found.ece,
        found.brier,
        area_under_roc(qualities, right),
    )
