# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Recall finds the place that looks like what is stored, whichever frame it was stored in, and leaves it its score."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from stdtrack_ros.network.stdtrack.recall import LookRecall, look_at, template_look

SIDE, DIM = 6, 36


def scene() -> Tensor:
    """Cells (1, 36, 36), each of a direction of its own, of another length."""
    return (torch.eye(SIDE * SIDE) * torch.arange(1.0, 1.0 + SIDE * SIDE)[:, None])[None]


def place(row: int, column: int) -> Tensor:
    return torch.tensor([row * SIDE + column])


def test_a_look_is_the_nine_cells_around_a_place_as_unit_vectors() -> None:
    look = look_at(place(2, 3), scene())
    assert look.shape == (1, 9, DIM)
    assert look[0].argmax(dim=1).tolist() == [8, 9, 10, 14, 15, 16, 20, 21, 22]
    torch.testing.assert_close(look.norm(dim=2), torch.ones(1, 9), atol=1e-3, rtol=0)
    assert look_at(place(0, 5), scene())[0].argmax(dim=1).tolist() == [4, 5, 5, 4, 5, 5, 10, 11, 11]


def test_the_look_of_a_template_is_of_means_of_four_cells_around_its_middle() -> None:
    cells = torch.zeros(1, 64, 2)
    cells[..., 0] = 1.0
    cells[0, 2 * 8 + 2] = torch.tensor([0.0, 1.0])  # of the 4x4 in the middle, the first
    look = template_look(cells)
    assert look.shape == (1, 9, 2)
    torch.testing.assert_close(look[0, 0], torch.tensor([3.0, 1.0]) / math.sqrt(10), atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(look[0, 1:], torch.tensor([1.0, 0.0]).expand(8, 2), atol=1e-4, rtol=1e-4)


def test_what_is_added_by_hand() -> None:
    """The best place and its neighbours keep their scores; where nothing agrees, g (1 - 0) is lost."""
    recall, cells = LookRecall(), scene()
    looks = torch.stack((torch.zeros(1, 9, DIM), look_at(place(2, 3), cells), torch.zeros(1, 9, DIM)), dim=1)
    added = recall(cells, looks, torch.tensor([[0.0, 1.0, 0.0]]))
    assert added.shape == (1, 1, SIDE, SIDE)
    expected = torch.full((SIDE, SIDE), -recall.GAIN)
    expected[1:4, 2:5] = 0.0
    torch.testing.assert_close(added[0, 0], expected, rtol=1e-3, atol=1e-3)
    # With the template, which agrees with nothing, it is the sum of exp(8) and 1 against that of 1 and 1.
    both = recall(cells, looks, torch.tensor([[1.0, 1.0, 0.0]]))
    lost = recall.GAIN * math.log((math.exp(8.0) + 1.0) / 2.0) / 8.0
    torch.testing.assert_close(both[0, 0], expected * lost / recall.GAIN, rtol=1e-3, atol=1e-3)


def test_a_look_that_counts_more_adds_more() -> None:
    """Two places agree wholly with a look each, of which one counts e^4 times as much: the other loses g 4 / 8."""
    recall, cells = LookRecall(), scene()
    looks = torch.stack((look_at(place(1, 1), cells), look_at(place(4, 4), cells)), dim=1)
    added = recall(cells, looks, torch.tensor([[1.0, math.exp(4.0)]]))[0, 0]
    assert added[4, 4].item() == pytest.approx(0.0, abs=1e-3)
    assert added[1, 1].item() == pytest.approx(-recall.GAIN * 0.5, rel=2e-2)


def test_half_an_agreement_loses_half() -> None:
    """Four and a half of nine cells: the look's cells are halfway between those there and something else."""
    recall, cells = LookRecall(), scene()[:, :, :DIM]
    spread = torch.cat((cells, torch.zeros_like(cells)), dim=2)
    look = look_at(place(1, 1), spread)
    turned = 0.5 * look + math.sqrt(0.75) * look.roll(DIM, 2)
    looks = torch.stack((look_at(place(4, 4), spread), turned), dim=1)
    added = recall(spread, looks, torch.tensor([[1.0, 1.0]]))
    lost = math.log((math.exp(8.0) + 1.0) / (math.exp(4.0) + 1.0)) / 8.0
    assert added[0, 0, 4, 4].item() == pytest.approx(0.0, abs=1e-3)
    assert added[0, 0, 1, 1].item() == pytest.approx(-recall.GAIN * lost, rel=1e-2)


def test_each_stored_frame_speaks_for_itself() -> None:
    """Two looks that have nothing in common are both found; one that does not count is not."""
    recall, cells = LookRecall(), scene()
    first, second, third = (1, 1), (4, 4), (1, 4)
    looks = torch.stack([look_at(place(*where), cells) for where in (third, first, second)], dim=1)
    for valid, found in (([0, 1, 1], (first, second)), ([0, 0, 1], (second,)), ([1, 0, 0], (third,))):
        added = recall(cells, looks, torch.tensor([valid]).float())[0, 0]
        assert [bool(added[where] > -0.1) for where in (first, second, third)] == [
            where in found for where in (first, second, third)
        ]
