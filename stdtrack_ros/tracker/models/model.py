# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What the tracker asks of a network: encode a template, step through search crops, remember trusted frames."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from stdtrack_ros.geometry import Box, Image
from stdtrack_ros.tracker.frame_view import FrameView

FloatArray = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """What a loaded network is and where it really runs.

    Attributes:
        name: architecture, for example `stdtrack/lite_hybrid`.
        backend: `onnx`, `openvino` or `torch`.
        provider: what the session got, for example `CPUExecutionProvider` or `cuda:0`; never what was asked for.
        precision: of its numbers: `fp32`, `bf16`, `fp16`, or an 8-bit format (`backends.precision`).
        note: empty, or a sentence that says what was asked for and why it was not available.
        sha256: hash of the model file, in hex.
        template_size, search_size: sides of the network's inputs in px.
        template_factor, search_factor: windows' sides in units of sqrt(width * height) of the box.
        large_search_factor: the same for a search window when the target may be far; as many pixels.
    """

    name: str
    backend: str
    provider: str
    precision: str
    note: str
    sha256: str
    template_size: int
    template_factor: float
    search_size: int
    search_factor: float
    large_search_factor: float


@dataclass(frozen=True, slots=True)
class Prediction:
    """What the network predicts for one search crop.

    Attributes:
        box: (4,) float64: x, y, width, height in pixels of the search crop.
        quality: 0..1, calibrated: the probability that the IoU with the ground truth is at least 0.5.
        token_quality: the paper's Q_t (Eq. 2), the order in which the STM keeps tokens; NaN if the model has none.
        score_map: (rows, columns) float32 in 0..1; None if the model has none.
        embedding: (d,) float32 appearance of what was found, compared by cosine; None if the model has none.
        output: what the model itself needs to remember this prediction; opaque to everyone else.
    """

    box: Box
    quality: float
    token_quality: float
    score_map: FloatArray | None = None
    embedding: FloatArray | None = None
    output: Any = field(default=None, repr=False)


class Model(Protocol):
    """A network with its weights; what changes from frame to frame is in the states it returns."""

    @property
    def info(self) -> ModelInfo:
        """What this network is."""

    def start(self, frame: FrameView, box: Box) -> Any:
        """Return the state of a new target, given as a (4,) box in pixels of the frame."""

    def step(self, states: Sequence[Any], searches: Image, window_influences: Sequence[float]) -> list[Prediction]:
        """Return one prediction per state and (B, search_size, search_size, 3) uint8 BGR crop; states do not change."""

    def remember(self, state: Any, prediction: Prediction, frame: FrameView, box: Box) -> Any:
        """Return the state after a trusted prediction whose box in the frame is `box`: token and memory updated."""

    def similarity(self, state: Any, prediction: Prediction) -> float:
        """Return the cosine of what was found with the most similar look that is remembered; 1 if unknown."""

    def without_memory(self, state: Any) -> Any:
        """Return the state with an empty memory, as it is at the start; its template stays."""

    def with_memory_of(self, state: Any, other: Any) -> Any:
        """Return the state with the memory of another state; its template stays."""

    def with_templates_of(self, state: Any, others: Sequence[Any]) -> Any:
        """Return the state with the mean of the templates of other states; its memory stays."""
