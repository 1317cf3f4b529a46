# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The tracker: initialise on a box, then one result a frame."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stdtrack_ros.errors import InputError, ModelError
from stdtrack_ros.geometry import Box, Crop, Image, box_center, box_from_center, check_box, clip_box
from stdtrack_ros.images import to_bgr8
from stdtrack_ros.settings import TrackerSettings
from stdtrack_ros.tracker.distractor_filter import DistractorFilter
from stdtrack_ros.tracker.models.model import Model, Prediction
from stdtrack_ros.tracker.motion import MotionModel
from stdtrack_ros.tracker.redetection import Redetection, Sighting
from stdtrack_ros.tracker.result import Status, TrackResult
from stdtrack_ros.tracker.status import TrackStatusMachine

ASSUMED_INTERVAL_S = 1 / 30
"""Time between two frames where the caller gives no stamps."""
MAX_INTERVAL_S = 1.0
"""A longer gap, or one that goes back, says nothing of the target's motion: it counts as this, or as no time at all."""


@dataclass
class TrackState:
    """All that changes from frame to frame.

    Attributes:
        whole: (4,) the last trusted box that no edge of the image cut: what has left is searched for at this size.
    """

    model: Any
    box: Box
    whole: Box
    covariance: NDArray[np.float64]
    motion: MotionModel
    status_machine: TrackStatusMachine
    distractors: DistractorFilter
    redetection: Redetection
    stamp_s: float
    seen_s: float
    frame_number: int = 0
    timings_ms: dict[str, float] = field(default_factory=dict)


