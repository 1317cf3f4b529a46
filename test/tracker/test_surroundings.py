# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What else the scene shows: where and when it is looked for, and what it is compared with."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stdtrack_ros.settings import SearchSettings
from stdtrack_ros.tracker.models.model import Prediction
from stdtrack_ros.tracker.surroundings import FIRST_LOOKS, KEPT, MIN_QUALITY, Surroundings

BOX = np.array([300.0, 200.0, 40.0, 40.0])


def found(*appearance: float, quality: float = 0.9) -> Prediction:
    return Prediction(np.zeros(4), quality, 0.5, embedding=np.array(appearance, np.float32))


def test_windows_by_hand() -> None:
    """Beside the target (a window of 160 px, a gap of 2 px to its box) and the nearest free tile, in turn."""
    others = Surroundings()
    first, second, third = (others.next_window(BOX, 640, 480, 4.0, 192) for _ in range(3))
    assert first is not None and second is not None and third is not None
    assert (first.center_x, first.center_y, first.side_px, first.size) == (320 + 80 + 22, 220.0, 160.0, 192)
    assert (third.center_x, third.center_y) == (320 - 102, 220.0)
    # Seven columns of tiles, 640 / 7 px apart, and five rows; those within 100 px in both directions show the target.
    assert (second.center_x, second.center_y) == pytest.approx((320.0, 240 + 480 / 5))


def test_windows_beside_a_tall_target_are_as_near_as_its_width_allows() -> None:
    """A person of 20 x 80 px: the windows (160 px) begin 1 px beside and 4 px above and below the box."""
    others, person = Surroundings(), np.array([310.0, 200.0, 20.0, 80.0])
    beside = [others.next_window(person, 640, 480, 4.0, 192) for _ in range(8)][::2]
    assert [(window.center_x, window.center_y) for window in beside if window is not None] == [
        (320 + 80 + 11, 240.0),
        (320 - 91, 240.0),
        (320.0, 240 + 80 + 44),
        (320.0, 240 - 124),
    ]


@given(
    place=st.tuples(st.floats(-20, 600), st.floats(-20, 440)),
    size=st.tuples(st.floats(4, 300), st.floats(4, 300)),
    turns=st.integers(1, 40),
)
def test_no_window_shows_the_target_and_each_lies_in_the_frame(
    place: tuple[float, float], size: tuple[float, float], turns: int
) -> None:
    others, target = Surroundings(), np.array([*place, *size])
    for _ in range(turns):
        window = others.next_window(target, 640, 480, 4.0, 192)
        if window is None:
            continue
        assert 0 <= window.center_x <= 640 and 0 <= window.center_y <= 480
        beyond_x = abs(window.center_x - target[0] - target[2] / 2) - (window.side_px + target[2]) / 2
        beyond_y = abs(window.center_y - target[1] - target[3] / 2) - (window.side_px + target[3]) / 2
        assert max(beyond_x, beyond_y) >= -1e-6


def test_a_target_that_fills_the_frame_leaves_nowhere_to_look() -> None:
    assert Surroundings().next_window(np.array([10.0, 10.0, 620.0, 460.0]), 640, 480, 4.0, 192) is None


def test_the_first_looks_come_soon_and_later_ones_as_the_setting_says() -> None:
    def looks(interval_s: float, elapsed_s: float, frames: int) -> list[int]:
        others, settings, seen = Surroundings(), SearchSettings(elsewhere_interval=interval_s), []
        for frame in range(1, frames + 1):
            others.advance(elapsed_s)
            if others.is_due(settings):
                others.next_window(BOX, 640, 480, 4.0, 192)
                seen.append(frame)
        return seen

    assert looks(0.3, 1 / 30, FIRST_LOOKS + 27) == [*range(1, FIRST_LOOKS + 1), *(FIRST_LOOKS + k for k in (9, 18, 27))]
    assert looks(0.3, 1 / 60, 9) == [2, 4, 6, 8], "no more often per second with a fast camera"
    assert looks(0.3, 0.2, FIRST_LOOKS + 4) == [*range(1, FIRST_LOOKS + 1), FIRST_LOOKS + 2, FIRST_LOOKS + 4]
    assert looks(0.01, 1 / 30, FIRST_LOOKS + 2) == list(range(1, FIRST_LOOKS + 3))
    assert looks(0.0, 1 / 30, 100) == []


def test_the_similarity_to_the_nearest_other_by_hand() -> None:
    others = Surroundings()
    assert np.isnan(others.similarity(found(3.0, 4.0))), "nothing is known yet"
    others.add(found(2.0, 0.0))
    assert others.similarity(found(3.0, 4.0)) == pytest.approx(0.6)
    others.add(found(0.0, 1.0))
    assert others.similarity(found(3.0, 4.0)) == pytest.approx(0.8)
    assert np.isnan(others.similarity(Prediction(np.zeros(4), 0.9, 0.5))), "a model without appearances"


def test_what_would_not_be_taken_for_the_target_is_not_kept_and_the_oldest_is_forgotten() -> None:
    others = Surroundings()
    others.add(found(1.0, 0.0, quality=MIN_QUALITY - 0.01))
    others.add(Prediction(np.zeros(4), 0.9, 0.5))
    assert not others.appearances
    for number in range(KEPT + 1):
        others.add(found(float(number), 1.0))
    assert len(others.appearances) == KEPT
    np.testing.assert_allclose(others.appearances[0], np.array([1.0, 1.0]) / np.sqrt(2), rtol=1e-6)
