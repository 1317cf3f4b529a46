# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Where a LOST target is searched for, and what it takes to believe that it was found."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from stdtrack_ros.geometry import Box, box_center, box_from_center, iou
from stdtrack_ros.settings import RedetectionSettings
from stdtrack_ros.tracker.candidate import Candidate
from stdtrack_ros.tracker.changed_look import UNCHANGED, Change
from stdtrack_ros.tracker.models.model import Prediction
from stdtrack_ros.tracker.redetection import Redetection
from stdtrack_ros.tracker.tiles import MAX_TILES

FRAME = (1280, 720)
EXPECTED = np.array([600.0, 300.0, 40.0, 40.0])
ELSEWHERE = np.array([200.0, 100.0, 40.0, 40.0])
SURE = {"quality": 0.95, "memory_similarity": 0.9, "other_similarity": math.nan}
INTERVAL_S = 1 / 30
RULES = RedetectionSettings(accept_frames=3, window_frames=5)


def candidate(box: Box, **facts: float) -> Candidate:
    values = {**SURE, **facts}
    return Candidate(box, box, **values, prediction=Prediction(box, values["quality"], 0.5))


NOTHING = candidate(EXPECTED, quality=0.0, memory_similarity=0.0)


def shown(box: Box, count: int, **facts: float) -> list[Candidate]:
    """Return what `count` windows showed: the first one a target, the others nothing."""
    return [candidate(box, **facts), *[NOTHING] * (count - 1)]


def search() -> Redetection:
    return Redetection(4.0, 3.0, 256)


def test_windows_around_the_expected_place_are_of_three_sizes_and_the_others_cover_the_frame() -> None:
    looking = search()
    crops = []
    for _ in range(MAX_TILES):
        windows = looking.windows(EXPECTED, *FRAME, 2)
        assert len(windows) == 2
        crops += windows
        assert looking.update([NOTHING] * 2, INTERVAL_S, RULES) is None
    sides = [crop.side_px for crop in crops[0:6:2]]
    np.testing.assert_allclose(sides, [160, 96, 320])
    assert all(crop.center_x == 620 and crop.center_y == 320 for crop in crops[0:6:2])
    seen = np.zeros((720, 1280), bool)
    for crop in crops[1::2]:
        half = crop.side_px / 2
        seen[
            max(int(crop.center_y - half), 0) : int(crop.center_y + half),
            max(int(crop.center_x - half), 0) : int(crop.center_x + half),
        ] = True
    assert seen.mean() > 0.99


@pytest.mark.parametrize("size", [(64, 48), (640, 480), (3840, 2160)])
def test_a_frame_of_any_size_is_covered_in_a_bounded_number_of_tiles(size: tuple[int, int]) -> None:
    looking = search()
    first = looking.windows(np.array([5.0, 5.0, 8.0, 8.0]), *size, 64)
    again = looking.windows(np.array([5.0, 5.0, 8.0, 8.0]), *size, 64)
    assert len(first) == 64
    sides = [
        crop.side_px for crop in {(crop.center_x, crop.center_y, crop.side_px): crop for crop in first + again}.values()
    ]
    assert max(sides.count(side) for side in set(sides)) <= MAX_TILES


def test_a_large_frame_is_covered_by_coarse_tiles_before_the_fine_ones() -> None:
    looking, crops = search(), []
    for _ in range(2 * 28):  # 7 x 4 tiles of 320 px cover 1280x720 with half a side between them, in every second frame
        (window,) = looking.windows(EXPECTED, *FRAME, 1)
        looking.update([NOTHING], INTERVAL_S, RULES)
        crops.append(window)
    far = crops[1::2]
    assert {crop.side_px for crop in far} == {320.0}
    assert len({(crop.center_x, crop.center_y) for crop in far}) == 28


def test_what_a_coarse_tile_shows_is_looked_at_closely_before_it_counts() -> None:
    looking, place, once = search(), np.array([900.0, 500.0, 42.0, 41.0]), RedetectionSettings(accept_frames=1)
    looking.windows(EXPECTED, *FRAME, 1)
    looking.update([NOTHING], INTERVAL_S, once)
    (coarse,) = looking.windows(EXPECTED, *FRAME, 1)
    assert coarse.side_px == 320
    assert looking.update([candidate(place)], INTERVAL_S, once) is None
    (close,) = looking.windows(EXPECTED, *FRAME, 1)
    assert (close.center_x, close.center_y) == (921.0, 520.5) and close.side_px < 170
    assert looking.update([candidate(place)], INTERVAL_S, once) is not None


