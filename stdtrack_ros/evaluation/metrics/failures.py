# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""When a tracker lost its target, when it had it back, and whether it said so."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from stdtrack_ros.evaluation.metrics.accuracy import FloatArray

LOST_IOU = 0.1
"""IoU under which a frame counts as off the target."""
LOST_FRAMES = 5
"""Frames with known ground truth in a row off the target that make a failure."""
RECOVERED_IOU = 0.5
"""IoU that ends a failure."""
CONFIDENT_QUALITY = 0.5
"""Quality from which a tracker counts as confident."""


@dataclass(frozen=True, slots=True)
class TrackingFailure:
    """One failure of the target.

    Attributes:
        begin: first frame off the target.
        end: first frame back on it; None if the sequence ends before.
    """

    begin: int
    end: int | None


def find_failures(ious: FloatArray) -> list[TrackingFailure]:
    """Return the failures in (N,) IoUs: LOST_FRAMES known frames in a row under LOST_IOU, until one with RECOVERED_IOU.

    Frames without ground truth (NaN) neither count nor interrupt.
    """
    failures: list[TrackingFailure] = []
    begin, run = -1, 0
    lost = False
    for index in np.flatnonzero(~np.isnan(ious)):
        if lost:
            if ious[index] >= RECOVERED_IOU:
                failures[-1] = TrackingFailure(failures[-1].begin, int(index))
                lost, run = False, 0
            continue
        if ious[index] >= LOST_IOU:
            run = 0
            continue
        begin, run = (int(index), 1) if run == 0 else (begin, run + 1)
        if run == LOST_FRAMES:
            failures.append(TrackingFailure(begin, None))
            lost = True
    return failures


@dataclass(frozen=True, slots=True)
class FalseConfidence:
    """How often a tracker was sure of itself while it was wrong.

    Attributes:
        missed: frames with known ground truth and an IoU of 0 in which the tracker gave a quality.
        confident: those of them with a quality of at least CONFIDENT_QUALITY.
        absent: frames without ground truth (target absent or not known) in which the tracker gave a quality.
        confident_absent: those of them with a quality of at least CONFIDENT_QUALITY.
    """

    missed: int
    confident: int
    absent: int
    confident_absent: int

    @property
    def rate(self) -> float:
        """Fraction of the missed frames in which the tracker was confident; NaN if it missed none."""
        return self.confident / self.missed if self.missed else float("nan")


def false_confidence(ious: FloatArray, qualities: FloatArray) -> FalseConfidence:
    """Count over (N,) IoUs and qualities; frames without a quality (NaN) are left out."""
    given = ~np.isnan(qualities)
    confident = given & (np.nan_to_num(qualities) >= CONFIDENT_QUALITY)
    missed = given & (ious == 0.0)
    absent = given & np.isnan(ious)
    return FalseConfidence(
        int(missed.sum()), int((missed & confident).sum()), int(absent.sum()), int((absent & confident).sum())
    )
