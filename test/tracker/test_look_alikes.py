# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A target that is covered beside its double: the tracker says so, stays where it was, and takes the target alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from stdtrack_ros.errors import ModelError
from stdtrack_ros.geometry import Crop, box_center
from stdtrack_ros.settings import make_settings
from stdtrack_ros.tracker import Status, Tracker, TrackResult
from stdtrack_ros.tracker.frame_view import FrameView
from stdtrack_ros.tracker.models.model import ModelInfo, Prediction
from stdtrack_ros.tracker.multi_tracker import MultiTargetTracker

TARGET, DOUBLE = (0, 255, 0), (0, 0, 255)
HERE, BESIDE = np.array([100.0, 80.0, 20.0, 20.0]), np.array([130.0, 80.0, 20.0, 20.0])


class ColourModel:
    """Sure of every square of 20 px: of the green one, else of the red one; only the green one is what it remembers."""

    info = ModelInfo("colour", "none", "CPU", "fp32", "", "0" * 64, 32, 2.0, 80, 4.0, 4.0)

    def start(self, frame: FrameView, box: NDArray[np.float64]) -> int:
        return 0

    def step(self, states: Sequence[int], searches: NDArray[np.uint8], influences: Sequence[float]) -> list[Prediction]:
        return [self._look(search) for search in searches]

    def _look(self, search: NDArray[np.uint8]) -> Prediction:
        for color, similarity in ((TARGET, 0.95), (DOUBLE, 0.6)):
            rows, columns = np.nonzero((np.abs(search.astype(int) - color) < 90).all(axis=2))
            if len(rows):
                x, y = columns.min(), rows.min()
                box = np.array([x, y, columns.max() + 1 - x, rows.max() + 1 - y], dtype=np.float64)
                return Prediction(box, 0.9, 0.9, output=similarity)
        return Prediction(np.array([30.0, 30.0, 20.0, 20.0]), 0.0, 0.0, output=0.0)

    def remember(self, state: int, prediction: Prediction, frame: FrameView, box: NDArray[np.float64]) -> int:
        assert prediction.output == 0.95, "the double must never be remembered"
        return state + 1

    def similarity(self, state: int, prediction: Prediction) -> float:
        return float(prediction.output)


def picture(*, seen: bool, doubled: bool = True) -> NDArray[np.uint8]:
    image = np.full((240, 320, 3), 90, np.uint8)
    for box, color, shown in ((HERE, TARGET, seen), (BESIDE, DOUBLE, doubled)):
        if shown:
            x, y, width, height = box.astype(int)
            image[y : y + height, x : x + width] = color
    return image


def run(tracker: Tracker, images: list[NDArray[np.uint8]], begin: int = 1) -> list[TrackResult]:
    return [tracker.track(image, (begin + index) / 30) for index, image in enumerate(images)]


def started(model: ColourModel | None = None, **settings: float) -> Tracker:
    tracker = Tracker(model or ColourModel(), make_settings(settings))
    tracker.initialize(picture(seen=True), HERE, 0.0)
    assert {result.status for result in run(tracker, [picture(seen=True)] * 9)} == {Status.TRACKING}
    return tracker


def test_the_double_of_a_covered_target_is_refused_and_the_target_taken() -> None:
    tracker = started()
    away = run(tracker, [picture(seen=False)] * 60, 10)
    statuses = [result.status for result in away]
    assert statuses.index(Status.UNCERTAIN) == 1
    assert statuses.index(Status.LOST) == 8  # the ninth frame: 0.3 s after the last one with the target
    assert set(statuses[1:8]) == {Status.UNCERTAIN} and set(statuses[8:]) == {Status.LOST}
    assert all(np.hypot(*(box_center(result.box) - box_center(HERE))) < 5 for result in away)
    assert max(result.quality for result in away) == 0.0
    deviations = [np.sqrt(result.covariance[0, 0]) for result in away]
    assert deviations == sorted(deviations) and deviations[-1] > 3 * deviations[0]
    size, doubt = np.sqrt(HERE[2] * HERE[3]), tracker.settings.motion.doubt_noise
    assert doubt > 0 and deviations[0] < 0.5 * size and deviations[1] > 0.9 * doubt * size
    back = run(tracker, [picture(seen=True)] * 25, 70)
    assert back[-1].status is Status.TRACKING
    np.testing.assert_allclose(back[-1].box, HERE, atol=1.5)