def test_a_glimpse_is_looked_at_closely_once_and_the_search_goes_on() -> None:
    looking, place = search(), np.array([900.0, 500.0, 42.0, 41.0])
    half = candidate(place, quality=0.5 * RULES.accept_quality)
    looked = []
    for _ in range(6):
        windows = looking.windows(EXPECTED, *FRAME, 2)
        looked.append(windows[0].center_x == 921)
        assert looking.update([half, NOTHING], INTERVAL_S, RULES) is None
    assert looked == [False, True, False, True, False, True]
    looking.windows(EXPECTED, *FRAME, 2)
    looking.update([candidate(place, quality=0.4 * RULES.accept_quality), NOTHING], INTERVAL_S, RULES)
    assert looking.windows(EXPECTED, *FRAME, 2)[0].center_x != 921


def test_a_target_is_accepted_after_k_frames_that_agree() -> None:
    looking = search()
    place = np.array([900.0, 500.0, 42.0, 41.0])
    looking.windows(EXPECTED, *FRAME, 2)
    assert looking.update(shown(place, 2), INTERVAL_S, RULES) is None
    for expected in (None, place + 4):
        window = looking.windows(EXPECTED, *FRAME, 2)[0]
        assert abs(window.center_x - 921) < 10  # the candidate is looked at again
        found = looking.update(shown(place + (2 if expected is None else 4), 2), INTERVAL_S, RULES)
        assert (found is None) == (expected is None)
    np.testing.assert_array_equal(found.box, place + 4)


@pytest.mark.parametrize("fact", ["quality", "memory_similarity"])
def test_a_look_alike_that_fails_one_test_is_refused(fact: str) -> None:
    looking = search()
    for _ in range(20):
        windows = looking.windows(EXPECTED, *FRAME, 2)
        assert looking.update(shown(EXPECTED, len(windows), **{fact: 0.1}), INTERVAL_S, RULES) is None
    assert looking.watched is None


@pytest.mark.parametrize(("lower", "accepted"), [(0.07, True), (0.09, False)])
def test_a_candidate_that_counted_may_look_a_little_less_like_the_target(lower: float, accepted: bool) -> None:
    looking, limit, place = search(), RULES.memory_similarity, np.array([900.0, 500.0, 42.0, 41.0])
    for _ in range(6):  # it never counts in the first place
        looking.windows(EXPECTED, *FRAME, 2)
        assert looking.update(shown(place, 2, memory_similarity=limit - 0.02), INTERVAL_S, RULES) is None
    assert looking.watched is None
    looking = search()
    looking.windows(EXPECTED, *FRAME, 2)
    assert looking.update(shown(place, 2), INTERVAL_S, RULES) is None
    found = None
    for _ in range(2):
        looking.windows(EXPECTED, *FRAME, 2)
        found = looking.update(shown(place, 2, memory_similarity=limit - lower), INTERVAL_S, RULES)
    assert (found is not None) == accepted


@pytest.mark.parametrize(("factor", "accepted"), [(0.76, True), (0.74, False)])
def test_a_candidate_that_counted_may_be_of_a_lower_quality(factor: float, accepted: bool) -> None:
    looking, place, found = search(), np.array([900.0, 500.0, 42.0, 41.0]), None
    for quality in (0.95, factor * RULES.accept_quality, factor * RULES.accept_quality):
        looking.windows(EXPECTED, *FRAME, 2)
        found = looking.update(shown(place, 2, quality=quality), INTERVAL_S, RULES)
    assert (found is not None) == accepted


@pytest.mark.parametrize(
    ("shift", "factor", "lower", "accepted"),
    [
        ((0.0, 0.0), 1.0, 0.07, True),
        ((0.0, 0.0), 1.0, 0.09, False),
        ((11.0, 0.0), 1.0, 0.07, True),  # 0.275 of 40 px
        ((9.0, 9.0), 1.0, 0.07, False),  # 0.32
        ((0.0, 0.0), 1.4, 0.07, True),  # 1.96 times the area
        ((0.0, 0.0), 1.42, 0.07, False),
        ((0.0, 0.0), 0.7, 0.07, False),
    ],
)
def test_what_is_where_the_target_is_expected_and_as_large_may_look_a_little_less_like_it(
    shift: tuple[float, float], factor: float, lower: float, accepted: bool
) -> None:
    looking, found = search(), None
    place = box_from_center(620 + shift[0], 320 + shift[1], 40 * factor, 40 * factor)
    for _ in range(3):
        looking.windows(EXPECTED, *FRAME, 2)
        facts = {"memory_similarity": RULES.memory_similarity - lower}
        found = looking.update(shown(place, 2, **facts), INTERVAL_S, RULES)
    assert (found is not None) == accepted


