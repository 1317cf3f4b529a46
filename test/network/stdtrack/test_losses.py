# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Targets and losses by hand, and what they ask of the network."""

from __future__ import annotations

import math

import pytest
import torch

from stdtrack_ros.network.stdtrack.heads import HeadMaps
from stdtrack_ros.network.stdtrack.losses import (
    FrameTarget,
    LossWeights,
    box_cells,
    decode_peak,
    focal_loss,
    frame_loss,
    heat_map,
    identity_loss,
    mask_loss,
)
from stdtrack_ros.network.stdtrack.model import StepOutput


def test_the_heat_map_peaks_in_the_targets_cell_and_follows_its_shape() -> None:
    heat = heat_map(torch.tensor([[0.53, 0.28, 0.5, 0.1]]), 16)[0, 0]
    row, column = divmod(int(heat.argmax()), 16)
    assert (row, column, float(heat.max())) == (4, 8, 1.0)
    sigma_x, sigma_y = 16 * 0.5 / 12, 0.6  # wide along x, and not below 0.6 cells along y
    assert float(heat[4, 9]) == pytest.approx(math.exp(-1 / (2 * sigma_x**2)))
    assert float(heat[5, 8]) == pytest.approx(math.exp(-1 / (2 * sigma_y**2)))


def test_box_cells_are_those_whose_centre_lies_inside() -> None:
    inside = box_cells(torch.tensor([[0.5, 0.5, 0.5, 0.25]]), 4).view(4, 4)
    assert inside.tolist() == [[0, 0, 0, 0], [0, 1, 1, 0], [0, 1, 1, 0], [0, 0, 0, 0]]


def test_focal_loss_of_one_cell_by_hand() -> None:
    logits = torch.full((1, 1, 1, 2), 0.0)
    heat = torch.tensor([[[[1.0, 0.5]]]])
    expected = -math.log(0.5) * 0.25 - math.log(0.5) * 0.25 * 0.5**4
    assert float(focal_loss(logits, heat)) == pytest.approx(expected)


def maps_for(box: tuple[float, float, float, float], side: int = 16) -> HeadMaps:
    """Return maps in which every cell names the same box, and the score peaks in its cell."""
    center_x, center_y, width, height = box
    cells = (torch.arange(side) + 0.5) / side
    offset = torch.stack(
        ((center_x - cells)[None, :].expand(side, side), (center_y - cells)[:, None].expand(side, side))
    )
    score = torch.full((1, 1, side, side), -6.0)
    score[0, 0, int(center_y * side), int(center_x * side)] = 6.0
    size = torch.tensor([width, height]).view(1, 2, 1, 1).expand(1, 2, side, side)
    return HeadMaps(score, size, side * offset[None])


def output_for(maps: HeadMaps) -> StepOutput:
    none = torch.zeros(1, 1, 4)
    return StepOutput(maps, none, none, torch.zeros(1), torch.zeros(1), none[:, 0], none, torch.zeros(1, 256, 1), none)


GROUND_TRUTH = torch.tensor([[0.4, 0.6, 0.3, 0.2]])


def target(
    present: bool = True, valid: bool = True, companion: tuple[float, float, float, float] | None = None
) -> FrameTarget:
    beside = torch.tensor([companion or (math.nan,) * 4])
    return FrameTarget(GROUND_TRUTH, torch.tensor([present]), torch.tensor([valid]), beside)


def test_maps_decode_to_the_box_they_were_made_for() -> None:
    maps = maps_for((0.4, 0.6, 0.3, 0.2))
    torch.testing.assert_close(decode_peak(maps.score, maps.boxes()), GROUND_TRUTH)


def test_a_perfect_frame_costs_no_box_loss_and_a_wrong_one_does() -> None:
    _, right = frame_loss(output_for(maps_for((0.4, 0.6, 0.3, 0.2))), target(), LossWeights())
    _, wrong = frame_loss(output_for(maps_for((0.45, 0.6, 0.3, 0.2))), target(), LossWeights())
    assert float(right["giou"]) == pytest.approx(0.0, abs=1e-5)
    assert float(right["iou"]) == pytest.approx(1.0, abs=1e-5)
    assert float(wrong["giou"]) > 0.1
    assert float(wrong["l1"]) == pytest.approx(0.05 / 4, rel=1e-3)


def test_an_absent_target_asks_for_a_flat_map_and_no_box() -> None:
    flat = maps_for((0.1, 0.1, 0.9, 0.9))._replace(score=torch.full((1, 1, 16, 16), -6.0))
    _, calm = frame_loss(output_for(flat), target(present=False), LossWeights())
    _, sure = frame_loss(output_for(maps_for((0.4, 0.6, 0.3, 0.2))), target(present=False), LossWeights())
    assert float(calm["giou"]) == float(calm["l1"]) == 0.0
    assert float(sure["focal"]) > float(calm["focal"]) + 1.0