class DoubtingModel(ColourModel):
    """Finds the target, and after ten frames is unsure of it however much it resembles what was remembered."""

    def __init__(self) -> None:
        self.frames = 0

    def _look(self, search: NDArray[np.uint8]) -> Prediction:
        self.frames += 1
        found = super()._look(search)
        return replace(found, quality=0.9 if self.frames <= 10 else 0.05, embedding=np.ones(1, np.float32))


def test_a_target_that_resembles_itself_is_followed_for_a_while_though_the_network_is_unsure() -> None:
    def moved(index: int) -> NDArray[np.uint8]:
        return np.roll(picture(seen=True, doubled=False), 2 * max(index - 10, 0), axis=1)

    def tracked(similarity: float) -> list[TrackResult]:
        # No look at the start, and none elsewhere.
        plain = {"search.extent_weight": 0.0, "search.elsewhere_interval": 0.0}
        settings = {"status.follow_similarity": similarity, **plain}
        tracker = Tracker(DoubtingModel(), make_settings(settings))
        tracker.initialize(moved(0), HERE, 0.0)
        return run(tracker, [moved(index) for index in range(1, 70)])

    followed, left = tracked(0.9), tracked(0.99)
    statuses = [result.status for result in followed]
    assert statuses[9] is Status.TRACKING and statuses[11] is Status.UNCERTAIN
    assert statuses.index(Status.LOST) == 54  # frame 55: 1.5 s after the last one that was sure
    assert followed[53].box[0] == pytest.approx(HERE[0] + 2 * (54 - 10), abs=2)
    assert [result.status for result in left].index(Status.LOST) == 18
    assert left[53].box[0] < HERE[0] + 20


class SimilarModel(ColourModel):
    """Takes the double for the target, which it resembles; but it resembles itself more."""

    def _look(self, search: NDArray[np.uint8]) -> Prediction:
        found = super()._look(search)
        looks = {0.95: (1.0, 0.0), 0.6: (0.8, 0.6), 0.0: (0.0, 1.0)}
        return replace(found, embedding=np.array(looks[found.output], np.float32))

    def remember(self, state: int, prediction: Prediction, frame: FrameView, box: NDArray[np.float64]) -> int:
        return state

    def similarity(self, state: int, prediction: Prediction) -> float:
        assert prediction.embedding is not None
        return float(prediction.embedding[0])


@pytest.mark.parametrize("interval_s", [0.3, 0.0])
def test_what_was_seen_beside_the_target_is_not_taken_for_it_when_that_is_covered(interval_s: float) -> None:
    tracker = Tracker(SimilarModel(), make_settings({"search.elsewhere_interval": interval_s}))
    tracker.initialize(picture(seen=True), HERE, 0.0)
    run(tracker, [picture(seen=True)] * 9)
    away = run(tracker, [picture(seen=False)] * 60, 10)
    if interval_s:
        assert [result.status for result in away].index(Status.LOST) == 8
        assert away[-1].status is Status.LOST
        assert all(np.hypot(*(box_center(result.box) - box_center(HERE))) < 5 for result in away)
    else:
        assert away[-1].status is Status.TRACKING
        np.testing.assert_allclose(away[-1].box, BESIDE, atol=1.5)
    back = run(tracker, [picture(seen=True, doubled=False)] * 25, 70)
    assert back[-1].status is Status.TRACKING
    np.testing.assert_allclose(back[-1].box, HERE, atol=1.5)


class TurningModel(SimilarModel):
    """From some time on the target looks turned by an angle towards the double, which is 37 degrees away."""

    turned = False

    def __init__(self, degrees: float) -> None:
        self.after = np.array([np.cos(np.radians(degrees)), np.sin(np.radians(degrees))], np.float32)

    def _look(self, search: NDArray[np.uint8]) -> Prediction:
        found = super()._look(search)
        return replace(found, embedding=self.after) if found.output == 0.95 and self.turned else found


