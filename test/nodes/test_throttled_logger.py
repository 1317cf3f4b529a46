# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Log lines that repeat, on a clock that the test turns."""

from __future__ import annotations

import time

import pytest

from stdtrack_ros.nodes.throttled_logger import ThrottledLogger


class Clock:
    """A clock that stands still unless it is moved on."""

    now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(time, "monotonic", made)
    return made


def test_a_sentence_is_written_again_after_its_time_alone(clock: Clock) -> None:
    lines: list[str] = []
    log = ThrottledLogger(lines.append, repeat_s=5.0)
    for _ in range(2):
        log("a")
    clock.now_s += 4.9
    log("a")
    assert lines == ["a"]
    clock.now_s += 0.1
    log("a")
    assert lines == ["a", "a"]


def test_different_sentences_share_a_budget_per_second(clock: Clock) -> None:
    lines: list[str] = []
    log = ThrottledLogger(lines.append, repeat_s=5.0, burst=2)
    for sentence in "abc":
        log(sentence)
    assert lines == ["a", "b"]
    clock.now_s += 1.0
    for sentence in "abcd":
        log(sentence)
    assert lines == ["a", "b", "c", "d"], "c was not written before, so it is not held back as a repetition"
