# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The STM: what it keeps, and that training and tracking keep the same."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from stdtrack_ros.network.stdtrack.memory import TokenMemory as BatchMemory
from stdtrack_ros.tracker.models.memory import TokenMemory

QUALITIES = st.lists(st.sampled_from([0.1, 0.2, 0.25, 0.5, 0.75, 0.9]), min_size=1, max_size=30)


def fill(qualities: list[float], capacity: int, policy: str = "quality", spacing: int = 1) -> TokenMemory:
    """Fill a memory with trusted frames of these qualities, frame i with a token of value i and an appearance of -i."""
    memory = TokenMemory.empty(capacity, {"token": (3,), "appearance": (2,)})
    for index, quality in enumerate(qualities):
        if memory.is_due(spacing):
            entry = {"token": np.full(3, index, np.float32), "appearance": np.full(2, -index, np.float32)}
            memory = memory.store(entry, quality, policy)
        else:
            memory = memory.grown_older()
    return memory


def stored(memory: TokenMemory) -> list[int]:
    tokens = memory.contents["token"]
    return sorted(int(token[0]) for token, valid in zip(tokens, memory.valid, strict=True) if valid)


def test_a_full_memory_gives_up_the_lowest_quality_and_takes_the_new_frame_always() -> None:
    assert stored(fill([0.5, 0.2, 0.9], 3)) == [0, 1, 2]
    assert stored(fill([0.5, 0.2, 0.9, 0.1], 3)) == [0, 2, 3]
    assert stored(fill([0.5, 0.2, 0.9, 0.1, 0.3], 3)) == [0, 2, 4]


def test_of_equal_qualities_the_older_goes() -> None:
    assert stored(fill([0.5, 0.5, 0.5, 0.5], 3)) == [1, 2, 3]


def test_fifo_gives_up_the_oldest() -> None:
    assert stored(fill([0.9, 0.1, 0.8, 0.7, 0.6], 3, "fifo")) == [2, 3, 4]


def test_spacing_leaves_frames_out() -> None:
    assert stored(fill([0.5] * 7, 6, spacing=3)) == [0, 3, 6]


def test_a_memory_is_never_changed_by_storing() -> None:
    memory = fill([0.5, 0.6], 2)
    tokens, quality = memory.contents["token"].copy(), memory.quality.copy()
    memory.store({"token": np.full(3, 9, np.float32), "appearance": np.zeros(2, np.float32)}, 0.7, "quality")
    np.testing.assert_array_equal(memory.contents["token"], tokens)
    np.testing.assert_array_equal(memory.quality, quality)


@given(qualities=QUALITIES, capacity=st.integers(1, 8))
@settings(max_examples=150, deadline=None)
def test_never_more_than_the_capacity_and_all_but_the_last_are_good(qualities: list[float], capacity: int) -> None:
    memory = fill(qualities, capacity)
    kept = stored(memory)
    assert len(kept) == min(len(qualities), capacity)
    assert len(qualities) - 1 in kept
    if capacity > 1:  # the best frame ever offered is among them
        assert np.nanmax(memory.quality) == max(qualities)


@pytest.mark.parametrize("policy", ["quality", "fifo"])
@given(qualities=QUALITIES, capacity=st.integers(1, 6))
@settings(max_examples=100, deadline=None)
def test_training_and_tracking_keep_the_same_frames(policy: str, qualities: list[float], capacity: int) -> None:
    """Also where training lets a clip use a part of the slots only; a clip that stores nothing stays empty."""
    single = fill(qualities, capacity, policy)
    batch, allowed = BatchMemory.empty(2, 6, 3, 1), torch.tensor([capacity, capacity])
    for index, quality in enumerate(qualities):
        token = torch.full((2, 1, 3), float(index))
        offered, stores = torch.tensor([quality, quality]), torch.tensor([True, False])
        batch = batch.store(token, -token, offered, stores, policy, allowed)
    np.testing.assert_array_equal(batch.tokens[0, :capacity].numpy(), single.contents["token"])
    np.testing.assert_array_equal(batch.valid[0, :capacity].numpy(), single.valid)
    assert batch.valid[0, capacity:].sum() == 0
    assert batch.valid[1].sum() == 0
    # Every part of a slot is of the same frame.
    np.testing.assert_array_equal(batch.looks[0, :, 0].numpy(), -batch.tokens[0].numpy())
    np.testing.assert_array_equal(single.contents["appearance"][:, 0], -single.contents["token"][:, 0])