@pytest.mark.parametrize(
    ("other", "lower", "quality", "accepted"),
    [
        (-0.11, 0.11, 0.95, True),
        (-0.11, 0.13, 0.95, False),
        (-0.11, 0.11, 0.76 * RULES.accept_quality, True),
        (-0.11, 0.11, 0.74 * RULES.accept_quality, False),
        (-0.09, 0.01, 0.95, False),
        (-0.09, 0.0, 0.95, True),
        (-0.09, 0.0, 0.9 * RULES.accept_quality, False),
        (-0.02, -0.1, 0.95, False),  # nearly as much like something else
        (math.nan, 0.01, 0.95, False),
        (math.nan, 0.0, 0.95, True),
    ],
)
def test_what_is_unlike_all_others_may_look_less_like_the_target_and_what_is_like_one_is_not_it(
    other: float, lower: float, quality: float, accepted: bool
) -> None:
    """`other`: its cosine with the most similar of them, less that with the STM."""
    looking, found = search(), None
    place, memory = np.array([200.0, 100.0, 40.0, 40.0]), RULES.memory_similarity - lower
    for _ in range(3):
        looking.windows(EXPECTED, *FRAME, 2)
        facts = {"quality": quality, "memory_similarity": memory, "other_similarity": memory + other}
        found = looking.update(shown(place, 2, **facts), INTERVAL_S, RULES)
    assert (found is not None) == accepted


def test_a_close_look_is_as_large_as_the_window_in_which_a_sure_target_is_followed() -> None:
    looking, place = search(), np.array([900.0, 500.0, 42.0, 41.0])
    looking.windows(EXPECTED, *FRAME, 2)
    assert not looking.looks_closely
    looking.update([candidate(place, quality=0.5), NOTHING], INTERVAL_S, RULES)
    (window, _) = looking.windows(EXPECTED, *FRAME, 2)
    assert looking.looks_closely and window.side_px == pytest.approx(3.0 * np.sqrt(42 * 41))


@pytest.mark.parametrize(("factor", "accepted"), [(1.7, True), (1.75, False), (0.6, True), (0.55, False)])
def test_what_is_much_larger_or_smaller_than_the_target_is_not_it(factor: float, accepted: bool) -> None:
    looking, found = search(), None
    for _ in range(3):
        looking.windows(EXPECTED, *FRAME, 2)
        found = looking.update(shown(box_from_center(900, 500, 40 * factor, 40 * factor), 2), INTERVAL_S, RULES)
    assert (found is not None) == accepted


@pytest.mark.parametrize(
    ("way", "factor", "elapsed_s", "accepted"),
    [
        (25.0, 1.0, 1 / 30, True),  # 0.6 of its size in a frame
        (30.0, 1.0, 1 / 30, False),
        (50.0, 1.0, 1 / 15, True),  # 1.2
        (60.0, 1.0, 1 / 15, False),
        (50.0, 1.5, 1 / 15, False),  # of 2.25 times the area
        (82.0, 1.0, 1 / 5, False),  # 1.95 and 2 sizes are all there is between two frames
        (78.0, 1.0, 1 / 5, True),
    ],
)
def test_a_candidate_may_move_as_far_as_a_target_can(
    way: float, factor: float, elapsed_s: float, accepted: bool
) -> None:
    looking, found = search(), None
    for index in range(3):
        place = box_from_center(200 + index * way, 400, 40 * factor ** min(index, 1), 40 * factor ** min(index, 1))
        looking.windows(EXPECTED, *FRAME, 1)
        found = looking.update([candidate(place)], elapsed_s, RULES)
    assert (found is not None) == accepted


def test_a_candidate_that_does_not_hold_is_dropped() -> None:
    looking = search()
    looking.windows(EXPECTED, *FRAME, 2)
    looking.update(shown(EXPECTED, 2), INTERVAL_S, RULES)
    for _ in range(3):
        looking.windows(EXPECTED, *FRAME, 2)
        assert looking.update(shown(EXPECTED, 2, quality=0.1), INTERVAL_S, RULES) is None
    assert looking.watched is None


def test_a_sighting_elsewhere_does_not_vote_for_the_candidate() -> None:
    looking = search()
    places = [np.array([100.0 + 300 * index, 100.0, 40.0, 40.0]) for index in range(3)]
    for place in places:
        looking.windows(EXPECTED, *FRAME, 2)
        assert looking.update(shown(place, 2), INTERVAL_S, RULES) is None
    assert float(iou(looking.watched, places[0])) == 1.0


def test_new_rules_of_acceptance_hold_for_a_search_that_is_under_way() -> None:
    looking, later = search(), RedetectionSettings(accept_frames=6, window_frames=8)
    for count in range(1, 7):
        rules = RULES if count == 1 else later
        looking.windows(EXPECTED, *FRAME, 2)
        assert (looking.update(shown(EXPECTED, 2), INTERVAL_S, rules) is not None) == (count == 6)


def test_more_frames_that_agree_than_frames_to_agree_in_are_all_of_them() -> None:
    looking, rules = search(), RULES.model_copy(update={"accept_frames": 6})
    for count in range(1, 7):
        looking.windows(EXPECTED, *FRAME, 2)
        assert (looking.update(shown(EXPECTED, 2), INTERVAL_S, rules) is not None) == (count == 6)


