# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The tracker: initialise on a box, then one result per frame."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, NamedTuple, cast

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from stdtrack_ros.errors import InputError, ModelError
from stdtrack_ros.geometry import Box, Crop, Image, Pixels, box_center, box_from_center, check_box, clip_box, iou
from stdtrack_ros.images import as_pixels
from stdtrack_ros.intensity import IntensityRange, held_range
from stdtrack_ros.jpeg_image import JpegImage
from stdtrack_ros.raw_image import RawImage
from stdtrack_ros.settings import StatusSettings, TrackerSettings
from stdtrack_ros.tracker.box_extent import BoxExtent
from stdtrack_ros.tracker.candidate import Candidate
from stdtrack_ros.tracker.changed_look import UNCHANGED, Change, brightness_of, mean_brightness, possible_changes
from stdtrack_ros.tracker.distractor_filter import OVERLAP, DistractorFilter
from stdtrack_ros.tracker.frame_view import FrameView, viewed
from stdtrack_ros.tracker.models.model import Model, Prediction
from stdtrack_ros.tracker.motion import MotionModel, carried_on
from stdtrack_ros.tracker.redetection import Redetection
from stdtrack_ros.tracker.result import Status, TrackResult
from stdtrack_ros.tracker.search_window import SearchWindow
from stdtrack_ros.tracker.status import CUT_FRAMES, WHOLE_FRAMES, TrackStatusMachine
from stdtrack_ros.tracker.surroundings import Surroundings

ASSUMED_INTERVAL_S = 1 / 30
"""Time between two frames if the caller gives no stamps."""
STRUCTURE_PX = 64
"""Side to which a box and its surroundings are sampled to see whether they show anything."""
MIN_STRUCTURE = 0.5
"""Standard deviation of their smoothed levels under which they do not."""
STANDING_FRAMES = 2
"""Frames in a row with the same stamp from which on the stamps stand still, and time is assumed to go on."""
SPARSE_S = 0.09
"""Interval from which frames are so sparse that where the target was expected says less than what the network shows."""
HERE_MARGIN = 0.08
"""By which a box where the target is expected must resemble something else more: in a swarm all resemble each other."""
LEARNED_IOU = 0.3
"""IoU from which two boxes are of the same thing, turned and as it is."""
MAX_LEAD = 1.0
"""Target sizes by which the search window may be ahead of the last box."""
MAX_INTERVAL_S = 1.0
"""Longest interval that says something about the target's motion; a longer one counts as this, a negative one as 0."""


class StartWindow(NamedTuple):
    """A search window of the frame of the start: small or large, where, and its (S, S, 3) uint8 BGR pixels."""

    large: bool
    window: Crop
    crop: Image


