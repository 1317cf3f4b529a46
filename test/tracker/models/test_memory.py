# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The STM: what it keeps, and that training and tracking keep the same."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from stdtrack_ros.network.stdtrack.memory import TokenMemory as BatchMemory
from stdtrack_ros.settings import MemorySettings
from stdtrack_ros.tracker.models.memory import TokenMemory

QUALITIES = st.lists(st.sampled_from([0.1, 0.2, 0.25, 0.5, 0.75, 0.9]), min_size=1, max_size=30)


def fill(qualities: list[float], rules: MemorySettings) -> TokenMemory:
    """A memory that was offered token i, all of value i, for the i-th quality."""
    memory = TokenMemory.empty(rules.capacity, 3)
    for index, quality in enumerate(qualities):
        token = np.full(3, index, np.float32)
        memory = memory.offer(token, -token, quality, rules)
    return memory


def stored(memory: TokenMemory) -> list[int]:
    return sorted(int(token[0]) for token, valid in zip(memory.tokens, memory.valid, strict=True) if valid)


def test_a_full_memory_gives_up_the_lowest_quality_and_takes_the_new_token_always() -> None:
    rules = MemorySettings(capacity=3)
    assert stored(fill([0.5, 0.2, 0.9], rules)) == [0, 1, 2]
    assert stored(fill([0.5, 0.2, 0.9, 0.1], rules)) == [0, 2, 3]
    assert stored(fill([0.5, 0.2, 0.9, 0.1, 0.3], rules)) == [0, 2, 4]


def test_of_equal_qualities_the_older_goes() -> None:
    assert stored(fill([0.5, 0.5, 0.5, 0.5], MemorySettings(capacity=3))) == [1, 2, 3]


def test_fifo_gives_up_the_oldest() -> None:
    assert stored(fill([0.9, 0.1, 0.8, 0.7, 0.6], MemorySettings(capacity=3, policy="fifo"))) == [2, 3, 4]


def test_a_pinned_initial_token_stays() -> None:
    rules = MemorySettings(capacity=3, pin_initial=True)
    assert 0 in stored(fill([0.01] + [0.9] * 10, rules))
    assert 0 not in stored(fill([0.01] + [0.9] * 10, MemorySettings(capacity=3)))


def test_spacing_leaves_frames_out() -> None:
    assert stored(fill([0.5] * 7, MemorySettings(capacity=6, spacing=3))) == [0, 3, 6]


def test_a_memory_is_never_changed_by_an_offer() -> None:
    memory = fill([0.5, 0.6], MemorySettings(capacity=2))
    tokens, quality = memory.tokens.copy(), memory.quality.copy()
    memory.offer(np.full(3, 9, np.float32), np.zeros(3, np.float32), 0.7, MemorySettings(capacity=2))
    np.testing.assert_array_equal(memory.tokens, tokens)
    np.testing.assert_array_equal(memory.quality, quality)


@given(qualities=QUALITIES, capacity=st.integers(1, 8))
@settings(max_examples=150, deadline=None)
def test_never_more_than_the_capacity_and_all_but_the_last_are_good(qualities: list[float], capacity: int) -> None:
    memory = fill(qualities, MemorySettings(capacity=capacity))
    kept = stored(memory)
    assert len(kept) == min(len(qualities), capacity)
    assert len(qualities) - 1 in kept
    if capacity > 1:  # the best token ever offered is among them
        assert np.nanmax(memory.quality) == max(qualities)


@pytest.mark.parametrize("policy", ["quality", "fifo"])
@given(qualities=QUALITIES, capacity=st.integers(1, 6))
@settings(max_examples=100, deadline=None)
def test_training_and_tracking_keep_the_same_tokens(policy: str, qualities: list[float], capacity: int) -> None:
    rules = MemorySettings(capacity=capacity, policy=policy)
    single = fill(qualities, rules)
    batch = BatchMemory.empty(2, capacity, 3)
    for index, quality in enumerate(qualities):
        token = torch.full((2, 1, 3), float(index))
        batch = batch.store(token, torch.tensor([quality, quality]), torch.tensor([True, False]), policy)
    np.testing.assert_array_equal(batch.tokens[0].numpy(), single.tokens)
    np.testing.assert_array_equal(batch.valid[0].numpy(), single.valid)
    np.testing.assert_array_equal(single.appearances, -single.tokens)  # both are of the same frames
    assert batch.valid[1].sum() == 0  # a clip that keeps nothing stays empty
