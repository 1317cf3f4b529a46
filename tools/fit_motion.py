#!/usr/bin/env python3
# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Fits the motion model's noise to the errors that a tracker really makes on annotated sequences.

    python tools/fit_motion.py DATA/train_video_1.tar DATA/train_video_2.tar --out motion.yaml

Noise of a measured box: of the frames on the target, scaled by 1 + gain * (1 - quality), such that 90 % of the centres
(and of the sizes) lie in the ellipse for 90 %; the gain makes that hold best in each band of the quality. Noise of the
motion: the filter is run along the tracker's boxes and then coasts, from every fifth frame on, for up to a second; of
the noises tried, those whose 50 % and 90 % ellipses hold the ground truth most nearly as often as they should, early,
later and late. `velocity_decay_time` is not fitted: it says how far a window may run ahead.

Noise of doubt: the tracker runs with loss detection over the same sequences with the target staged to vanish (as
`stdtrack redetection` does), and the ellipse for 90 % is to hold 90 % of the centres while it is UNCERTAIN. Fit on
sequences that nothing is evaluated on.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
import yaml
from numpy.typing import NDArray

from stdtrack_ros.cli.redetection import stage_all
from stdtrack_ros.evaluation.metrics.accuracy import overlaps
from stdtrack_ros.evaluation.metrics.covariance_consistency import distances, ellipse_radius
from stdtrack_ros.evaluation.metrics.failures import LOST_IOU
from stdtrack_ros.evaluation.redetection import StatusRun, run_with_status
from stdtrack_ros.geometry import box_center
from stdtrack_ros.sequences.annotated import open_annotated
from stdtrack_ros.sequences.sequence import Sequence
from stdtrack_ros.settings import MotionSettings, make_settings
from stdtrack_ros.tracker import Tracker, load_model
from stdtrack_ros.tracker.motion import MotionModel
from stdtrack_ros.tracker.result import Status

GAINS = np.arange(0.0, 30.5, 0.5)
BANDS = (0.0, 0.5, 0.8, 0.9, 0.95, 1.01)
"""Edges of the bands of quality; those with fewer than BAND_FRAMES frames are left out."""
BAND_FRAMES = 20
NOISES = np.geomspace(0.05, 20.0, 27)
DOUBTS = np.arange(0.0, 10.0, 0.05)
WARM_UP, STRIDE, HORIZON = 8, 5, 30
"""Frames before the first coasting, between two, and of each."""
STAGES = ((0, 3), (3, 9), (9, HORIZON))
"""Frames of a coasting whose coverage counts alike."""


@dataclass(frozen=True)
class Track:
    """What a tracker did on one sequence: boxes and ground truth (N, 4) px, qualities (N,), stamps_s (N,)."""

    boxes: NDArray[np.float64]
    ground_truth: NDArray[np.float64]
    qualities: NDArray[np.float64]
    stamps_s: NDArray[np.float64]


def main(
    paths: list[Path],
    out: Annotated[Path, typer.Option(help="YAML of the settings that were found.")] = Path("motion.yaml"),
    every: Annotated[int, typer.Option(min=1, help="Take every n-th sequence only.")] = 1,
    model: Annotated[str, typer.Option(help="Model file; empty: the one that ships.")] = "",
) -> None:
    """Run the tracker over the sequences without loss detection, and with it over staged ones, and fit."""
    settings = make_settings({"model.path": model, "status.enabled": False})
    tracker = Tracker(load_model(settings), settings)
    sequences = [sequence for path in paths for sequence in open_annotated(path)][::every]
    found = fit([record(tracker, sequence) for sequence in sequences])
    trial = found.model_copy(update={"doubt_noise": 0.0})
    tracker.settings = make_settings({"model.path": model}).model_copy(update={"motion": trial})
    staged = [run_with_status(tracker, sequence) for sequence in [*sequences, *stage_all(sequences)]]
    found = found.model_copy(update={"doubt_noise": fit_doubt(staged)})
    fitted = found.model_dump(exclude={"enabled", "velocity_decay_time"})
    values = {name: round(float(value), 3) for name, value in fitted.items()}
    text = yaml.safe_dump({"motion": values}, sort_keys=False)
    out.write_text(text, encoding="utf-8")
    typer.echo(text)


def record(tracker: Tracker, sequence: Sequence) -> Track:
    """Record one pass from the first box."""
    boxes, qualities = np.array(sequence.boxes, dtype=np.float64), np.ones(len(sequence))
    tracker.initialize(sequence.frame(0), sequence.boxes[0], float(sequence.stamps_s[0]))
    for index in range(1, len(sequence)):
        result = tracker.track(sequence.frame(index), float(sequence.stamps_s[index]))
        boxes[index], qualities[index] = result.box, result.quality
    return Track(boxes, np.asarray(sequence.boxes), qualities, np.asarray(sequence.stamps_s))