@dataclass(slots=True)
class TrackState:
    """All that lives from frame to frame; `Tracker` itself keeps nothing but settings.

    Attributes:
        model: token, memory and template, as the model keeps them.
        intensity: what of the sensor's numbers is shown to the network, None if 8 bits are shown as they are.
        box: (4,) px, the last box that was reported.
        whole_box: (4,) px, the last trusted box that no edge of the image cut: a target that has left is searched for
            at this size.
        covariance: (4, 4) of the reported (centre x, centre y, width, height), px².
        extent: how the box of the start differs from those of the network.
        start_windows: of the frame of the start, as long as the network was not asked about them.
        motion: Kalman filter of box and velocity.
        status_machine: TRACKING, UNCERTAIN or LOST.
        distractors: the last look-alike, by its place.
        surroundings: what else the scene shows.
        redetection: the search for a LOST target.
        search_window: small or large, while the target is followed.
        quality: of the box that the last frame showed.
        brightness: of the target, 0..255, in the last trusted frames; NaN before the first.
        stamp_s: stamp of the last frame.
        clock_s: capture time of the last frame: its stamp, unless that has stood still.
        standing_frames: frames in a row whose stamp was that of the frame before.
        elapsed_s: from the frame before to the last one.
        seen_s: capture time of the last frame with status TRACKING.
        frame_number: frames since the start.
        timings_ms: cost of each stage in the last frame, by name.
    """

    model: Any
    intensity: IntensityRange | None
    box: Box
    whole_box: Box
    covariance: NDArray[np.float64]
    extent: BoxExtent
    start_windows: list[StartWindow]
    motion: MotionModel
    redetection: Redetection
    stamp_s: float
    clock_s: float
    seen_s: float
    status_machine: TrackStatusMachine = field(default_factory=TrackStatusMachine)
    distractors: DistractorFilter = field(default_factory=DistractorFilter)
    surroundings: Surroundings = field(default_factory=Surroundings)
    search_window: SearchWindow = field(default_factory=SearchWindow)
    quality: float = 1.0
    brightness: float = math.nan
    standing_frames: int = 0
    elapsed_s: float = 0.0
    frame_number: int = 0
    timings_ms: dict[str, float] = field(default_factory=dict)

    @property
    def status(self) -> Status:
        """The status after the last frame."""
        return self.status_machine.status

    def advance(self, stamp_s: float | None, settings: TrackerSettings) -> None:
        """Move on to the next frame, and everything that time changes with it."""
        self._advance_clock(stamp_s)
        self.frame_number += 1
        self.timings_ms = {}
        if not settings.status.enabled:
            self.status_machine.reacquire()  # nothing else would end UNCERTAIN or LOST any more
        self.motion.predict(self.elapsed_s, settings.motion)
        self.distractors.advance(self.elapsed_s)
        self.surroundings.advance(self.elapsed_s)

    def _advance_clock(self, stamp_s: float | None) -> None:
        before_s = self.clock_s
        if stamp_s is None:
            stamp_s = self.clock_s + ASSUMED_INTERVAL_S
        if not math.isfinite(stamp_s) or stamp_s == self.stamp_s:
            self.standing_frames += 1
            if self.standing_frames >= STANDING_FRAMES:
                self.clock_s += ASSUMED_INTERVAL_S
        else:  # a stamp that went back begins a new count of time
            self.clock_s = max(stamp_s, self.clock_s) if stamp_s > self.stamp_s else stamp_s
            self.standing_frames, self.stamp_s = 0, stamp_s
        self.elapsed_s = min(max(self.clock_s - before_s, 0.0), MAX_INTERVAL_S)


@dataclass(frozen=True, slots=True, eq=False)
class Query:
    """What one target asks the network in one frame.

    Attributes:
        state: the target's model state, the same for all windows.
        windows: where the crops were taken.
        crops: (B, S, S, 3) uint8 BGR, one per window.
        window_influence: weight of the Hann window in the choice of the peak.
    """

    state: Any
    windows: Sequence[Crop]
    crops: Image
    window_influence: float


Step = Generator[Query, tuple[Sequence[Prediction], float], TrackResult]
"""One frame of one target: yields its query, is sent one prediction per window and the milliseconds they took."""


@dataclass(frozen=True, slots=True, eq=False)
class Decision:
    """What to do with the best candidate of a frame.

    Attributes:
        remember: it is surely the target: the model learns from it.
        measure: its box is taken over; otherwise the motion model's prediction is.
        reacquired: it ends a search, so that motion starts afresh.
    """

    candidate: Candidate
    remember: bool
    measure: bool
    reacquired: bool = False


def decide(
    candidate: Candidate, status: Status, coasting: bool, settings: StatusSettings, few: bool = False
) -> Decision:
    """Decide what a followed target's candidate is good for, given the status after this frame.

    A candidate of low quality still moves the target, the less the lower its quality; one under `lost_quality` does not
    if the motion model can coast instead, unless it resembles the target, and one that was rejected does not unless
    doubtful frames of a slow camera are as yet `few`.
    """
    sure = not settings.enabled or candidate.quality >= settings.uncertain_quality
    resembles = candidate.resembles(settings.follow_similarity)
    worthless = coasting and candidate.quality < settings.lost_quality and not resembles
    return Decision(
        candidate,
        remember=status is Status.TRACKING and sure and not candidate.rejected,
        measure=not (status is Status.LOST or worthless or (candidate.rejected and not few)),
    )


