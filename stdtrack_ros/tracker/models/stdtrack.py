# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""STDTrack as a `Model`: token and STM around two graphs that hold no state."""

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
        first: the first look's arrays as the `start` graph gave them, by name, each with a leading axis of 1.
        template: the same with the latest look in it.
        appearance: (d,) look of the target in the template.
        token: (1, d) E_{t-1}, zeros at first.
        memory: the STM.
        frames: those remembered so far.
    """

    first: Mapping[str, FloatArray]
    template: Mapping[str, FloatArray]
    appearance: FloatArray
    token: FloatArray
    memory: TokenMemory
    frames: int = 0


class StdtrackModel:
    """Runs STDTrack on any backend."""

    def __init__(self, backend: Backend, settings: TrackerSettings) -> None:
        self.backend, self.memory, self.template = backend, settings.memory, settings.template
        network = backend.metadata["network"]
        self._dim, self._capacity = int(network["dim"]), self.memory.capacity or int(network["capacity"])
        self.calibration = Calibration.of(backend.metadata)

    @property
    def info(self) -> ModelInfo:
        """What this network is and where it runs."""
        return model_info(self.backend, f"stdtrack/{self.backend.metadata['network']['backbone']}")

    def start(self, frame: FrameView, box: Box) -> StdtrackState:
        """Return the state of a new target: template encoded, token and memory empty but for a pinned first token."""
        info = self.info
        template = frame.extract_around(box, info.template_factor, info.template_size)
        found = dict(self.backend.start({"template": template[None]}))
        appearance = found.pop("template_appearance")[0]
        memory = TokenMemory.empty(self._capacity, self._dim)
        state = StdtrackState(found, found, appearance, np.zeros((1, self._dim), np.float32), memory)
        if not self.memory.pin_initial:
            return state
        search = frame.extract_around(box, info.search_factor, info.search_size)
        return self.remember(state, self.step([state], search[None], [0.0])[0], frame, box)

    def step(
        self, states: Sequence[StdtrackState], searches: Image, window_influences: Sequence[float]
    ) -> list[Prediction]:
        """See `Model.step`."""
        arrays: dict[str, np.ndarray[tuple[int, ...], np.dtype[np.generic]]] = {
            name: np.concatenate([state.template[name] for state in states]) for name in states[0].template
        }
        arrays["search"] = searches
        arrays["token"] = np.stack([state.token for state in states])
        arrays["memory"] = np.stack([state.memory.tokens for state in states])
        arrays["valid"] = np.stack([state.memory.valid for state in states])
        found = self.backend.step(arrays)
        return [
            self._prediction(found, index, searches.shape[1], influence)
            for index, influence in enumerate(window_influences)
        ]

    def remember(self, state: StdtrackState, prediction: Prediction, frame: FrameView, box: Box) -> StdtrackState:
        """The state after a trusted frame: E_t is carried on, T_t offered to the STM, the look to the template."""
        token, enhanced = prediction.output
        assert prediction.embedding is not None
        memory = state.memory.offer(token[0], prediction.embedding, prediction.token_quality, self.memory)
        frames, rules = state.frames + 1, self.template
        due = rules.update_interval > 0 and frames % rules.update_interval == 0
        template = state.template
        if due and prediction.quality >= rules.update_quality:
            template = self._renewed(state.first, frame, box)
        return replace(state, token=enhanced, memory=memory, template=template, frames=frames)

    def _renewed(self, first: Mapping[str, FloatArray], frame: FrameView, box: Box) -> dict[str, FloatArray]:
        """The first look with a share of the present one.

        They are mixed cell by cell: both looks are centred on the target, and the network was trained on such mixtures.
        """
        info, share = self.info, np.float32(self.template.share)
        crop = frame.extract_around(box, info.template_factor, info.template_size)
        look = self.backend.start({"template": crop[None]})
        return {name: (1 - share) * array + share * look[name] for name, array in first.items()}

    def similarity(self, state: StdtrackState, prediction: Prediction) -> tuple[float, float]:
        """Cosines of the appearance with the template's, and with the most alike of the frames in the STM."""
        assert prediction.embedding is not None
        stored = state.memory.appearances[state.memory.valid > 0]
        return (
            _cosine(prediction.embedding, state.appearance),
            max((_cosine(prediction.embedding, one) for one in stored), default=1.0),
        )

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
            output=(found["token_out"][index], found["enhanced"][index]),
        )


def _cosine(first: FloatArray, second: FloatArray) -> float:
    return float(first @ second / max(float(np.linalg.norm(first) * np.linalg.norm(second)), 1e-9))