@pytest.mark.parametrize(("degrees", "taken"), [(18.0, True), (24.0, True), (27.0, False)])
def test_where_the_target_is_expected_another_must_be_more_alike_by_a_margin(degrees: float, taken: bool) -> None:
    """The cosine with the double less that with the memory is -0.005, 0.061 and 0.094; the margin is 0.08."""
    model = TurningModel(degrees)
    tracker = Tracker(model, make_settings({"search.extent_weight": 0.0}))
    tracker.initialize(picture(seen=True), HERE, 0.0)
    assert all(result.quality > 0 for result in run(tracker, [picture(seen=True)] * 10))
    model.turned = True
    assert (tracker.track(picture(seen=True), 11 / 30).quality > 0) == taken


CLOSE_LOOKS = 3
"""Of nine looks elsewhere, those that show the double; each is followed by a close one."""


class CountingModel(SimilarModel):
    """Counts the windows that it is shown."""

    windows = 0

    def _look(self, search: NDArray[np.uint8]) -> Prediction:
        self.windows += 1
        return super()._look(search)


def test_nothing_is_looked_for_elsewhere_while_the_target_is_in_doubt_or_loss_detection_is_off() -> None:
    def windows(enabled: bool, images: list[NDArray[np.uint8]]) -> int:
        model = CountingModel()
        tracker = Tracker(model, make_settings({"status.enabled": enabled, "search.extent_weight": 0.0}))
        tracker.initialize(picture(seen=True), HERE, 0.0)
        run(tracker, images)
        return model.windows

    sure, hidden = [picture(seen=True)] * 9, [picture(seen=False)] * 8  # LOST is the frame after these
    assert windows(True, sure) == 9 + 9 + CLOSE_LOOKS
    assert windows(True, [*sure, *hidden]) == 9 + 9 + CLOSE_LOOKS + 8
    assert windows(False, sure) == 9


@pytest.mark.parametrize(("spare_s", "looks"), [(0.0, 0), (60.0, 9 + CLOSE_LOOKS)])
def test_nothing_is_looked_for_elsewhere_if_the_next_frame_is_due(spare_s: float, looks: int) -> None:
    model = CountingModel()
    targets = MultiTargetTracker(model, make_settings({"search.extent_weight": 0.0}))
    targets.initialize("one", picture(seen=True), HERE, 0.0)
    for number in range(1, 10):
        targets.track(picture(seen=True), number / 30)
        targets.finish(spare_s)
    assert model.windows == 9 + looks


class BridgingModel(SimilarModel):
    """Draws one box around the double and what it sees of the target, and counts the windows with the double amid."""

    amid = 0

    def _look(self, search: NDArray[np.uint8]) -> Prediction:
        found = super()._look(search)
        columns = np.nonzero((np.abs(search.astype(int) - DOUBLE) < 90).all(axis=2))[1]
        if len(columns):
            self.amid += abs((columns.min() + columns.max() + 1) / 2 - self.info.search_size / 2) <= 1
            if found.output == 0.95 and columns.max() + 1 - columns.min() >= 20:
                left, right = found.box[0], columns.max() + 1
                return replace(found, box=np.array([left, found.box[1], right - left, 20.0]))
        return found


@pytest.mark.parametrize(("place", "close"), [(260, True), (140, False)])
def test_what_is_found_elsewhere_is_known_from_close_by_as_well_but_never_the_target(place: int, close: bool) -> None:
    """From 140 to 160 px: a close look at it shows half of the target, too, and a box around both is found."""
    image = picture(seen=True, doubled=False)
    image[80:100, place : place + 20] = DOUBLE
    model = BridgingModel()
    tracker = Tracker(model, make_settings({"search.extent_weight": 0.0}))
    tracker.initialize(image, HERE, 0.0)
    assert {result.status for result in run(tracker, [image] * 45)} == {Status.TRACKING}
    known = tracker._require_state().surroundings.appearances
    assert model.amid > 0 and all(one[1] == pytest.approx(0.6) for one in known)
    assert len(known) == 2 * model.amid if close else len(known) > 0


