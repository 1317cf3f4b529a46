# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A recorded run of the node: what came back for each frame, and what that amounts to."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stdtrack_ros.errors import SequenceError
from stdtrack_ros.geometry import Box, iou
from stdtrack_ros.tracker.result import Status

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class BoxLog:
    """The results of one target, one row a processed frame, in the order of the stamps.

    Attributes:
        stamps_ns: (N,) int64 of the images.
        boxes: (N, 4) float64, px.
        status: (N,) numbers of `Status`.
        quality: (N,) 0..1.
        velocity: (N, 2) px/s.
        latency_s: (N,) from the arrival of the image in the node to the publication.
        dropped: frames that arrived in the node and were not processed.
    """

    stamps_ns: NDArray[np.int64]
    boxes: Box
    status: NDArray[np.int64]
    quality: FloatArray
    velocity: FloatArray
    latency_s: FloatArray
    dropped: int

    def __len__(self) -> int:
        """Return the number of processed frames."""
        return len(self.stamps_ns)

    @property
    def times_s(self) -> FloatArray:
        """(N,) seconds since the first row."""
        times_s: FloatArray = (self.stamps_ns - self.stamps_ns[:1]).astype(np.float64) * 1e-9
        return times_s


def read_box_log(path: Path) -> BoxLog:
    """Return the rows of a `box_recorder` file that belong to a target (status other than NONE).

    Raises:
        SequenceError: the file cannot be read, or holds no such row.
    """
    try:
        with path.open(encoding="utf-8", newline="") as file:
            whole = [line for line in file if line.endswith("\n")]  # a recorder that is killed leaves half a line
            rows = [row for row in csv.DictReader(whole) if int(row["status"]) != Status.NONE]
    except (OSError, KeyError, ValueError, TypeError) as error:
        raise SequenceError(f"The recorded boxes {path} cannot be read: {error!r}.") from error
    if not rows:
        raise SequenceError(f"The recorded boxes {path} hold no target: it was never started.")
    # While images stall the node repeats the last frame, as LOST: that is no new frame.
    first_of_frame = {(int(row["stamp_ns"]), row["frame_number"]): row for row in reversed(rows)}
    rows = [first_of_frame[frame] for frame in sorted(first_of_frame, key=lambda frame: frame[0])]

    def column(*names: str) -> FloatArray:
        return np.array([[float(row[name]) for name in names] for row in rows])

    return BoxLog(
        stamps_ns=np.array([int(row["stamp_ns"]) for row in rows], dtype=np.int64),
        boxes=column("x", "y", "width", "height"),
        status=column("status")[:, 0].astype(np.int64),
        quality=column("quality")[:, 0],
        velocity=column("velocity_x", "velocity_y"),
        latency_s=column("latency_s")[:, 0],
        dropped=max(int(row["dropped_frames"]) for row in rows),
    )


def newest_row(log: BoxLog, stamp_ns: int) -> int | None:
    """Return the row of the newest result that is not younger than an image: what a robot acts on then. None before."""
    row = int(np.searchsorted(log.stamps_ns, stamp_ns, side="right")) - 1
    return row if row >= 0 else None


def overlaps(log: BoxLog, ground_truth: Mapping[int, Box]) -> dict[int, float]:
    """Return the IoU of each ground-truth box (by stamp in ns) with the newest result at that image; 0 before any."""
    rows = {stamp: newest_row(log, stamp) for stamp in ground_truth}
    return {
        stamp: 0.0 if row is None else float(iou(log.boxes[row], ground_truth[stamp])) for stamp, row in rows.items()
    }


def state_changes(log: BoxLog) -> list[tuple[float, str, str]]:
    """Return time in s, status before and status after of each change."""
    places = np.flatnonzero(np.diff(log.status)) + 1
    return [(float(log.times_s[i]), Status(log.status[i - 1]).name, Status(log.status[i]).name) for i in places]


def summarize(log: BoxLog, images: int, ground_truth: Mapping[int, Box]) -> dict[str, Any]:
    """Return the run in numbers.

    Args:
        images: how many were played.
        ground_truth: hand-made boxes by stamp in ns; a dropped image is scored by the newest result before it.
    """
    duration_s = float(log.times_s[-1])
    found = overlaps(log, ground_truth)
    milliseconds = 1000 * log.latency_s
    return {
        "frames_in": images,
        "frames_tracked": len(log),
        "frames_dropped": log.dropped,
        "frames_not_arrived": max(images - 1 - len(log) - log.dropped, 0),  # one is the frame that was given
        "fps": (len(log) - 1) / duration_s if duration_s > 0 else None,
        "latency_ms_p50": float(np.percentile(milliseconds, 50)),
        "latency_ms_p95": float(np.percentile(milliseconds, 95)),
        "latency_ms_max": float(milliseconds.max()),
        "fraction_tracking": float(np.mean(log.status == Status.TRACKING)),
        "fraction_uncertain": float(np.mean(log.status == Status.UNCERTAIN)),
        "fraction_lost": float(np.mean(log.status == Status.LOST)),
        "state_changes": [{"time_s": time, "from": old, "to": new} for time, old, new in state_changes(log)],
        "annotated_frames": len(ground_truth),
        "annotated_frames_dropped": len(set(ground_truth) - set(log.stamps_ns.tolist())),
        "mean_iou": sum(found.values()) / len(found) if found else None,
        "iou_by_stamp_ns": {str(stamp): value for stamp, value in found.items()},
    }
