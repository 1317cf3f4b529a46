# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""STARK's tracking loop (section 3.2, "Training and Inference"): a box a frame, and a template renewed now and then.

There is no post-processing: no window, no smoothing, no penalty.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from stdtrack_ros.geometry import Box, Image
from stdtrack_ros.settings import TrackerSettings
from stdtrack_ros.tracker.backends.backend import Backend, model_info
from stdtrack_ros.tracker.frame_view import FrameView
from stdtrack_ros.tracker.models.calibration import Calibration
from stdtrack_ros.tracker.models.model import FloatArray, ModelInfo, Prediction

CELL_PX = 16
"""Side of a cell in pixels of a crop: the network's stride."""

MIN_SIDE_PX = 10.0
"""Smallest side of a box in pixels of the search crop; without it the next window could shrink to nothing."""

Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class StarkState:
    """What one target carries from frame to frame.

    Attributes:
        features: (T, N, d) of the initial and the dynamic template.
        outside: (T, m / 16, m / 16) bool of the two.
        frames: how many frames were remembered since the start.
    """

    features: FloatArray
    outside: Mask
    frames: int


class StarkModel:
    """Runs STARK on any backend.

    Quality is the score head's value in ST variants: the network's belief that the window holds the target. STARK-S50
    has no such head; its quality is the concentration of the corner maps (see `network.stark.heads.CornerHead`), which
    falls when the network is unsure where the corners lie, but was never trained to tell that the target is gone.
    """

    def __init__(self, backend: Backend, settings: TrackerSettings) -> None:
        self.backend, self.settings = backend, settings.stark
        self.calibration = Calibration.of(backend.metadata)
        network = backend.metadata["network"]
        self._templates, self._has_score = int(network["templates"]), bool(network["score_head"])

    @property
    def info(self) -> ModelInfo:
        """What this network is and where it runs."""
        return model_info(self.backend, self.backend.metadata["network"]["name"])

    def start(self, frame: FrameView, box: Box) -> StarkState:
        """Return the state of a new target; the dynamic template is the initial one until a better one is seen."""
        features, outside = self._encode(frame, box)
        return StarkState(np.repeat(features, self._templates, axis=0), np.repeat(outside, self._templates, axis=0), 0)

    def step(
        self, states: Sequence[StarkState], searches: Image, window_influences: Sequence[float]
    ) -> list[Prediction]:
        """Return one prediction per state; STARK has no window, so `window_influences` change nothing."""
        search, search_outside = blacken_outside(searches)
        found = self.backend.run(
            "step",
            {
                "search": search,
                "search_outside": search_outside,
                "features": np.stack([state.features for state in states]),
                "features_outside": np.stack([state.outside for state in states]),
            },
        )
        return [
            Prediction(
                _grown(box.astype(np.float64)),
                self.calibration.of_score(float(score)),
                float("nan"),
                output=float(score),
            )
            for box, score in zip(found["box"], found["score"], strict=True)
        ]

    def remember(self, state: StarkState, prediction: Prediction, frame: FrameView, box: Box) -> StarkState:
        """Count the frame; every `update_interval` frames take it as dynamic template if its score is high enough.

        A network without a score head takes every frame that is due (table 7, row 5).
        """
        counted = replace(state, frames=state.frames + 1)
        trusted = not self._has_score or prediction.output > self.settings.update_score
        if self._templates < 2 or counted.frames % self.settings.update_interval or not trusted:
            return counted
        features, outside = self._encode(frame, box)
        return replace(
            counted,
            features=np.concatenate([state.features[:1], features]),
            outside=np.concatenate([state.outside[:1], outside]),
        )

    def without_memory(self, state: StarkState) -> StarkState:
        """See `Model.without_memory`: the dynamic template is the initial one again."""
        count = self._templates
        return StarkState(np.repeat(state.features[:1], count, axis=0), np.repeat(state.outside[:1], count, axis=0), 0)

    def with_memory_of(self, state: StarkState, other: StarkState) -> StarkState:
        """See `Model.with_memory_of`: the dynamic template of the other."""
        if not _has_later_look(other):
            return self.without_memory(state)
        features = np.concatenate([state.features[:1], other.features[1:]])
        return StarkState(features, np.concatenate([state.outside[:1], other.outside[1:]]), other.frames)

    def with_templates_of(self, state: StarkState, others: Sequence[StarkState]) -> StarkState:
        """See `Model.with_templates_of`; cells count as outside if they are in the first of the others."""
        first = np.asarray(np.mean([each.features[:1] for each in others], axis=0), dtype=np.float32)
        fresh = self.without_memory(StarkState(first, others[0].outside[:1], 0))
        return self.with_memory_of(fresh, state)

    def similarity(self, state: StarkState, prediction: Prediction) -> float:
        """See `Model.similarity`: unknown, as STARK gives no appearance to compare."""
        return 1.0

    def _encode(self, frame: FrameView, box: Box) -> tuple[FloatArray, Mask]:
        template = frame.extract_around(box, self.info.template_factor, self.info.template_size)
        blackened, outside = blacken_outside(template[None])
        return self.backend.run("start", {"template": blackened})["features"], outside


def _has_later_look(state: StarkState) -> bool:
    """Return whether the dynamic template is another look than the initial one."""
    return not np.array_equal(state.features[1:], state.features[:1].repeat(len(state.features) - 1, axis=0))


def _grown(box: Box) -> Box:
    """Grow a box about its centre to sides of at least `MIN_SIDE_PX`: its corners are found apart and may cross."""
    size = np.maximum(box[2:], MIN_SIDE_PX)
    return np.concatenate([box[:2] + (box[2:] - size) / 2, size])


def blacken_outside(crops: Image) -> tuple[Image, Mask]:
    """Paint black, and mark, what lies outside the image, as STARK is trained.

    `Crop.extract` fills that with one colour; so the rows and columns of one colour at a crop's edges are outside. (A
    picture with such bars of its own loses nothing by their being passed over.)

    Args:
        crops: (B, S, S, 3) uint8.

    Returns:
        Crops of the same shape, and (B, S / 16, S / 16) bool, which looks at the first pixel of each cell.
    """
    blackened = crops.copy()
    outside = np.ones(crops.shape[:3], dtype=bool)
    for crop, mask in zip(blackened, outside, strict=True):
        top, bottom = _bars(crop)
        left, right = _bars(crop.swapaxes(0, 1))
        mask[top : len(mask) - bottom, left : len(mask) - right] = False
        crop[mask] = 0
    return blackened, outside[:, ::CELL_PX, ::CELL_PX]


def _bars(crop: Image) -> tuple[int, int]:
    """Return how many rows at the top and bottom are of the one colour of the edge; 0, 0 if all rows are."""
    flat = (crop == crop[:, :1]).all(axis=(1, 2))
    first, last = flat & (crop[:, 0] == crop[0, 0]).all(axis=1), flat & (crop[:, 0] == crop[-1, 0]).all(axis=1)
    if first.all():
        return 0, 0
    return int(np.argmin(first)), int(np.argmin(last[::-1]))