class Tracker:
    """One target in one stream of images. The same frames and boxes give the same results, bit for bit."""

    def __init__(self, model: Model, settings: TrackerSettings) -> None:
        """Several trackers may share one model."""
        self.model = model
        self.settings = settings
        self._state: TrackState | None = None

    @property
    def initialized(self) -> bool:
        """Whether there is a target."""
        return self._state is not None

    def reset(self) -> None:
        """Forget the target."""
        self._state = None

    def configure(self, settings: TrackerSettings) -> None:
        """Take new settings from the next frame on; the target is kept."""
        self.settings = settings
        if self._state is not None:
            self._state.status_machine.settings = settings.status
            if not settings.status.enabled:
                self._state.status_machine.found()  # nobody would end UNCERTAIN or LOST any more
            self._state.distractors.settings = settings.status
            self._state.motion.settings = settings.motion
            self._state.redetection.settings = settings.redetection

    def initialize(self, image: NDArray[np.generic], box: ArrayLike, stamp_s: float | None = None) -> None:
        """Start a target; whatever was tracked before is forgotten.

        Args:
            image: (H, W), (H, W, 3) or (H, W, 4), uint8 or uint16, BGR.
            box: x, y, width, height in pixels; parts may lie outside the image.
            stamp_s: capture time of the frame in seconds.

        Raises:
            InputError: the image or the box cannot be used; the old target is kept.
        """
        frame = to_bgr8(image)
        checked = check_box(box, frame.shape[1], frame.shape[0])
        info, settings = self.model.info, self.settings
        state = self.model.start(Crop.around(checked, info.template_factor, info.template_size).extract(frame))
        stamp = stamp_s if stamp_s is not None and math.isfinite(stamp_s) else 0.0
        motion = MotionModel(checked, settings.motion)
        started = TrackState(
            model=state,
            box=checked,
            whole=checked,
            covariance=motion.box_covariance,
            motion=motion,
            status_machine=TrackStatusMachine(settings.status),
            distractors=DistractorFilter(settings.status),
            redetection=self._new_search(),
            stamp_s=stamp,
            seen_s=stamp,
        )
        if settings.memory.pin_initial:
            crop = Crop.around(checked, info.search_factor, info.search_size)
            prediction = self.model.step([state], crop.extract(frame)[None], [settings.search.window_influence])[0]
            started.model = self.model.remember(state, prediction, frame, checked)
        self._state = started

    def track(self, image: NDArray[np.generic], stamp_s: float | None = None) -> TrackResult:
        """Find the target in the next frame.

        Args:
            image: as in `initialize`; its size may change from frame to frame.
            stamp_s: capture time in seconds; without it frames are taken to be 1/30 s apart.

        Raises:
            InputError: there is no target, or the image cannot be used; the state is kept.
        """
        return track_together([self], image, stamp_s)[0]

    def propose(self, image: Image, stamp_s: float | None) -> list[Crop]:
        """The windows to look at in this frame; moves the state's clock on."""
        state = self._require_state()
        elapsed = self._advance(state, stamp_s)
        state.frame_number += 1
        state.timings_ms = {}
        state.motion.predict(elapsed)
        state.distractors.advance(elapsed)
        info = self.model.info
        if state.status_machine.status is Status.LOST and self.settings.redetection.enabled:
            place = box_from_center(*box_center(state.box), *state.whole[2:])
            return state.redetection.windows(place, image.shape[1], image.shape[0])
        return [Crop.around(self._expected(state), info.search_factor, info.search_size)]

    def conclude(self, image: Image, crops: Sequence[Crop], predictions: Sequence[Prediction]) -> TrackResult:
        """The result of this frame from what the model said of the proposed windows."""
        state = self._require_state()
        started = time.perf_counter()
        if state.status_machine.status is Status.LOST and self.settings.redetection.enabled:
            prediction = self._search(state, image, crops, predictions)
        else:
            prediction = self._follow(state, image, crops[0], predictions[0])
        state.timings_ms["state"] = 1e3 * (time.perf_counter() - started)
        return self._result(state, prediction)

    def _follow(self, state: TrackState, image: Image, crop: Crop, prediction: Prediction) -> Prediction:
        box = self._box_in_image(state, image, crop, prediction)
        similarity = self.model.similarity(state.model, prediction)[1]
        rejected = state.distractors.rejects(box, prediction.quality, similarity, state.motion.box)
        if rejected:
            prediction = replace(prediction, quality=0.0)
        before = state.status_machine.status
        status = state.status_machine.update(prediction.quality, self._elapsed)
        if status is Status.LOST and before is not Status.LOST:
            state.redetection = self._new_search()
        trusted = status is Status.TRACKING and (
            not self.settings.status.enabled or prediction.quality >= self.settings.status.uncertain_quality
        )
        if status is Status.TRACKING:
            state.seen_s = state.stamp_s
        if trusted:
            state.model = self.model.remember(state.model, prediction, image, box)
            state.distractors.clear()
            state.whole = box if _is_whole(box, image) else state.whole
        # A doubtful box still leads the window, the less the more doubtful it is; a box of no worth does not.
        worthless = self._coasting(state) and prediction.quality < self.settings.status.lost_quality
        if status is Status.LOST or worthless or rejected:
            self._coast(state, image)
        else:
            state.motion.correct(box, prediction.quality)
            state.box, state.covariance = box, state.motion.measured_covariance(prediction.quality)
        return prediction

    def _coast(self, state: TrackState, image: Image) -> None:
        margin = self.settings.search.clip_margin
        state.box = clip_box(state.motion.box, image.shape[1], image.shape[0], margin)
        state.covariance = state.motion.box_covariance

    def _search(
        self, state: TrackState, image: Image, crops: Sequence[Crop], predictions: Sequence[Prediction]
    ) -> Prediction:
        sightings = [
            self._sighting(state, self._box_in_image(state, image, crop, prediction), prediction)
            for crop, prediction in zip(crops, predictions, strict=True)
        ]
        found = state.redetection.judge(sightings)
        pairs = list(zip(sightings, predictions, strict=True))
        best, shown = max(pairs, key=lambda pair: pair[0].quality)
        if found is not None:
            shown = next(prediction for sighting, prediction in pairs if sighting.box is found)
            state.status_machine.found()
            state.distractors.clear()
            state.motion = MotionModel(found, self.settings.motion)
            state.box, state.seen_s = found, state.stamp_s
            state.covariance = state.motion.measured_covariance(shown.quality)
            return shown
        self._coast(state, image)
        return replace(shown, quality=best.quality)

    def _sighting(self, state: TrackState, box: Box, prediction: Prediction) -> Sighting:
        template, memory = self.model.similarity(state.model, prediction)
        unlike = memory < self.settings.status.memory_similarity
        known = state.distractors.is_known_distractor(box, memory, state.motion.box)
        return Sighting(box, 0.0 if unlike or known else prediction.quality, template, memory)

    def _result(self, state: TrackState, prediction: Prediction) -> TrackResult:
        status = state.status_machine.status
        return TrackResult(
            box=state.box.copy(),
            status=status,
            quality=prediction.quality,
            token_quality=prediction.token_quality,
            covariance=state.covariance.copy(),
            velocity=state.motion.velocity,
            time_since_seen_s=0.0 if status is Status.TRACKING else max(state.stamp_s - state.seen_s, 0.0),
            frame_number=state.frame_number,
            timings_ms=dict(state.timings_ms),
        )

    def _box_in_image(self, state: TrackState, image: Image, crop: Crop, prediction: Prediction) -> Box:
        box = crop.to_image(prediction.box)
        keep = self.settings.search.size_smoothing
        if keep and state.status_machine.status is Status.TRACKING:
            size = (1 - keep) * box[2:] + keep * state.box[2:]
            box = np.concatenate((box[:2] + (box[2:] - size) / 2, size))
        return clip_box(box, image.shape[1], image.shape[0], self.settings.search.clip_margin)

    def _expected(self, state: TrackState) -> Box:
        return state.motion.box if self._coasting(state) else state.box

    def _coasting(self, state: TrackState) -> bool:
        return self.settings.motion.enabled and state.status_machine.status is not Status.TRACKING

    def _advance(self, state: TrackState, stamp_s: float | None) -> float:
        if stamp_s is None:
            stamp_s = state.stamp_s + ASSUMED_INTERVAL_S
        self._elapsed = min(max(stamp_s - state.stamp_s, 0.0), MAX_INTERVAL_S) if math.isfinite(stamp_s) else 0.0
        if math.isfinite(stamp_s):
            state.stamp_s = stamp_s
        return self._elapsed

    def _new_search(self) -> Redetection:
        info = self.model.info
        return Redetection(self.settings.redetection, info.search_factor, info.search_size)

    def _require_state(self) -> TrackState:
        if self._state is None:
            raise InputError("There is no target: initialise the tracker with a box first.")
        return self._state