def fit(tracks: list[Track]) -> MotionSettings:
    """Fit the settings that suit the errors of these tracks."""
    found = fit_measurement(tracks)
    trials = [found.model_copy(update={"acceleration_noise": n, "growth_noise": n}) for n in map(float, NOISES)]
    misses = np.array([_coasting_misses(tracks, trial) for trial in trials])
    best = misses.argmin(axis=0)
    return found.model_copy(
        update={"acceleration_noise": float(NOISES[best[0]]), "growth_noise": float(NOISES[best[1]])}
    )


def fit_measurement(tracks: list[Track]) -> MotionSettings:
    """Fit `center_noise`, `size_noise` and `low_quality_noise_gain` to frames on the target."""
    errors, qualities = [], []
    for track in tracks:
        on = overlaps(track.boxes, track.ground_truth) >= LOST_IOU
        on[0] = False
        boxes, ground_truth = track.boxes[on], track.ground_truth[on]
        size = np.sqrt(boxes[:, 2] * boxes[:, 3])
        centers = np.hypot(*(box_center(boxes) - box_center(ground_truth)).T) / size
        sides = np.hypot(*(boxes[:, 2:] - ground_truth[:, 2:]).T) / size
        errors.append(np.stack((centers, sides), axis=1))
        qualities.append(track.qualities[on])
    error, quality = np.concatenate(errors), np.concatenate(qualities)
    bands = [(quality >= low) & (quality < high) for low, high in pairwise(BANDS)]
    bands = [band for band in bands if band.sum() >= BAND_FRAMES]

    def trial(gain: float) -> tuple[float, NDArray[np.float64]]:
        scaled = error / (1.0 + gain * (1.0 - quality))[:, None]
        noise = np.mean([np.quantile(scaled[some], 0.9, axis=0) for some in bands], axis=0) / ellipse_radius(0.9)
        inside = np.array([(scaled[some] <= noise * ellipse_radius(0.9)).mean(axis=0) for some in bands])
        return float(((inside - 0.9) ** 2).sum()), noise

    gain = min(map(float, GAINS), key=lambda value: trial(value)[0])
    center, size = trial(gain)[1]
    return MotionSettings(low_quality_noise_gain=gain, center_noise=float(center), size_noise=float(size))


def fit_doubt(runs: list[StatusRun]) -> float:
    """Fit `doubt_noise` to runs that were made without it; 0 if they are never UNCERTAIN where the target is known."""
    boxes, places, covariances, statuses = (
        np.concatenate([getattr(run, name) for run in runs]) for name in ("boxes", "places", "covariances", "statuses")
    )
    known = (statuses == int(Status.UNCERTAIN)) & ~np.isnan(boxes + places).any(axis=1)
    if not known.any():
        return 0.0
    size = np.sqrt(np.maximum(boxes[known, 2] * boxes[known, 3], 1.0))
    error = np.hypot(*(box_center(boxes[known]) - box_center(places[known])).T) / size
    variance = covariances[known, 0, 0] / size**2
    inside = [float((error <= ellipse_radius(0.9) * np.sqrt(variance + doubt**2)).mean()) for doubt in DOUBTS]
    return float(DOUBTS[np.abs(np.array(inside) - 0.9).argmin()])


def coasting(tracks: list[Track], settings: MotionSettings) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return frames since the last measurement (M,), and Mahalanobis distances of centre and of size (M, 2)."""
    ages, found = [], []
    for track in tracks:
        on = overlaps(track.boxes, track.ground_truth) >= LOST_IOU
        motion, steps = MotionModel(track.boxes[0], settings), np.diff(track.stamps_s)
        for index in range(1, len(steps)):
            motion.predict(float(steps[index - 1]), settings)
            motion.correct(track.boxes[index], float(track.qualities[index]), settings)
            if index < WARM_UP or index % STRIDE or not on[index]:
                continue
            alone = copy.copy(motion)
            for age, step in enumerate(steps[index : index + HORIZON]):
                alone.predict(float(step), settings)
                ground_truth = track.ground_truth[index + 1 + age]
                ages.append(age)
                found.append(distances(alone.box[None], alone.box_covariance[None], ground_truth[None])[0])
    known = ~np.isnan(np.array(found)[:, 0])
    return np.array(ages)[known], np.array(found)[known]


def _coasting_misses(tracks: list[Track], settings: MotionSettings) -> NDArray[np.float64]:
    ages, found = coasting(tracks, settings)
    stages = [found[(ages >= begin) & (ages < end)] for begin, end in STAGES]
    squares = [
        ((stage <= ellipse_radius(probability)).mean(axis=0) - probability) ** 2
        for stage in stages
        for probability in (0.5, 0.9)
    ]
    return np.asarray(np.sum(squares, axis=0))


if __name__ == "__main__":
    typer.run(main)