@pytest.mark.parametrize(
    ("interval_s", "spare_s", "per_second", "windows"),
    [
        (1 / 30, 60.0, 60.0, 2),
        (1 / 15, 60.0, 60.0, 4),
        (1 / 60, 60.0, 60.0, 1),
        (1 / 15, 0.0, 60.0, 1),
        (1 / 15, 60.0, 0.0, 1),
    ],
)
def test_as_many_windows_are_searched_as_there_is_time_for(
    interval_s: float, spare_s: float, per_second: float, windows: int
) -> None:
    model, count = CountingModel(), 10
    tracker = Tracker(model, make_settings({"redetection.crops_per_second": per_second}))
    tracker.initialize(picture(seen=True), HERE, 0.0)
    run(tracker, [picture(seen=True)] * 9)
    empty = picture(seen=False, doubled=False)
    while tracker.track(empty, count / 30).status is not Status.LOST:
        count += 1
    model.windows = 0
    for number in range(1, 11):
        assert tracker.track(empty, count / 30 + number * interval_s, remember_later=True).status is Status.LOST
        tracker.finish(spare_s)
    assert model.windows == 10 * windows


class RecordingModel(ColourModel):
    """Writes down how bright each window is."""

    def __init__(self) -> None:
        self.seen: list[float] = []

    def _look(self, search: NDArray[np.uint8]) -> Prediction:
        self.seen.append(float(search.mean()))
        return super()._look(search)


def test_a_search_with_time_to_spare_looks_at_the_same_before_and_after_the_result() -> None:
    """The target moves, so that the place that is searched moves on from frame to frame."""

    def seen(later: bool) -> tuple[list[float], list[TrackResult]]:
        model, tracked = RecordingModel(), []
        empty = np.tile(np.linspace(10, 80, 320).astype(np.uint8)[None, :, None], (240, 1, 3))
        tracker = Tracker(model, make_settings({"search.elsewhere_interval": 0.0}))
        for number in range(60):
            image, x = empty.copy(), 100 + 3 * number
            if number < 12 or number > 40:
                image[80:100, x : x + 20] = TARGET
            if number:
                tracked.append(tracker.track(image, number / 30, remember_later=later))
                tracker.finish()
            else:
                tracker.initialize(image, HERE, 0.0)
        return model.seen, tracked

    (windows, now), (later_windows, later) = seen(False), seen(True)
    assert Status.LOST in {result.status for result in now} and now[-1].status is Status.TRACKING
    assert windows == later_windows
    for one, other in zip(now, later, strict=True):
        np.testing.assert_array_equal(one.box, other.box)
        assert (one.status, one.quality) == (other.status, other.quality)


def test_one_frame_of_the_double_is_forgiven() -> None:
    tracker = started()
    seen = [True, False, True, True]
    results = run(tracker, [picture(seen=one) for one in seen], 10)
    assert [result.status for result in results] == [Status.TRACKING] * 4
    assert [result.quality > 0 for result in results] == seen


def test_without_the_question_the_double_is_followed() -> None:
    tracker = started(**{"status.memory_similarity": -1.0, "status.elsewhere_similarity": -1.0})
    with pytest.raises(AssertionError, match="never be remembered"):
        run(tracker, [picture(seen=False)], 10)


def test_new_rules_reach_a_target_that_is_tracked() -> None:
    tracker = started()
    strict = tracker.settings.status.model_copy(update={"memory_similarity": 0.96})
    tracker.settings = tracker.settings.model_copy(update={"status": strict})
    assert [result.quality for result in run(tracker, [picture(seen=True)], 10)] == [0.0]


@pytest.mark.parametrize(("interval_s", "moved_px"), [(1 / 30, 0.0), (0.1, 8.0), (0.2, 8.0)])
def test_the_box_stays_with_what_was_rejected_if_the_camera_is_slow(interval_s: float, moved_px: float) -> None:
    tracker = started()
    strict = tracker.settings.status.model_copy(update={"memory_similarity": 0.96, "sparse_similarity": 0.96})
    tracker.settings = tracker.settings.model_copy(update={"status": strict})
    image = np.full((240, 320, 3), 90, np.uint8)
    image[80:100, 108:128] = TARGET
    result = tracker.track(image, 9 / 30 + interval_s)
    assert result.quality == 0.0
    assert result.box[0] == pytest.approx(HERE[0] + moved_px, abs=1.5)