def test_a_frame_without_a_known_label_costs_nothing() -> None:
    loss, _ = frame_loss(output_for(maps_for((0.1, 0.1, 0.9, 0.9))), target(valid=False), LossWeights())
    assert float(loss) == 0.0


def test_target_companion_and_background_weigh_the_same_in_the_mask() -> None:
    """On a 4x4 grid with 4 cells of the target, 1 of the companion and 11 of the background, by hand."""
    beside = FrameTarget(
        torch.tensor([[0.25, 0.25, 0.5, 0.5]]),
        torch.tensor([True]),
        torch.tensor([True]),
        torch.tensor([[0.875, 0.875, 0.25, 0.25]]),
    )
    logits = torch.full((1, 4, 4), -20.0)
    logits[0, :2, :2] = 20.0
    assert float(mask_loss(logits.flatten(1), beside, 4)) == pytest.approx(0.0, abs=1e-6)
    logits[0, 3, 3] = 3.0  # the companion is taken for the target
    assert float(mask_loss(logits.flatten(1), beside, 4)) == pytest.approx(math.log(1 + math.exp(3.0)) / 3, rel=1e-4)
    alone = beside._replace(companion=torch.full((1, 4), math.nan))
    assert float(mask_loss(logits.flatten(1), alone, 4)) == pytest.approx(math.log(1 + math.exp(3.0)) / 24, rel=1e-4)


@pytest.mark.parametrize(
    ("box", "right"), [((0.4, 0.6, 0.3, 0.2), 1.0), ((0.7, 0.6, 0.3, 0.2), 0.0), ((0.1, 0.1, 0.1, 0.1), math.nan)]
)
def test_beside_a_companion_the_right_one_counts(box: tuple[float, float, float, float], right: float) -> None:
    _, parts = frame_loss(output_for(maps_for(box)), target(companion=(0.7, 0.6, 0.3, 0.2)), LossWeights())
    assert float(parts["right"]) == pytest.approx(right, nan_ok=True)


def test_the_identity_loss_of_two_clips_by_hand() -> None:
    """Cosines 0.8 within each clip, 0 between them, 0.6 and 0.96 with what is beside the first."""
    appearances = torch.tensor([[[1.0, 0, 0, 0], [0.8, 0.6, 0, 0]], [[0, 0, 1.0, 0], [0, 0, 0.8, 0.6]]])
    sure, nothing = torch.ones(2, 2, dtype=torch.bool), torch.zeros(2, 1, dtype=torch.bool)
    beside = torch.tensor([[[0.6, 0.8, 0, 0]], [[0, 0, 0, 1.0]]])
    apart = math.log(1 + 2 * math.exp(-8.0))
    assert float(identity_loss(appearances, sure, beside, nothing)) == pytest.approx(apart, rel=1e-3)
    alike = [math.log(1 + (2 + math.exp(cosine / 0.1)) * math.exp(-8.0)) for cosine in (0.6, 0.96)]
    known = torch.tensor([[True], [False]])
    expected = (2 * apart + sum(alike)) / 4
    assert float(identity_loss(appearances, sure, beside, known)) == pytest.approx(expected, rel=1e-3)


def test_what_may_not_be_the_target_is_no_example_of_it() -> None:
    appearances = torch.randn(3, 4, 8, requires_grad=True)
    sure = torch.zeros(3, 4, dtype=torch.bool)
    sure[:, 0] = True  # the template alone: no pair
    loss = identity_loss(appearances, sure, torch.randn(3, 4, 8), torch.ones(3, 4, dtype=torch.bool))
    loss.backward()
    assert float(loss.detach()) == 0.0
    assert appearances.grad is not None and not appearances.grad.any()


def test_what_may_not_be_the_target_is_no_other_clip_s_target_either() -> None:
    """The second clip's unsure frame is just what the first clip shows: no example against it."""
    appearances = torch.tensor([[[1.0, 0, 0], [0.8, 0.6, 0]], [[0, 0, 1.0], [1.0, 0, 0]]])
    nothing = torch.zeros(2, 1, 3), torch.zeros(2, 1, dtype=torch.bool)
    sure = torch.tensor([[True, True], [True, False]])
    expected = math.log(1 + math.exp(-8.0))
    assert float(identity_loss(appearances, sure, *nothing)) == pytest.approx(expected, rel=1e-3)