class Tracker:
    """One target in one stream of images. The same frames and boxes give the same results, bit for bit.

        tracker = create_tracker(TrackerSettings())
        tracker.initialize(first_image, (x, y, width, height))
        for image in images:
            result = tracker.track(image)
            print(result.status.name, result.box)

    Attributes:
        model: the network; several trackers may share one.
        settings: may be replaced between two frames; the target is kept.
    """

    def __init__(self, model: Model, settings: TrackerSettings) -> None:
        self.model = model
        self.settings = settings
        self._state: TrackState | None = None
        self._unfinished: Callable[[float], None] | None = None

    @property
    def initialized(self) -> bool:
        """Whether there is a target."""
        return self._state is not None

    @property
    def start_doubt(self) -> str:
        """Why the target is UNCERTAIN since its start, as a sentence; empty if it is not, or was confirmed since."""
        if self._state is None or self._state.status_machine.confirmed or not self.settings.status.enabled:
            return ""
        return (
            "The box of the start is cut by the edge of the image: the target is UNCERTAIN until "
            f"{WHOLE_FRAMES} frames show it whole, or {CUT_FRAMES} show it surely."
        )

    def reset(self) -> None:
        """Forget the target."""
        self._state = self._unfinished = None

    def initialize(self, image: NDArray[np.generic], box: ArrayLike, stamp_s: float | None = None) -> None:
        """Start a target; whatever was tracked before is forgotten.

        Args:
            image: (H, W), (H, W, 3) or (H, W, 4), uint8 or uint16, BGR.
            box: x, y, width, height in pixels; parts may lie outside the image.
            stamp_s: capture time of the frame in seconds.

        Raises:
            InputError: the image or the box cannot be used, or it shows nothing; the old target is kept.
        """
        pixels = as_pixels(image)
        checked = check_box(box, pixels.shape[1], pixels.shape[0])
        frame = FrameView(pixels, self._starting_range(pixels, checked))
        _require_structure(frame, checked)
        stamp = stamp_s if stamp_s is not None and math.isfinite(stamp_s) else 0.0
        motion = MotionModel(checked, self.settings.motion)
        extent = BoxExtent(checked, known=_is_whole(checked, frame))
        compared = extent.known and self.settings.search.extent_weight > 0
        target = self.model.start(frame, checked)
        self._unfinished = None
        self._state = TrackState(
            model=target,
            intensity=frame.intensity,
            box=checked,
            whole_box=checked,
            covariance=motion.box_covariance,
            extent=extent,
            start_windows=self._start_windows(frame, checked) if compared else [],
            motion=motion,
            redetection=self._new_search(),
            stamp_s=stamp,
            clock_s=stamp,
            seen_s=stamp,
            status_machine=TrackStatusMachine(confirmed=_is_whole(checked, frame)),
        )

    @property
    def expected_scale(self) -> float:
        """Largest scale by which windows of the next frame will be resampled, as far as it is known."""
        state, info = self._require_state(), self.model.info
        if state.intensity is not None:  # measured in the whole image
            return 1.0
        box, factor = state.box, info.search_factor
        if state.status is Status.LOST:
            box, factor = state.whole_box, info.large_search_factor
        return Crop.around(box, factor, info.search_size).scale

    def track(
        self,
        image: NDArray[np.generic] | RawImage | JpegImage,
        stamp_s: float | None = None,
        remember_later: bool = False,
    ) -> TrackResult:
        """Find the target in the next frame.

        Args:
            image: as in `initialize`; its size may change from frame to frame.
            stamp_s: capture time in seconds; without it frames are taken to be 1/30 s apart.
            remember_later: as in `step`.

        Raises:
            InputError: there is no target, or the image cannot be used; the state is kept.
        """
        frame = viewed(image)
        frame.prepare(self.expected_scale)
        return run_steps(self.model, [self.step(frame, stamp_s, remember_later)])[0]

    def finish(self, spare_s: float = math.inf) -> None:
        """Remember the last frame, if `step` has left that for later: it may cost runs of the network.

        Args:
            spare_s: time until the tracker is needed again; what can wait is left out if that costs more.
        """
        unfinished, self._unfinished = self._unfinished, None
        if unfinished is not None:
            unfinished(spare_s)

    def step(self, frame: FrameView, stamp_s: float | None, remember_later: bool = False) -> Step:
        """Track one frame, up to and from the run of the network, which several targets may share (`run_steps`).

        Args:
            frame: what to track in; its pixels must stay as they are until `finish` if that is to remember them.
            stamp_s: capture time in seconds.
            remember_later: leave the memory to `finish`, or to the next step, so that the result is there sooner.
        """
        self.finish()
        state, settings = self._require_state(), self.settings
        begun = time.perf_counter()

        # 1. Predict where the target may be: one window around it, or the next windows of the search if it is LOST.
        state.advance(stamp_s, settings)
        frame = self._in_range(state, frame)
        searching = state.status is Status.LOST and settings.redetection.enabled
        count = settings.redetection.crops_per_frame
        windows = self._search_windows(state, frame, count) if searching else [self._follow_window(state)]

        # 2. Crop the windows.
        crops = np.stack([frame.extract(window) for window in windows])
        if searching:
            crops[0] = state.redetection.change.undo(crops[0])
        cropped = time.perf_counter()
        self._compare_start(state)

        # 3. Run the network: a box, its quality Q_t and the token of the target per window.
        # While LOST the target may be anywhere: no Hann window then.
        influence = 0.0 if state.status is Status.LOST else settings.search.window_influence
        predictions, network_ms = yield Query(state.model, windows, crops, influence)
        predicted = time.perf_counter()

        # 4. Reject distractors: what does not resemble the target as the STM remembers it.
        candidates = self._candidates(state, frame, windows, predictions, searching)

        # 5. Status: is the target still there?
        decision = (
            self._search_decision(state, candidates)
            if searching
            else self._follow_decision(state, frame, candidates[0])
        )
        state.quality = decision.candidate.quality
        if decision.remember:
            state.brightness = mean_brightness(state.brightness, brightness_of(crops[0], predictions[0].box))
        decided = time.perf_counter()

        # 6. Memory: the token is carried on, offered to the STM, and the template renewed, from trusted frames alone.
        # What else there is to see in this frame is looked at as far as there is time.
        self._unfinished = partial(self._complete, state, frame, decision, self._searched_box(state))
        if not remember_later:
            self.finish()
        remembered = time.perf_counter()

        # 7. Motion: correct the filter by the box, or coast on it.
        self._move(state, frame, decision)

        state.timings_ms = {
            "crop": 1e3 * (cropped - begun),
            "model": network_ms,
            "memory": 1e3 * (remembered - decided),
            "state": 1e3 * (decided - predicted + time.perf_counter() - remembered),
        }
        return self._result(state, decision.candidate)

    def _starting_range(self, pixels: Pixels, box: Box) -> IntensityRange | None:
        known = self.settings.intensity
        return IntensityRange(known.low, known.high) if known.high > known.low else held_range(pixels, box)

    def _start_windows(self, frame: FrameView, box: Box) -> list[StartWindow]:
        info = self.model.info
        factors = {False: info.search_factor, True: info.large_search_factor}
        windows = {large: Crop.around(box, factor, info.search_size) for large, factor in factors.items()}
        return [StartWindow(large, window, frame.extract(window)) for large, window in windows.items()]

    def _compare_start(self, state: TrackState) -> None:
        """Compare the box of the start with what the network draws in the same frame, in each of its windows once."""
        influence = self.settings.search.window_influence
        while state.start_windows:
            start = state.start_windows[0]
            drawn = self.model.step([state.model], start.crop[None], [influence])[0]
            state.extent.compare_at_start(start.window.to_image(drawn.box), start.large)
            del state.start_windows[0]  # now: a network that fails is asked again in the next frame

    def _in_range(self, state: TrackState, frame: FrameView) -> FrameView:
        """Show the frame in the range held for the target, which follows the scene only while the target is sure."""
        known, held = self.settings.intensity, state.intensity
        image = cast(Pixels, frame.image)  # an image in a camera's encoding can be sampled, too
        if known.high > known.low:
            state.intensity = IntensityRange(known.low, known.high)
        elif held is None:  # 8 bits until now: the stream may have changed its encoding
            state.intensity = None if image.dtype == np.uint8 else IntensityRange.measure(image)
        elif not held.fits(image):
            state.intensity = IntensityRange.measure(image)
        elif state.status is Status.TRACKING:
            weight = 1.0 - math.exp(-state.elapsed_s / known.adaptation_time)
            state.intensity = held.blend(IntensityRange.measure(image, state.box), weight)
        return replace(frame, intensity=state.intensity)

    def _follow_window(self, state: TrackState) -> Crop:
        info, box = self.model.info, state.motion.box if self._coasting(state) else self._next_box(state)
        doubtful = state.status is not Status.TRACKING or state.quality < self.settings.status.uncertain_quality
        speed = float(np.linalg.norm(state.motion.velocity) / max(np.sqrt(box[2] * box[3]), 1.0))
        large = state.search_window.choose(doubtful, speed, state.elapsed_s, self.settings.search)
        return Crop.around(box, info.large_search_factor if large else info.search_factor, info.search_size)

    def _next_box(self, state: TrackState) -> Box:
        """Return the last box, (4,) px, where its velocity carries it: of things alike, the target is on its way.

        Only as far as velocity has foretold where it went, and at most by MAX_LEAD: after dropped frames, what has
        stopped in the meantime must still lie in the window.
        """
        box = state.box
        if not self.settings.motion.enabled:
            return box
        way = carried_on(box, state.motion.foresight * state.motion.velocity, state.elapsed_s)[:2] - box[:2]
        longest = MAX_LEAD * math.sqrt(box[2] * box[3])
        return np.concatenate((box[:2] + way * min(1.0, longest / max(math.hypot(*way), 1e-9)), box[2:]))

    def _searched_box(self, state: TrackState) -> Box:
        """Return the (4,) box around which a LOST target is searched for."""
        return box_from_center(*box_center(state.box), *state.whole_box[2:])

    def _search_windows(self, state: TrackState, frame: FrameView, count: int) -> list[Crop]:
        return state.redetection.windows(self._searched_box(state), frame.width, frame.height, count)

    def _candidates(
        self,
        state: TrackState,
        frame: FrameView,
        windows: Sequence[Crop],
        predictions: Sequence[Prediction],
        searching: bool,
    ) -> list[Candidate]:
        large, change = state.search_window.large, UNCHANGED
        if searching:
            large, change = not state.redetection.looks_closely, state.redetection.change
        first = self._candidate(state, frame, windows[0], predictions[0], searching, large, change)
        others = zip(windows[1:], predictions[1:], strict=True)
        return [first, *(self._candidate(state, frame, *other, searching, True) for other in others)]

    def _candidate(
        self,
        state: TrackState,
        frame: FrameView,
        window: Crop,
        prediction: Prediction,
        searching: bool,
        large: bool,
        change: Change = UNCHANGED,
    ) -> Candidate:
        settings, expected = self.settings.status, state.motion.box
        drawn = change.to_image(window, prediction.box)
        shown = self._shown_box(state, frame, drawn, prediction.quality, large)
        box = self._steady_box(state, frame, shown)
        memory = self.model.similarity(state.model, prediction)
        other, margin = state.surroundings.similarity(prediction), 0.0
        if searching:
            known = state.distractors.is_known_distractor(box, memory, expected, settings, other)
            rejected = known or memory < settings.memory_similarity
        else:
            sparse = state.elapsed_s >= SPARSE_S
            near = box if sparse else expected  # it may have gone anywhere in the meantime
            rejected = state.distractors.rejects(box, prediction.quality, memory, near, settings, sparse)
            margin = HERE_MARGIN if iou(box, near) >= OVERLAP else 0.0
        rejected |= settings.enabled and other > memory + margin  # not if no other is known
        quality = 0.0 if rejected else prediction.quality
        return Candidate(box, shown, quality, memory, other, prediction, rejected, change)

    def _follow_decision(self, state: TrackState, frame: FrameView, candidate: Candidate) -> Decision:
        before, whole = state.status, _is_whole(candidate.box, frame)
        resembles = candidate.resembles(self.settings.status.follow_similarity)
        status = state.status_machine.update(candidate.quality, state.elapsed_s, self.settings.status, whole, resembles)
        if status is Status.LOST and before is not Status.LOST:
            state.redetection = self._new_search()
        few = self._has_little_evidence(state)
        return decide(candidate, status, self._coasting(state), self.settings.status, few)

    def _search_decision(self, state: TrackState, candidates: Sequence[Candidate]) -> Decision:
        found = state.redetection.update(candidates, state.elapsed_s, self.settings.redetection)
        if found is None:
            best = max(candidates, key=lambda candidate: candidate.quality)
            return Decision(best, remember=False, measure=False)
        state.status_machine.reacquire()
        return Decision(found, remember=False, measure=True, reacquired=True)

    def _complete(self, state: TrackState, frame: FrameView, decision: Decision, searched: Box, spare_s: float) -> None:
        """Remember what the frame showed, then look at more of it, as far as that takes less than `spare_s`."""
        due_s = time.perf_counter() + spare_s
        candidate = decision.candidate
        if decision.remember:
            state.model = self.model.remember(state.model, candidate.prediction, frame, candidate.box)
            state.whole_box = candidate.box if _is_whole(candidate.box, frame) else state.whole_box
            self._look_elsewhere(state, frame, candidate, due_s)
        if decision.reacquired and candidate.change != UNCHANGED:
            self._learn_change(state, frame, candidate)
        if decision.remember or decision.reacquired:
            state.distractors.clear()
        if state.status is Status.LOST:
            self._search_on(state, frame, searched, due_s)

    def _has_time(self, state: TrackState, due_s: float) -> bool:
        """Return whether a run of the network would be done before `due_s`."""
        return time.perf_counter() + 1e-3 * state.timings_ms.get("model", 0.0) <= due_s

    def _search_on(self, state: TrackState, frame: FrameView, searched: Box, due_s: float) -> None:
        """Try further windows of a frame in which the target is LOST, one by one, until one shows what may be it.

        If none does, look at what may be it but for its look.
        """
        settings = self.settings.redetection
        more = round(settings.crops_per_second * state.elapsed_s) - settings.crops_per_frame if settings.enabled else 0
        for _ in range(more):
            if state.redetection.watched is not None or not self._has_time(state, due_s):
                break
            windows = state.redetection.windows(searched, frame.width, frame.height, 1)
            found = [self._look(state, frame, windows[0])]
            candidates = self._candidates(state, frame, windows, found, searching=True)
            state.redetection.update(candidates, 0.0, settings)  # the next frame says whether it is the target
        likely = state.redetection.take_likely()
        if likely is not None and settings.changed_looks:
            self._look_for_changes(state, frame, likely, due_s)

    def _look_for_changes(self, state: TrackState, frame: FrameView, box: Box, due_s: float) -> None:
        """Look closely at what may be the target, as if it had changed in each way, until one makes it look like it."""
        window = self._close_window(box)
        pixels = frame.extract(window)
        brightness = brightness_of(pixels, window.to_crop(box))
        for change in possible_changes(brightness, state.brightness):
            if not self._has_time(state, due_s):
                return
            found = self._run(state, change.undo(pixels))
            candidate = self._candidate(state, frame, window, found, searching=True, large=False, change=change)
            if state.redetection.update_changed(candidate, self.settings.redetection):
                return

    def _learn_change(self, state: TrackState, frame: FrameView, candidate: Candidate) -> None:
        """Remember what a target that was found again, changed, looks like now: so it will be followed."""
        window = self._close_window(candidate.box)
        found = self._look(state, frame, window)
        if iou(window.to_image(found.box), candidate.box) >= LEARNED_IOU:
            state.model = self.model.remember(state.model, found, frame, candidate.box)

    def _close_window(self, box: Box) -> Crop:
        return Crop.around(box, self.model.info.search_factor, self.model.info.search_size)

    def _look(self, state: TrackState, frame: FrameView, window: Crop) -> Prediction:
        """Run the network on one more window."""
        return self._run(state, frame.extract(window))

    def _run(self, state: TrackState, pixels: Image) -> Prediction:
        """Run the network on what a window shows, (S, S, 3) uint8 BGR."""
        predictions = self.model.step([state.model], pixels[None], [0.0])
        _require_numbers(predictions)
        return predictions[0]

    def _look_elsewhere(self, state: TrackState, frame: FrameView, target: Candidate, due_s: float) -> None:
        """Look at another place of the frame in which the target was surely seen, now and then.

        What is found is looked at closely as well, as a search does, so that there is its like to be compared with.
        """
        known = target.prediction.embedding is not None and self.settings.status.enabled
        if not (known and state.surroundings.is_due(self.settings.search) and self._has_time(state, due_s)):
            return
        info, size = self.model.info, (frame.width, frame.height)
        window = state.surroundings.next_window(target.box, *size, info.large_search_factor, info.search_size)
        if window is None:
            return
        found = self._look(state, frame, window)
        if state.surroundings.add(found) and self._has_time(state, due_s):
            place = window.to_image(found.box)
            close = self._close_window(place)
            again = self._look(state, frame, close)
            box = close.to_image(again.box)
            if iou(box, place) >= OVERLAP > iou(box, target.box):  # the target may lie in the window, too
                state.surroundings.add(again)

    def _move(self, state: TrackState, frame: FrameView, decision: Decision) -> None:
        box, shown = decision.candidate.box, decision.candidate.shown
        quality, settings = decision.candidate.quality, self.settings.motion
        if decision.reacquired:
            state.motion = MotionModel(box, settings)
        elif decision.measure:
            state.motion.correct(box, quality, settings, shown)
        if decision.measure:
            state.box, state.covariance = box, state.motion.measured_covariance(quality, settings)
        else:
            margin = self.settings.search.clip_margin
            state.box = clip_box(state.motion.box, frame.width, frame.height, margin)
            state.covariance = state.motion.box_covariance
        if state.status is not Status.TRACKING:
            state.covariance += state.motion.doubt_covariance(settings)
        if state.status_machine.reported is Status.TRACKING:
            state.seen_s = state.clock_s

    def _result(self, state: TrackState, candidate: Candidate) -> TrackResult:
        return TrackResult(
            box=state.box.copy(),
            status=state.status_machine.reported,
            quality=candidate.quality,
            token_quality=candidate.prediction.token_quality,
            covariance=state.covariance.copy(),
            velocity=state.motion.velocity,
            time_since_seen_s=max(state.clock_s - state.seen_s, 0.0),
            frame_number=state.frame_number,
            timings_ms=dict(state.timings_ms),
            intensity=state.intensity,
        )

    def _shown_box(self, state: TrackState, frame: FrameView, box: Box, quality: float, large: bool) -> Box:
        sure = state.status is Status.TRACKING and quality >= self.settings.status.uncertain_quality
        if sure and _is_whole(box, frame):
            state.extent.compare(box, large)
        return state.extent.adapt(box, self.settings.search.extent_weight, large)

    def _steady_box(self, state: TrackState, frame: FrameView, box: Box) -> Box:
        constant = self.settings.search.size_time_constant
        if constant and state.status is Status.TRACKING:
            keep = math.exp(-state.elapsed_s / constant)
            size = (1 - keep) * box[2:] + keep * state.box[2:]
            box = np.concatenate((box[:2] + (box[2:] - size) / 2, size))
        return clip_box(box, frame.width, frame.height, self.settings.search.clip_margin)

    def _coasting(self, state: TrackState) -> bool:
        doubtful = state.status is not Status.TRACKING
        return self.settings.motion.enabled and doubtful and not self._has_little_evidence(state)

    def _has_little_evidence(self, state: TrackState) -> bool:
        return state.elapsed_s >= SPARSE_S and state.status_machine.low_frames <= self.settings.status.lost_frames

    def _new_search(self) -> Redetection:
        info = self.model.info
        return Redetection(info.large_search_factor, info.search_factor, info.search_size)

    def _require_state(self) -> TrackState:
        if self._state is None:
            raise InputError("There is no target: initialise the tracker with a box first.")
        return self._state


