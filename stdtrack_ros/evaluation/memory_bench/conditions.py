# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The same network with its own memory, with none, and with that of another video."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from stdtrack_ros.geometry import Box, Image
from stdtrack_ros.sequences.sequence import Sequence as Frames
from stdtrack_ros.settings import TrackerSettings
from stdtrack_ros.tracker.frame_view import FrameView
from stdtrack_ros.tracker.models.model import Model, ModelInfo, Prediction
from stdtrack_ros.tracker.tracker import Tracker

OWN, NONE, OTHER = "own", "none", "another's"
CONDITIONS = (OWN, NONE, OTHER)


def under(model: Model, state: Any, condition: str, other: Any) -> Any:
    """Return the state as it is read under a condition; `other` is a state of another video."""
    if condition == NONE:
        return model.without_memory(state)
    return model.with_memory_of(state, other) if condition == OTHER else state


class ConditionedModel:
    """A `Model` whose memory fills as ever, but is read under a condition.

    Attributes:
        learned: the state after the last trusted frame, or at the start; None before that.
    """

    def __init__(self, model: Model, condition: str = OWN, other: Any = None) -> None:
        self.model, self.condition, self.other = model, condition, other
        self.learned: Any = None

    @property
    def info(self) -> ModelInfo:
        """See `Model`."""
        return self.model.info

    def start(self, frame: FrameView, box: Box) -> Any:
        """See `Model`."""
        self.learned = self.model.start(frame, box)
        return self.learned

    def step(self, states: Sequence[Any], searches: Image, window_influences: Sequence[float]) -> list[Prediction]:
        """See `Model`."""
        read = [under(self.model, state, self.condition, self.other) for state in states]
        return self.model.step(read, searches, window_influences)

    def remember(self, state: Any, prediction: Prediction, frame: FrameView, box: Box) -> Any:
        """See `Model`."""
        self.learned = self.model.remember(state, prediction, frame, box)
        return self.learned

    def similarity(self, state: Any, prediction: Prediction) -> float:
        """See `Model`; the similarity is computed with what the condition leaves."""
        return self.model.similarity(under(self.model, state, self.condition, self.other), prediction)

    def without_memory(self, state: Any) -> Any:
        """See `Model`."""
        return self.model.without_memory(state)

    def with_memory_of(self, state: Any, other: Any) -> Any:
        """See `Model`."""
        return self.model.with_memory_of(state, other)

    def with_templates_of(self, state: Any, others: Sequence[Any]) -> Any:
        """See `Model`."""
        return self.model.with_templates_of(state, others)


def learn(model: Model, settings: TrackerSettings, sequence: Frames) -> Any:
    """Return the state after a pass over a sequence; that of the start if no frame was trusted."""
    recorder = ConditionedModel(model)
    tracker = Tracker(recorder, settings)
    tracker.initialize(sequence.frame(0), sequence.boxes[0], float(sequence.stamps_s[0]))
    for index in range(1, len(sequence)):
        tracker.track(sequence.frame(index), float(sequence.stamps_s[index]))
    return recorder.learned