def looks(*angles_deg: float) -> np.ndarray:
    """Return unit vectors (M, 2) at these angles."""
    angles = np.radians(np.array(angles_deg, np.float32))
    return np.stack((np.cos(angles), np.sin(angles)), axis=1)


def test_what_a_look_counts_by_hand() -> None:
    """The target turns by 60 degrees after its start: a look stored since agrees, the template's half."""
    memory = TokenMemory.empty(2, {"look": (2, 2)})
    assert memory.weights.tolist() == [1.0, 0.0, 0.0]
    memory = memory.store({"look": looks(60, 60)}, 0.9, "quality")
    assert memory.weights.tolist() == [1.0, 1.0, 0.0]
    memory = memory.compared(looks(0, 0), looks(60, 60))
    assert memory.agreement.tolist() == pytest.approx([0.95, 1.0, 0.0])
    assert memory.weights.tolist() == [1.0, 1.0, 0.0], "as much as the template's: it does not agree much better"
    memory = memory.compared(looks(0, 0), looks(60, 0))  # a half of the cells as the template's
    assert memory.agreement.tolist() == pytest.approx([0.93, 0.975, 0.0], abs=1e-6)
    for _ in range(2):
        memory = memory.compared(looks(0, 0), looks(90, 60))
    assert memory.agreement.tolist() == pytest.approx([0.8008, 0.9671, 0.0], abs=1e-3)
    assert memory.weights[1] == pytest.approx(math.exp(16 * (0.9671 - 0.8008 - 0.1)), rel=0.02)
    for _ in range(100):  # farther than the limit
        memory = memory.compared(looks(0, 0), looks(150, 150))
    assert memory.agreement.tolist() == pytest.approx([-0.866, 0.0, 0.0], abs=1e-3)
    assert memory.weights.tolist() == pytest.approx([1.0, math.exp(16 * 0.5), 0.0])
    for _ in range(100):  # as the template again: what was stored counts no less than it
        memory = memory.compared(looks(0, 0), looks(0, 0))
    assert memory.agreement.tolist() == pytest.approx([1.0, 0.5, 0.0], abs=1e-3)
    assert memory.weights.tolist() == [1.0, 1.0, 0.0]


@given(turns=st.lists(st.tuples(st.floats(0, 360), st.booleans(), st.booleans()), max_size=20))
@settings(max_examples=50, deadline=None)
def test_in_training_and_tracking_looks_count_the_same(turns: list[tuple[float, bool, bool]]) -> None:
    """Of two clips, the second trusts no frame."""
    single, batch = TokenMemory.empty(3, {"look": (2, 2)}), BatchMemory.empty(2, 3, 2, 2)
    initial = looks(0, 90)
    for angle, stores, trusted in turns:
        look = looks(angle, angle + 90)
        both, second = torch.tensor(look).expand(2, 2, 2), torch.tensor([trusted, False])
        batch = batch.store(torch.zeros(2, 1, 2), both, torch.tensor([0.5, 0.5]), second & stores)
        batch = batch.compared(torch.tensor(initial).expand(2, 2, 2), both, second)
        if trusted:
            single = single.store({"look": look}, 0.5, "quality") if stores else single.grown_older()
            single = single.compared(initial, look)
    np.testing.assert_allclose(batch.weights[0].numpy(), single.weights[1:], rtol=1e-3, atol=1e-6)
    assert batch.weights[1].tolist() == [0.0] * 3