def run_steps(model: Model, steps: Sequence[Step]) -> list[TrackResult]:
    """Run the steps of several targets, all their windows in one run of the network they share.

    Raises:
        ModelError: the network gives no finite numbers.
    """
    if not steps:
        return []
    queries = [next(step) for step in steps]
    begun = time.perf_counter()
    predictions = model.step(
        [query.state for query in queries for _ in query.windows],
        np.concatenate([query.crops for query in queries]),
        [query.window_influence for query in queries for _ in query.windows],
    )
    _require_numbers(predictions)
    network_ms = 1e3 * (time.perf_counter() - begun)
    results, used = [], 0
    for step, query in zip(steps, queries, strict=True):
        answer = predictions[used : used + len(query.windows)]
        used += len(query.windows)
        try:
            step.send((answer, network_ms))
        except StopIteration as end:
            results.append(end.value)
    return results


def _require_numbers(predictions: Sequence[Prediction]) -> None:
    """Refuse what is not finite: taken in once, such a number would stay in box and motion forever."""
    if not all(np.isfinite(prediction.box).all() and np.isfinite(prediction.quality) for prediction in predictions):
        raise ModelError("The network gives a box or a quality that is not finite; try another model.provider.")


def _require_structure(frame: FrameView, box: Box) -> None:
    """Refuse a box that shows nothing, with its surroundings: a capped lens, a wall, noise alone."""
    raw = replace(frame, intensity=None) if frame.image.dtype == np.uint8 else frame  # no noise is spread
    shown = cv2.blur(raw.extract_around(box, 2.0, STRUCTURE_PX), (5, 5))
    deviation = float(shown.std(axis=(0, 1)).max())
    if deviation < MIN_STRUCTURE:
        raise InputError(
            f"The box and its surroundings show nothing to follow: their levels deviate by {deviation:.1f} of 255; "
            "start on something that stands out (and see that the lens is open and the exposure right)."
        )


def _is_whole(box: Box, frame: FrameView) -> bool:
    """Return whether a box keeps a pixel's distance from all edges."""
    return bool((box[:2] >= 1).all() and (box[:2] + box[2:] <= np.array((frame.width, frame.height)) - 1).all())
