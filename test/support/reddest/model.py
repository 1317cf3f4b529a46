# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The tracking part: the centre of the red cells, at the size of the first box."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from stdtrack_ros.geometry import Box, Image, box_from_center
from stdtrack_ros.tracker.backends.backend import Backend, model_info
from stdtrack_ros.tracker.frame_view import FrameView
from stdtrack_ros.tracker.models.calibration import Calibration
from stdtrack_ros.tracker.models.model import ModelInfo, Prediction


class ReddestModel:
    """Runs the family on any backend; a target has no state."""

    def __init__(self, backend: Backend, settings: Any) -> None:
        self.backend, self.size_factor = backend, settings.reddest.size_factor
        self.calibration = Calibration.of(backend.metadata)

    @property
    def info(self) -> ModelInfo:
        return model_info(self.backend, "reddest")

    def start(self, frame: FrameView, box: Box) -> None:
        template = frame.extract_around(box, self.info.template_factor, self.info.template_size)
        self.backend.run("start", {"template": template[None]})

    def step(self, states: Sequence[None], searches: Image, window_influences: Sequence[float]) -> list[Prediction]:
        return [self._predict(score) for score in self.backend.run("step", {"search": searches})["score"][:, 0]]

    def remember(self, state: None, prediction: Prediction, frame: FrameView, box: Box) -> None:
        return None

    def similarity(self, state: None, prediction: Prediction) -> float:
        return 1.0

    def without_memory(self, state: None) -> None:
        return None

    def with_memory_of(self, state: None, other: None) -> None:
        return None

    def with_templates_of(self, state: None, others: Sequence[None]) -> None:
        return None

    def _predict(self, score: Any) -> Prediction:
        rows, columns = np.nonzero(score >= 0.5 * score.max())
        network = self.backend.metadata["network"]
        cell = network["search_size"] / score.shape[0]
        side = self.size_factor * network["search_size"] / network["search_factor"]
        center = (columns.mean() + 0.5) * cell, (rows.mean() + 0.5) * cell
        return Prediction(box_from_center(*center, side, side), self.calibration.of_score(float(score.max())), 0.0)
