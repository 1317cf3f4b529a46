# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Several targets in one stream of images, over one model."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from stdtrack_ros.errors import InputError
from stdtrack_ros.geometry import Box, Pixels
from stdtrack_ros.jpeg_image import JpegImage
from stdtrack_ros.raw_image import RawImage
from stdtrack_ros.settings import TrackerSettings
from stdtrack_ros.tracker.frame_view import CameraImage, FrameView, viewed
from stdtrack_ros.tracker.models.model import Model
from stdtrack_ros.tracker.result import TrackResult
from stdtrack_ros.tracker.tracker import Tracker, run_steps

SHAPE_TOLERANCE = 0.02
"""Largest relative change of an image's aspect ratio under which it is still the same picture at another size."""


@dataclass(frozen=True, slots=True)
class FrameResults:
    """The targets of one frame.

    Attributes:
        results: by target id, in pixels of that frame.
        forgotten: by target id, why a target had to be given up.
    """

    results: dict[str, TrackResult]
    forgotten: dict[str, str]


@dataclass(slots=True)
class _Target:
    tracker: Tracker
    size: tuple[int, int]  # width, height of the image it was started on; later images are brought to this size


class MultiTargetTracker:
    """Targets by id. All their windows of a frame go through the network in one run.

    An image of another size but the same shape is brought to the size that a target was started on.
    """

    def __init__(self, model: Model, settings: TrackerSettings) -> None:
        self.model = model
        self._settings = settings
        self._targets: dict[str, _Target] = {}

    @property
    def settings(self) -> TrackerSettings:
        """Settings of all targets; they may be replaced between two frames."""
        return self._settings

    @settings.setter
    def settings(self, settings: TrackerSettings) -> None:
        self._settings = settings
        for target in self._targets.values():
            target.tracker.settings = settings

    def __len__(self) -> int:
        """Return the number of targets."""
        return len(self._targets)

    def __contains__(self, target_id: str) -> bool:
        """Return whether there is a target of that id."""
        return target_id in self._targets

    def initialize(
        self, target_id: str, image: NDArray[np.generic], box: ArrayLike, stamp_s: float | None = None
    ) -> None:
        """Start a target, or start it again; see `Tracker.initialize`.

        Raises:
            InputError: the image or the box cannot be used; all targets are kept as they were.
        """
        tracker = Tracker(self.model, self._settings)
        tracker.initialize(image, box, stamp_s)
        height, width = image.shape[:2]
        self._targets[target_id] = _Target(tracker, (width, height))

    def start_doubt(self, target_id: str) -> str:
        """Why a target is UNCERTAIN since its start; see `Tracker.start_doubt`."""
        return self._targets[target_id].tracker.start_doubt

    def track(
        self,
        image: NDArray[np.generic] | RawImage | JpegImage,
        stamp_s: float | None = None,
        target_ids: Iterable[str] | None = None,
    ) -> FrameResults:
        """Find targets in the next frame: those named, or all; `finish` then remembers the frame.

        Raises:
            InputError: the image cannot be used; all states are kept.
        """
        chosen = list(self._targets if target_ids is None else target_ids)
        view = viewed(image)
        view.prepare(max((self._expected_scale(target_id, view) for target_id in chosen), default=0.0))
        frame = view.image
        views: dict[tuple[int, int], FrameView] = {}
        forgotten: dict[str, str] = {}
        for target_id in chosen:
            size = self._targets[target_id].size
            try:
                views[size] = views.get(size) or FrameView(_resized(frame, size))
            except InputError as error:
                forgotten[target_id] = str(error)
                self.forget(target_id)
        kept = {target_id: self._targets[target_id] for target_id in chosen if target_id not in forgotten}
        steps = [target.tracker.step(views[target.size], stamp_s, remember_later=True) for target in kept.values()]
        results = run_steps(self.model, steps)
        return FrameResults(
            {
                target_id: _scaled(result, frame, target.size)
                for (target_id, target), result in zip(kept.items(), results, strict=True)
            },
            forgotten,
        )

    def finish(self, spare_s: float = math.inf) -> None:
        """Remember the last frame, once its results are on their way; the next `track` does it if nobody has.

        Until then the pixels of that frame must stay as they are.

        Args:
            spare_s: time until the next frame is due; what can wait, and does not fit in, is left out.
        """
        begun = time.perf_counter()
        for target in self._targets.values():
            target.tracker.finish(spare_s - (time.perf_counter() - begun))

    def _expected_scale(self, target_id: str, frame: FrameView) -> float:
        target = self._targets[target_id]
        return target.tracker.expected_scale if target.size == (frame.width, frame.height) else 1.0

    def forget(self, target_id: str | None = None) -> None:
        """Forget one target, or all of them."""
        if target_id is None:
            self._targets.clear()
        else:
            self._targets.pop(target_id, None)


def _factors(image: CameraImage, size: tuple[int, int]) -> Box:
    """Return the factors (4,) from pixels of an image of `size` to pixels of the image."""
    return np.tile([image.shape[1] / size[0], image.shape[0] / size[1]], 2)


def _resized(image: CameraImage, size: tuple[int, int]) -> CameraImage:
    """Bring the image to the size (width, height) that its targets were started on."""
    height, width = image.shape[:2]
    if (width, height) == size:
        return image
    scale_x, scale_y = _factors(image, size)[:2]
    if abs(scale_x / scale_y - 1.0) >= SHAPE_TOLERANCE:
        raise InputError(
            f"The image changed from {size[0]}x{size[1]} to {width}x{height} px, which is another shape; "
            "start the target again."
        )
    resized: Pixels = cv2.resize(
        np.asarray(image), size, interpolation=cv2.INTER_AREA if scale_x > 1 else cv2.INTER_LINEAR
    )
    return resized


def _scaled(result: TrackResult, image: CameraImage, size: tuple[int, int]) -> TrackResult:
    factors = _factors(image, size)
    return replace(
        result,
        box=result.box * factors,
        covariance=result.covariance * np.outer(factors, factors),
        velocity=result.velocity * factors[:2],
    )
