# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Staged events: the target is where the boxes say, and nowhere while they say nothing."""

from __future__ import annotations

import numpy as np
import pytest

from stdtrack_ros.errors import SequenceError
from stdtrack_ros.sequences.staged import EVENTS, Schedule, StagedSequence, look_alike, paste_beside

RED = (20, 20, 240)
SHORT = Schedule(length=40, begin=15, end=28)


class RedSquare:
    """A red square of 30 px that moves over green noise."""

    name = "red"
    attributes = frozenset[str]()
    notes = ()

    def __init__(self, count: int = 10) -> None:
        self.boxes = np.array([[40.0 + 3 * i, 60.0, 30.0, 30.0] for i in range(count)])
        self.stamps_s = np.arange(count) / 30

    def __len__(self) -> int:
        return len(self.boxes)

    def frame(self, index: int) -> np.ndarray:
        image = np.random.default_rng(index).integers(60, 200, (240, 320, 3), dtype=np.uint8)
        image[..., 2] = 10
        x, y, width, height = self.boxes[index].astype(int)
        image[y : y + height, x : x + width] = RED
        return image


class Grey(RedSquare):
    name = "grey"

    def frame(self, index: int) -> np.ndarray:
        return np.full((120, 160, 3), 128, np.uint8)


def red_pixels(image: np.ndarray) -> np.ndarray:
    return (image.astype(int) - RED == 0).all(axis=2)


@pytest.mark.parametrize("event", list(EVENTS))
def test_the_target_is_where_the_box_says_and_hidden_where_there_is_none(event: str) -> None:
    staged = StagedSequence(RedSquare(), event, SHORT, other=Grey())
    assert (len(staged), staged.name, staged.attributes) == (40, f"red_{event}", {event})
    hidden = np.isnan(staged.boxes).any(axis=1)
    assert hidden[SHORT.begin : SHORT.end].all()
    assert not hidden[0] and not hidden[-1]
    for index in range(40):
        red = red_pixels(staged.frame(index))
        if hidden[index]:
            assert not red.any()
        else:
            x, y, width, height = staged.boxes[index].astype(int)
            inside = red[max(y, 0) : y + height, max(x, 0) : x + width]
            assert inside.mean() > 0.99
            assert inside.sum() == red.sum()


def test_places_are_known_behind_a_cover_and_nowhere_else() -> None:
    hidden = StagedSequence(RedSquare(), "occlusion", SHORT)
    assert np.isfinite(hidden.places).all()
    assert np.isnan(hidden.boxes[20]).all()
    assert hidden.places[20].tolist() == [40 + 3 * 2, 60, 30, 30]  # 20 frames on: twice 9 back and forth, and 2
    np.testing.assert_array_equal(hidden.places[:15], hidden.boxes[:15])
    cut = StagedSequence(RedSquare(), "cut", SHORT, other=Grey())
    np.testing.assert_array_equal(cut.places, cut.boxes)


def test_a_look_alike_keeps_its_side() -> None:
    """The target crosses the middle of the picture (x = 160): its double stays on its right."""
    square = RedSquare(40)
    square.boxes[:, 0] = 100 + 3 * np.arange(40)
    staged = StagedSequence(square, "look_alike", SHORT)
    color = look_alike(np.full((30, 30, 3), RED, np.uint8))[0, 0]
    for index in (0, 14, 39):
        columns = np.flatnonzero((staged.frame(index) == color).all(axis=2).any(axis=0))
        assert columns.min() == int(square.boxes[index, 0] + 45)


def test_frames_run_forward_and_backward() -> None:
    staged = StagedSequence(RedSquare(4), "occlusion", Schedule(length=9, begin=8, end=9))
    assert staged.boxes[:8, 0].tolist() == [40, 43, 46, 49, 46, 43, 40, 43]
    np.testing.assert_allclose(np.diff(staged.stamps_s), 1 / 30)


def test_a_look_alike_is_in_view_all_the_time() -> None:
    staged = StagedSequence(RedSquare(), "look_alike", SHORT)
    plain = RedSquare()
    color = look_alike(np.full((30, 30, 3), RED, np.uint8))[0, 0]
    for index in (2, 20, 35):
        alike = (staged.frame(index) == color).all(axis=2)
        assert alike.sum() == 27 * 27
        assert not (plain.frame(0) == color).all(axis=2).any()


@pytest.mark.parametrize("x, seen", [(285.0, 0), (270.0, 5), (-75.0, 0), (-60.0, 12)])
def test_of_a_look_alike_that_the_edge_cuts_the_rest_is_shown(x: float, seen: int) -> None:
    """It lies 45 px to the right of the target's left edge: 27 px wide, of a picture 320 px wide."""
    picture, patch = np.zeros((240, 320, 3), np.uint8), np.full((27, 27, 3), 255, np.uint8)
    staged = paste_beside(picture, np.array([x, 60.0, 30.0, 30.0]), patch, on_right=True)
    assert (staged.any(axis=2).sum(axis=1) == seen).sum() == (27 if seen else 240)


def test_what_cannot_be_staged_is_named() -> None:
    with pytest.raises(SequenceError, match="occlusion, leave, cut, look_alike"):
        StagedSequence(RedSquare(), "explosion")
    with pytest.raises(SequenceError, match="no clip of another video"):
        StagedSequence(RedSquare(), "cut")
    gone = RedSquare()
    gone.boxes[3] = np.nan
    with pytest.raises(SequenceError, match="target in all of them"):
        StagedSequence(gone, "occlusion")
    large = RedSquare()
    large.boxes[:] = (10, 10, 300, 200)
    with pytest.raises(SequenceError, match="too large"):
        StagedSequence(large, "leave")
