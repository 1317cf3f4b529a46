# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""STDTrack as a `Model`: token and STM around graphs that hold no state."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from stdtrack_ros.geometry import Box, Image
from stdtrack_ros.settings import TrackerSettings
from stdtrack_ros.tracker.backends.backend import Backend, model_info
from stdtrack_ros.tracker.frame_view import FrameView
from stdtrack_ros.tracker.models.calibration import Calibration
from stdtrack_ros.tracker.models.decode import decode
from stdtrack_ros.tracker.models.memory import TokenMemory
from stdtrack_ros.tracker.models.model import FloatArray, ModelInfo, Prediction


@dataclass(frozen=True, slots=True)
class StdtrackState:
    """What STDTrack carries from frame to frame for one target.

    Attributes:
        template: the template's arrays as the `start` graph gave them, by name, each with a leading axis of 1.
        token: (1, d) E_{t-1}, zeros at first.
        memory: the STM.
        known: what the `step` graph reads of template and STM, by name, each with a leading axis of 1.
        appearance: (d,) unit vector of the target in the last trusted frame; the template's at first.
    """

    template: Mapping[str, FloatArray]
    token: FloatArray
    memory: TokenMemory
    known: Mapping[str, FloatArray]
    appearance: FloatArray


class StdtrackModel:
    """Runs STDTrack on any backend."""

    def __init__(self, backend: Backend, settings: TrackerSettings) -> None:
        self.backend, self.memory = backend, settings.memory
        network = backend.metadata["network"]
        self._dim, self._capacity = int(network["dim"]), self.memory.capacity or int(network["capacity"])
        self.calibration = Calibration.of(backend.metadata)
        self._together: dict[str, tuple[list[Mapping[str, FloatArray]], Mapping[str, FloatArray]]] = {}

    @property
    def info(self) -> ModelInfo:
        """What this network is and where it runs."""
        return model_info(self.backend, f"stdtrack/{self.backend.metadata['network']['backbone']}")

    def start(self, frame: FrameView, box: Box) -> StdtrackState:
        """Return the state of a new target: template encoded, token and memory empty."""
        info = self.info
        template = frame.extract_around(box, info.template_factor, info.template_size)
        found = self.backend.run("start", {"template": template[None]})
        shapes = {"appearance": (self._dim,), "token": (self._dim,), "look": found["template_look"].shape[1:]}
        memory = TokenMemory.empty(self._capacity, shapes)
        token, appearance = np.zeros((1, self._dim), np.float32), found["template_appearance"][0]
        return StdtrackState(found, token, memory, self._known(found, memory), appearance)

    def step(
        self, states: Sequence[StdtrackState], searches: Image, window_influences: Sequence[float]
    ) -> list[Prediction]:
        """See `Model.step`."""
        arrays: dict[str, np.ndarray[tuple[int, ...], np.dtype[np.generic]]] = {
            **self._batch("template", [state.template for state in states]),
            **self._batch("known", [state.known for state in states]),
        }
        arrays["search"] = searches
        arrays["token"] = np.stack([state.token for state in states])
        arrays["weights"] = np.stack([state.memory.weights for state in states])
        found = self.backend.run("step", arrays)
        return [
            self._prediction(found, index, searches.shape[1], influence)
            for index, influence in enumerate(window_influences)
        ]

    def remember(self, state: StdtrackState, prediction: Prediction, frame: FrameView, box: Box) -> StdtrackState:
        """Return the state after a trusted frame: E_t is carried on, good frames go into the STM now and then."""
        token, enhanced, look = prediction.output
        assert prediction.embedding is not None
        memory, known = state.memory.grown_older(), state.known
        if state.memory.is_due(self.memory.spacing) and prediction.quality >= self.memory.store_quality:
            entry = {"appearance": prediction.embedding, "token": token[0], "look": look}
            memory = state.memory.store(entry, prediction.token_quality, self.memory.policy)
            known = self._known(state.template, memory)
        memory = memory.compared(state.template["template_look"][0], look)
        return replace(state, token=enhanced, memory=memory, known=known, appearance=prediction.embedding)

    def without_memory(self, state: StdtrackState) -> StdtrackState:
        """See `Model.without_memory`."""
        shapes = {name: array.shape[1:] for name, array in state.memory.contents.items()}
        memory = TokenMemory.empty(len(state.memory.quality), shapes)
        known = self._known(state.template, memory)
        return replace(state, token=np.zeros_like(state.token), memory=memory, known=known)

    def with_memory_of(self, state: StdtrackState, other: StdtrackState) -> StdtrackState:
        """See `Model.with_memory_of`: token and STM."""
        return replace(state, token=other.token, memory=other.memory, known=self._known(state.template, other.memory))

    def with_templates_of(self, state: StdtrackState, others: Sequence[StdtrackState]) -> StdtrackState:
        """See `Model.with_templates_of`."""
        template = {name: _mean([each.template[name] for each in others]) for name in state.template}
        for name in ("template_cells", "template_appearance", "template_look"):  # unit vectors
            template[name] /= np.linalg.norm(template[name], axis=-1, keepdims=True)
        return replace(state, template=template, known=self._known(template, state.memory))

    def similarity(self, state: StdtrackState, prediction: Prediction) -> float:
        """Return the cosine of the appearance with the most similar frame of the STM, or the last trusted one."""
        assert prediction.embedding is not None
        stored = state.memory.contents["appearance"][state.memory.valid > 0]
        known = np.concatenate((state.appearance[None], stored))
        lengths = np.linalg.norm(known, axis=1) * np.linalg.norm(prediction.embedding)
        cosines = known @ prediction.embedding / np.maximum(lengths, 1e-9)
        return float(cosines.max())

    def _known(self, template: Mapping[str, FloatArray], memory: TokenMemory) -> Mapping[str, FloatArray]:
        stored = {"tokens": memory.contents["token"][None], "valid": memory.valid[None]}
        encoded = self.backend.run("memory", {"template_appearance": template["template_appearance"], **stored})
        looks = np.concatenate((template["template_look"], memory.contents["look"]))
        return {**encoded, "looks": looks[None]}

    def _batch(self, kind: str, parts: list[Mapping[str, FloatArray]]) -> Mapping[str, FloatArray]:
        """Parts of states as a batch: for the same ones the very arrays of the frame before, which a device has."""
        before, arrays = self._together.get(kind, ([], {}))
        if len(before) != len(parts) or any(one is not other for one, other in zip(before, parts, strict=True)):
            arrays = {name: np.concatenate([each[name] for each in parts]) for name in parts[0]}
            self._together[kind] = (parts, arrays)
        return arrays

    def _prediction(
        self, found: Mapping[str, FloatArray], index: int, crop_size: int, window_influence: float
    ) -> Prediction:
        score = found["score"][index, 0]
        return Prediction(
            box=decode(score, found["size"][index], found["offset"][index], crop_size, window_influence),
            quality=self.calibration.quality(float(found["confidence"][index])),
            token_quality=float(found["quality"][index]),
            score_map=score,
            embedding=found["appearance"][index],
            output=(found["token_out"][index], found["enhanced"][index], found["look"][index]),
        )


def _mean(arrays: Sequence[FloatArray]) -> FloatArray:
    mean: FloatArray = np.mean(arrays, axis=0, dtype=np.float32)
    return mean
