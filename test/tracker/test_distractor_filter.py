# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What does not look like the target is rejected, and is known again where it stood."""

from __future__ import annotations

import numpy as np
import pytest

from stdtrack_ros.geometry import Box
from stdtrack_ros.settings import StatusSettings
from stdtrack_ros.tracker.distractor_filter import FORGET_S, DistractorFilter

RULES = StatusSettings(
    memory_similarity=0.68,
    sparse_similarity=0.55,
    elsewhere_similarity=0.75,
    distractor_similarity=0.85,
    uncertain_quality=0.4,
)
HERE = np.array([100.0, 100.0, 90.0, 40.0])  # one size is 60 px


def moved(sizes: float) -> Box:
    return HERE + np.array([60.0 * sizes, 0, 0, 0])


@pytest.mark.parametrize(
    ("sizes", "similarity", "rejected"),
    [
        (0.0, 0.69, False),
        (0.0, 0.67, True),
        (1.2, 0.69, False),  # 72 px off: an IoU of 18 / 162 = 0.11
        (1.3, 0.76, False),  # 78 px off: an IoU of 12 / 168 = 0.07, it is elsewhere
        (1.3, 0.74, True),
    ],
)
def test_what_is_unlike_the_memory_is_rejected_sooner_if_it_was_not_expected(
    sizes: float, similarity: float, rejected: bool
) -> None:
    assert DistractorFilter().rejects(moved(sizes), 0.9, similarity, HERE, RULES) is rejected


def test_a_look_may_have_changed_more_if_the_frame_before_was_long_ago() -> None:
    answers = [
        DistractorFilter().rejects(HERE, 0.9, similarity, HERE, RULES, sparse)
        for similarity in (0.6, 0.5)
        for sparse in (False, True)
    ]
    assert answers == [True, False, True, True]


def test_a_rejected_distractor_is_known_where_it_stood_and_where_it_went() -> None:
    distractors = DistractorFilter()
    assert distractors.rejects(moved(1.45), 0.9, 0.6, HERE, RULES)
    assert distractors.is_known_distractor(moved(1.6), 0.84, HERE, RULES)
    assert not distractors.is_known_distractor(moved(1.6), 0.86, HERE, RULES)
    assert distractors.is_known_distractor(
        moved(2.7), 0.84, HERE, RULES
    )  # it overlaps the box before, not the first one
    assert not distractors.is_known_distractor(moved(0.0), 0.7, HERE, RULES)
    assert not distractors.is_known_distractor(moved(3.0), 0.7, moved(2.9), RULES)  # the target is expected there


@pytest.mark.parametrize(("other", "known"), [(0.71, True), (0.69, False), (float("nan"), True)])
def test_what_is_much_less_like_anything_else_is_not_the_distractor_wherever_it_stands(
    other: float, known: bool
) -> None:
    distractors = DistractorFilter()
    assert distractors.rejects(moved(1.5), 0.9, 0.7, HERE, RULES)
    assert distractors.is_known_distractor(moved(1.5), 0.8, HERE, RULES, other) is known


def test_what_is_known_is_rejected_however_near() -> None:
    distractors = DistractorFilter()
    distractors.rejects(moved(1.6), 0.9, 0.6, HERE, RULES)
    assert distractors.rejects(moved(1.6), 0.9, 0.84, HERE, RULES)
    assert not DistractorFilter().rejects(moved(1.6), 0.9, 0.84, HERE, RULES)


def test_a_bare_board_is_rejected_but_not_known_again() -> None:
    """What the network itself gives no quality is no look-alike: the target may come back right there."""
    distractors = DistractorFilter()
    assert distractors.rejects(HERE, 0.05, 0.2, HERE, RULES)
    assert not distractors.is_known_distractor(HERE, 0.75, moved(2.0), RULES)


def test_the_place_is_forgotten_unless_it_is_seen_again() -> None:
    distractors = DistractorFilter()
    distractors.rejects(HERE, 0.9, 0.3, HERE, RULES)
    distractors.advance(0.6 * FORGET_S)
    assert distractors.is_known_distractor(HERE, 0.7, moved(2.0), RULES)
    distractors.advance(0.6 * FORGET_S)
    assert distractors.is_known_distractor(HERE, 0.7, moved(2.0), RULES)
    distractors.advance(1.1 * FORGET_S)
    assert not distractors.is_known_distractor(HERE, 0.7, moved(2.0), RULES)
    distractors.rejects(HERE, 0.9, 0.3, HERE, RULES)
    distractors.clear()
    assert not distractors.is_known_distractor(HERE, 0.7, moved(2.0), RULES)


def test_without_loss_detection_nothing_is_rejected() -> None:
    off = RULES.model_copy(update={"enabled": False})
    assert not DistractorFilter().rejects(moved(2.0), 0.9, -1.0, HERE, off)
