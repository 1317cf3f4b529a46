# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What does not look like the target is refuted, and is known again where it stood."""

from __future__ import annotations

import numpy as np
import pytest

from stdtrack_ros.geometry import Box
from stdtrack_ros.settings import StatusSettings
from stdtrack_ros.tracker.distractor_filter import FORGET_S, Refutation

RULES = StatusSettings(
    memory_similarity=0.68, elsewhere_similarity=0.75, refuted_similarity=0.85, uncertain_quality=0.4
)
HERE = np.array([100.0, 100.0, 90.0, 40.0])  # one size is 60 px


def moved(sizes: float) -> Box:
    return HERE + np.array([60.0 * sizes, 0, 0, 0])


@pytest.mark.parametrize(
    ("sizes", "likeness", "refuted"),
    [
        (0.0, 0.69, False),
        (0.0, 0.67, True),
        (1.2, 0.69, False),  # 72 px off: an IoU of 18 / 162 = 0.11
        (1.3, 0.76, False),  # 78 px off: an IoU of 12 / 168 = 0.07, it is elsewhere
        (1.3, 0.74, True),
    ],
)
def test_what_is_unlike_the_memory_is_refuted_sooner_where_it_was_not_expected(
    sizes: float, likeness: float, refuted: bool
) -> None:
    assert Refutation(RULES).refutes(moved(sizes), 0.9, likeness, HERE) is refuted


def test_a_refuted_thing_is_known_where_it_stood_and_where_it_went() -> None:
    refutation = Refutation(RULES)
    assert refutation.refutes(moved(1.45), 0.9, 0.6, HERE)
    assert refutation.knows(moved(1.6), 0.84, HERE)
    assert not refutation.knows(moved(1.6), 0.86, HERE)
    assert refutation.knows(moved(2.7), 0.84, HERE)  # it overlaps the box before, not the first one
    assert not refutation.knows(moved(0.0), 0.7, HERE)
    assert not refutation.knows(moved(3.0), 0.7, moved(2.9))  # the target is expected there


def test_what_is_known_is_refuted_however_near() -> None:
    refutation = Refutation(RULES)
    refutation.refutes(moved(1.6), 0.9, 0.6, HERE)
    assert refutation.refutes(moved(1.6), 0.9, 0.84, HERE)
    assert not Refutation(RULES).refutes(moved(1.6), 0.9, 0.84, HERE)


def test_a_bare_board_is_refuted_but_not_known_again() -> None:
    """What the network itself gives no quality is no look-alike: the target may come back right there."""
    refutation = Refutation(RULES)
    assert refutation.refutes(HERE, 0.05, 0.2, HERE)
    assert not refutation.knows(HERE, 0.75, moved(2.0))


def test_the_place_is_forgotten_unless_it_is_seen_again() -> None:
    refutation = Refutation(RULES)
    refutation.refutes(HERE, 0.9, 0.3, HERE)
    refutation.wait(0.6 * FORGET_S)
    assert refutation.knows(HERE, 0.7, moved(2.0))
    refutation.wait(0.6 * FORGET_S)
    assert refutation.knows(HERE, 0.7, moved(2.0))
    refutation.wait(1.1 * FORGET_S)
    assert not refutation.knows(HERE, 0.7, moved(2.0))
    refutation.refutes(HERE, 0.9, 0.3, HERE)
    refutation.clear()
    assert not refutation.knows(HERE, 0.7, moved(2.0))


def test_without_judgement_nothing_is_refuted() -> None:
    off = RULES.model_copy(update={"enabled": False})
    assert not Refutation(off).refutes(moved(2.0), 0.9, -1.0, HERE)
