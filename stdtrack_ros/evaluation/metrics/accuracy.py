# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Accuracy of boxes against the ground truth, as the benchmarks define it; formulas in `docs/evaluation.md`.

Frames whose ground truth is NaN (absent, or not known) count in no metric. If the ground truth is known and the tracker
gives no box (NaN), the IoU is 0 and the centre error infinite. Success and precision count all frames, the first one
too (as OTB, LaSOT and UAV123 do); AO and SR leave the first frame out, since its box is given (as GOT-10k does).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stdtrack_ros.geometry import box_center, iou

FloatArray = NDArray[np.float64]

SUCCESS_THRESHOLDS: FloatArray = np.linspace(0.0, 1.0, 21, dtype=np.float64)
PRECISION_THRESHOLDS_PX: FloatArray = np.linspace(0.0, 50.0, 51, dtype=np.float64)
NORM_PRECISION_THRESHOLDS: FloatArray = np.linspace(0.0, 0.5, 51, dtype=np.float64)


@dataclass(frozen=True, slots=True)
class Scores:
    """The accuracy of one run over one sequence, or the mean over several; 0..1, NaN without ground truth.

    Attributes:
        auc: area under the success curve over 21 IoU thresholds.
        precision: fraction of frames with a centre error of at most 20 px.
        norm_precision: mean of the normalised precision over thresholds 0..0.5 (TrackingNet's and GOT-10k's NP).
        norm_precision_02: normalised precision at 0.2 (LaSOT's).
        ao: average overlap, without the first frame.
        sr50, sr75: fraction of frames, without the first, with an IoU above 0.5 and 0.75.
    """

    auc: float
    precision: float
    norm_precision: float
    norm_precision_02: float
    ao: float
    sr50: float
    sr75: float


def overlaps(boxes: ArrayLike, ground_truth: ArrayLike) -> FloatArray:
    """Return the (N,) IoU of (N, 4) boxes with the (N, 4) ground truth: NaN if that is not known, 0 without a box."""
    value = iou(boxes, ground_truth)
    value[known(ground_truth) & np.isnan(value)] = 0.0
    return value


def known(ground_truth: ArrayLike) -> NDArray[np.bool_]:
    """Return (N,) whether the (N, 4) ground truth has a box of positive size in that frame."""
    array = np.asarray(ground_truth, dtype=np.float64)
    return np.asarray(np.isfinite(array).all(axis=1) & (array[:, 2:] > 0).all(axis=1))


def scored_ground_truth(ground_truth: ArrayLike, start: int) -> FloatArray:
    """Return (N - start, 4) of the (N, 4) ground truth from the start on; all NaN where only the start's is known.

    That box was given: a test set whose ground truth is withheld would else score each tracker as perfect.
    """
    later = np.array(ground_truth, dtype=np.float64)[start:]
    if not known(later[1:]).any():
        later[:] = np.nan
    return later


def center_errors(boxes: ArrayLike, ground_truth: ArrayLike) -> FloatArray:
    """Return (N,) distance of the centres in px: NaN without ground truth, infinite without a box."""
    return _lengths(box_center(boxes) - box_center(ground_truth), ground_truth)


def normalized_errors(boxes: ArrayLike, ground_truth: ArrayLike) -> FloatArray:
    """Return the (N,) distance of the centres in widths and heights of the ground truth (TrackingNet, Eq. 3)."""
    size = np.asarray(ground_truth, dtype=np.float64)[:, 2:]
    with np.errstate(divide="ignore", invalid="ignore"):
        differences: FloatArray = (box_center(boxes) - box_center(ground_truth)) / size
    return _lengths(differences, ground_truth)


def _lengths(differences: FloatArray, ground_truth: ArrayLike) -> FloatArray:
    lengths: FloatArray = np.linalg.norm(differences, axis=1)
    lengths[np.isnan(lengths)] = np.inf
    lengths[~known(ground_truth)] = np.nan
    return lengths


def success_curve(ious: FloatArray) -> FloatArray:
    """Return (21,) fraction of frames whose IoU lies above each threshold."""
    return _fraction(ious[~np.isnan(ious), None] > SUCCESS_THRESHOLDS)


def precision_curve(errors_px: FloatArray) -> FloatArray:
    """Return (51,) fraction of frames whose centre error is at most 0, 1, ... 50 px."""
    return _fraction(errors_px[~np.isnan(errors_px), None] <= PRECISION_THRESHOLDS_PX)


def norm_precision_curve(errors: FloatArray) -> FloatArray:
    """Return (51,) fraction of frames whose normalised centre error is at most 0, 0.01, ... 0.5."""
    return _fraction(errors[~np.isnan(errors), None] <= NORM_PRECISION_THRESHOLDS)


def _fraction(hits: NDArray[np.bool_]) -> FloatArray:
    return np.asarray(hits.mean(axis=0)) if len(hits) else np.full(hits.shape[1], np.nan)


def score(boxes: ArrayLike, ground_truth: ArrayLike) -> Scores:
    """Compute all figures of one run: (N, 4) boxes against (N, 4) ground truth."""
    ious = overlaps(boxes, ground_truth)
    precision = precision_curve(center_errors(boxes, ground_truth))
    normalized = norm_precision_curve(normalized_errors(boxes, ground_truth))
    later = ious[1:][~np.isnan(ious[1:])]
    return Scores(
        auc=float(success_curve(ious).mean()),
        precision=float(precision[20]),
        norm_precision=float(normalized.mean()),
        norm_precision_02=float(normalized[20]),
        ao=mean(later),
        sr50=mean(later > 0.5),
        sr75=mean(later > 0.75),
    )


def mean(values: ArrayLike) -> float:
    """Return the mean of what is not NaN; NaN if nothing is."""
    array = np.asarray(values, dtype=np.float64)
    array = array[~np.isnan(array)]
    return float(array.mean()) if len(array) else float("nan")