def test_what_is_rejected_no_longer_leads_the_box_of_a_slow_camera_once_the_target_is_lost() -> None:
    tracker = started(**{"motion.velocity_decay_time": 0.05, "status.lost_frames": 5})
    strict = tracker.settings.status.model_copy(update={"memory_similarity": 0.96, "sparse_similarity": 0.96})
    tracker.settings = tracker.settings.model_copy(update={"status": strict})
    lefts = []
    for step in range(8):  # what is rejected goes away at 5 frames/s
        image = np.full((240, 320, 3), 90, np.uint8)
        image[80:100, 104 + 4 * step : 124 + 4 * step] = TARGET
        lefts.append(tracker.track(image, 0.5 + 0.2 * step).box[0])
    np.testing.assert_allclose(lefts[:4], [104, 108, 112, 116], atol=1.5)
    assert max(lefts) < 124, "what was rejected got to 132"


def test_what_left_over_the_edge_is_searched_for_at_its_whole_size() -> None:
    """The box is cut at the edge until a sliver is left; the windows stay 4 * 20 px wide, and 1.5 and 2 times that."""
    # Windows on whole pixels, in which the painted side is read exactly.
    tracker = started(**{"motion.enabled": False})
    for step in range(14):
        image = np.full((240, 320, 3), 90, np.uint8)
        left = 100 - 8 * (step + 1)
        image[80:100, max(left, 0) : max(left + 20, 0)] = TARGET
        tracker.track(image, (10 + step) / 30)
    empty = np.full((240, 320, 3), 90, np.uint8)
    assert run(tracker, [empty] * 20, 24)[-1].status is Status.LOST
    sides = [window.side_px for index in range(20) for window in windows(tracker, empty, (44 + index) / 30)]
    np.testing.assert_allclose(sorted(set(np.round(sides, 6))), [48, 80, 160])


def windows(tracker: Tracker, image: NDArray[np.uint8], stamp_s: float) -> Sequence[Crop]:
    """Return the windows that the tracker looks at in this frame."""
    return next(tracker.step(FrameView(image), stamp_s)).windows


def lost(crops_per_frame: int = 1) -> Tracker:
    """Return a tracker that has just said that its target is LOST: two frames at most were searched since."""
    tracker = started(**{"redetection.accept_frames": 1, "redetection.crops_per_frame": crops_per_frame})
    empty, count = picture(seen=False, doubled=False), 10
    while tracker.track(empty, count / 30).status is not Status.LOST:
        count += 1
        assert count < 60
    return tracker


def test_loss_detection_that_is_switched_off_ends_lost_at_once() -> None:
    tracker = lost()
    off = tracker.settings.status.model_copy(update={"enabled": False})
    still = tracker.settings.redetection.model_copy(update={"accept_frames": 100})
    tracker.settings = tracker.settings.model_copy(update={"status": off, "redetection": still})
    result = run(tracker, [picture(seen=True)], 60)[0]
    assert result.status is Status.TRACKING and result.time_since_seen_s == 0.0
    np.testing.assert_allclose(result.box, HERE, atol=1.5)


def test_what_is_said_of_a_target_that_was_found_is_what_its_own_window_showed() -> None:
    """The first window, 80 px wide, ends beside the target; larger ones show it."""
    tracker = lost(crops_per_frame=6)
    image = np.full((240, 320, 3), 90, np.uint8)
    image[80:100, 152:172] = TARGET
    result = tracker.track(image, 2.0)
    assert result.status is Status.TRACKING and result.box[0] == pytest.approx(152, abs=1.5)
    assert result.quality == 0.9
    assert result.covariance[0, 0] < 50