def track_together(
    trackers: Sequence[Tracker], image: NDArray[np.generic], stamp_s: float | None = None
) -> list[TrackResult]:
    """One frame for several targets over one model: all their windows in one run of the network.

    Raises:
        InputError: a tracker has no target, or the image cannot be used; all states are kept.
        ModelError: the network gives a box or a quality that is not finite; only the clocks have moved on.
    """
    if not trackers:
        return []
    started = time.perf_counter()
    frame = to_bgr8(image)
    for tracker in trackers:
        tracker._require_state()
    proposals = [tracker.propose(frame, stamp_s) for tracker in trackers]
    searches = np.stack([crop.extract(frame) for crops in proposals for crop in crops])
    cropped = time.perf_counter()
    states = [tracker._require_state() for tracker in trackers]
    models = [state.model for state, crops in zip(states, proposals, strict=True) for _ in crops]
    influences = [_influence(tracker) for tracker, crops in zip(trackers, proposals, strict=True) for _ in crops]
    predictions = trackers[0].model.step(models, searches, influences)
    if not all(np.isfinite((*prediction.box, prediction.quality)).all() for prediction in predictions):
        # Taken in once, such a number would stay in box and motion for ever.
        raise ModelError("The network gives a box or a quality that is not finite; try another model.provider.")
    modelled = time.perf_counter()
    results, used = [], 0
    for tracker, state, crops in zip(trackers, states, proposals, strict=True):
        state.timings_ms |= {"crop": 1e3 * (cropped - started), "model": 1e3 * (modelled - cropped)}
        results.append(tracker.conclude(frame, crops, predictions[used : used + len(crops)]))
        used += len(crops)
    return results


def _is_whole(box: Box, image: Image) -> bool:
    """Whether a box keeps a pixel's distance from all edges."""
    return bool((box[:2] >= 1).all() and (box[:2] + box[2:] <= np.array(image.shape[1::-1]) - 1).all())


def _influence(tracker: Tracker) -> float:
    """Share of the Hann window: none while the target may be anywhere."""
    status = tracker._require_state().status_machine.status
    return 0.0 if status is Status.LOST else tracker.settings.search.window_influence