def unlike(box: Box, quality: float = 0.9, memory: float = 0.5, other: float = math.nan) -> Candidate:
    """Return what has the quality of the target, but not its look: it was rejected."""
    prediction = Prediction(box, quality, 0.5, embedding=np.ones(2, np.float32))
    return Candidate(box, box, 0.0, memory, other, prediction, rejected=True)


def test_the_surest_of_what_is_unlike_the_target_may_be_the_target_changed() -> None:
    looking, best = search(), ELSEWHERE + np.array([30.0, 0, 0, 0])
    found = [unlike(ELSEWHERE), unlike(best, quality=0.95), unlike(EXPECTED, quality=0.4)]
    for one in found:
        looking.windows(EXPECTED, *FRAME, 1)
        assert looking.update([one], INTERVAL_S, RULES) is None
    likely = looking.take_likely()
    assert likely is not None
    np.testing.assert_array_equal(likely, best)
    assert looking.take_likely() is None  # of later frames alone


def test_what_looks_like_the_target_is_followed_up_before_what_might_have_changed() -> None:
    looking = search()
    for one in (unlike(ELSEWHERE), NOTHING, candidate(EXPECTED)):  # the second window is a coarse tile
        looking.windows(EXPECTED, *FRAME, 1)
        looking.update([one], INTERVAL_S, RULES)
    np.testing.assert_array_equal(looking.watched, EXPECTED)
    assert looking.take_likely() is None


@pytest.mark.parametrize(
    ("one", "likely"),
    [
        (unlike(ELSEWHERE, quality=0.49), True),
        (unlike(ELSEWHERE, quality=0.47), False),
        (unlike(ELSEWHERE, other=0.49), True),
        (unlike(ELSEWHERE, other=0.51), False),
        (unlike(np.array([200.0, 100, 10, 10])), False),  # a sixteenth of the area
        (candidate(ELSEWHERE, memory_similarity=0.5), False),  # the model does not know what it looks like
    ],
)
def test_what_is_another_thing_is_not_the_target_changed(one: Candidate, likely: bool) -> None:
    looking = search()
    looking.windows(EXPECTED, *FRAME, 1)
    looking.update([one], INTERVAL_S, RULES)
    assert (looking.take_likely() is not None) is likely


TURNED = Change(turn_deg=30.0)


def changed(box: Box, **facts: float) -> Candidate:
    return replace(candidate(box, **facts), change=TURNED)


@pytest.mark.parametrize(
    ("facts", "counts"),
    [
        ({"quality": 0.6, "memory_similarity": 0.74}, True),
        ({"quality": 0.59, "memory_similarity": 0.9}, False),
        ({"quality": 0.9, "memory_similarity": 0.73}, False),
        ({"memory_similarity": 0.8, "other_similarity": 0.69}, True),
        ({"memory_similarity": 0.8, "other_similarity": 0.71}, False),
    ],
)
def test_with_a_change_undone_it_must_be_much_less_like_anything_else(facts: dict[str, float], counts: bool) -> None:
    looking = search()
    looking.windows(EXPECTED, *FRAME, 1)
    assert looking.update_changed(changed(ELSEWHERE, **facts), RULES) is counts
    assert (looking.watched is not None) is counts
    looking.windows(EXPECTED, *FRAME, 1)
    assert looking.change == (TURNED if counts else UNCHANGED)


def test_of_another_size_it_is_not_the_target_with_a_change_undone_either() -> None:
    looking = search()
    looking.windows(EXPECTED, *FRAME, 1)
    assert not looking.update_changed(changed(np.array([200.0, 100, 10, 10])), RULES)


def test_close_looks_at_what_has_changed_have_it_undone_until_the_place_is_given_up() -> None:
    looking = search()
    looking.windows(EXPECTED, *FRAME, 1)
    assert looking.update_changed(changed(ELSEWHERE), RULES)
    for vote in (1, 2):
        (window,) = looking.windows(EXPECTED, *FRAME, 1)
        assert looking.change == TURNED and looking.looks_closely
        assert (window.center_x, window.center_y) == tuple(box_center(ELSEWHERE))
        found = looking.update([changed(ELSEWHERE)], INTERVAL_S, RULES)
        assert (found is not None) == (vote == 2)  # the third of three frames
    looking = search()
    looking.windows(EXPECTED, *FRAME, 1)
    assert looking.update_changed(changed(ELSEWHERE), RULES)
    for _ in range(3):
        looking.windows(EXPECTED, *FRAME, 1)
        assert looking.change == TURNED
        assert looking.update([NOTHING], INTERVAL_S, RULES) is None
    looking.windows(EXPECTED, *FRAME, 1)
    assert looking.change == UNCHANGED
    assert looking.take_likely() is None