class GenerousModel(ColourModel):
    """Draws boxes a fifth too large in small windows, in which the target is seen larger."""

    info = replace(ColourModel.info, search_factor=3.0)

    def _look(self, search: NDArray[np.uint8]) -> Prediction:
        found = super()._look(search)
        size = 1.2 * found.box[2:] if found.output == 0.95 and found.box[2] > 23 else found.box[2:]
        return replace(found, box=np.concatenate((found.box[:2] + (found.box[2:] - size) / 2, size)))


def test_a_box_from_a_close_look_is_taken_as_one_of_a_small_window() -> None:
    tracker = started(GenerousModel())
    hidden = run(tracker, [picture(seen=False, doubled=False)] * 20, 10)
    assert hidden[-1].status is Status.LOST
    found = run(tracker, [picture(seen=True, doubled=False)] * 10, 30)
    first = next(result for result in found if result.status is Status.TRACKING)
    assert first.box[2] == pytest.approx(24 * 1.2**-0.6, abs=0.7)  # by 60 % of the logarithm of what it is too large


class Unsteady(ColourModel):
    """Its device gives no number once in a while."""

    sick = ""

    def _look(self, search: NDArray[np.uint8]) -> Prediction:
        seen = super()._look(search)
        if self.sick == "box":
            return replace(seen, box=np.array([10.0, np.nan, 20.0, 20.0]))
        return replace(seen, quality=float("nan")) if self.sick == "quality" else seen


@pytest.mark.parametrize("sick", ["box", "quality"])
def test_a_network_that_gives_no_number_is_an_error_of_that_frame_alone(sick: str) -> None:
    model = Unsteady()
    tracker = Tracker(model, make_settings({}))
    tracker.initialize(picture(seen=True), HERE, 0.0)
    run(tracker, [picture(seen=True)] * 5)
    model.sick = sick
    with pytest.raises(ModelError, match="not finite"):
        tracker.track(picture(seen=True), 0.2)
    model.sick = ""
    result = tracker.track(picture(seen=True), 0.23)
    assert result.status is Status.TRACKING
    np.testing.assert_allclose(result.box, HERE, atol=1.5)


@pytest.mark.parametrize("sick", ["box", "quality"])
def test_a_look_that_gives_no_number_is_an_error_and_the_search_goes_on(sick: str) -> None:
    model = Unsteady()
    tracker = started(model)
    run(tracker, [picture(seen=False, doubled=False)] * 30, 10)
    result = tracker.track(picture(seen=True, doubled=False), 40 / 30, remember_later=True)
    assert result.status is Status.LOST
    tracker._require_state().redetection = tracker._new_search()  # nothing is watched yet
    model.sick = sick
    with pytest.raises(ModelError, match="not finite"):
        tracker.finish()
    model.sick = ""
    results = run(tracker, [picture(seen=True, doubled=False)] * 10, 41)
    assert results[-1].status is Status.TRACKING
    np.testing.assert_allclose(results[-1].box, HERE, atol=1.5)


def test_without_the_search_a_lost_target_stays_lost_until_it_is_started_again() -> None:
    tracker = lost()
    off = tracker.settings.redetection.model_copy(update={"enabled": False})
    tracker.settings = tracker.settings.model_copy(update={"redetection": off})
    assert {result.status for result in run(tracker, [picture(seen=True)] * 20, 60)} == {Status.LOST}
    tracker.initialize(picture(seen=True), HERE, 3.0)
    assert run(tracker, [picture(seen=True)], 91)[0].status is Status.TRACKING


def test_a_network_that_fails_at_a_new_start_leaves_the_old_target() -> None:
    class Gone(ColourModel):
        gone = False

        def start(self, frame: FrameView, box: NDArray[np.float64]) -> int:
            if self.gone:
                raise RuntimeError("the device is gone")
            return super().start(frame, box)

    model = Gone()
    tracker = Tracker(model, make_settings({}))
    tracker.initialize(picture(seen=True), HERE, 0.0)
    run(tracker, [picture(seen=True)] * 3)
    model.gone = True
    with pytest.raises(RuntimeError, match="gone"):
        tracker.initialize(picture(seen=True), BESIDE, 0.1)
    model.gone = False
    assert tracker.track(picture(seen=True), 4 / 30).frame_number == 4
