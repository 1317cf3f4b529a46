# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Recall: which place in the search window looks most like the target in the stored frames (ours)?"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from stdtrack_ros.network.stdtrack.embedding import unit

LOOK_SIDE = 3
"""Cells along a side of a look; a target is about 4 cells wide in its search window."""
LOOK_CELLS = LOOK_SIDE**2


class LookRecall(nn.Module):
    """Agreement of each place in the search window with the looks that the STM holds, as a score.

    A look is 3x3 bare cells around the target's middle in one frame, as unit vectors. Its agreement q_k with a place is
    the mean cosine of these cells with those there; over those k that count, the template's look among them, the smooth
    maximum is m = log(sum_k w_k exp(t q_k)) / t, with the weights of `TokenMemory.weights`. Added to the score's logits
    is g (m' - max m'), where m' is the maximum of m over 3x3 places. The place that agrees best keeps its score and the
    others lose, so that a peak is as high as without. MFIFM mixes what is stored into one token; here each stored frame
    speaks for itself.
    """

    SHARPNESS = 8.0  # t
    GAIN = 6.0  # g at first

    def __init__(self) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.tensor(self.GAIN))
        # Kernel o takes the cosine with cell o of a look from the place at offset o.
        self.register_buffer("offsets", torch.eye(LOOK_CELLS).view(1, -1, LOOK_SIDE, LOOK_SIDE), persistent=False)

    def forward(self, cells: Tensor, looks: Tensor, weights: Tensor) -> Tensor:
        """Return what is added to the score's logits, (B, 1, H, W), not above 0.

        Args:
            cells: (B, H W, d) bare search cells of a square window.
            looks: (B, K, 9, d) the template's and the stored ones. weights: (B, K) what each counts; not all 0.
        """
        batch, slots = weights.shape
        side = round(cells.shape[1] ** 0.5)
        cosines = looks.flatten(1, 2) @ unit(cells).transpose(1, 2)
        maps = functional.conv2d(
            cosines.reshape(batch * slots, LOOK_CELLS, side, side), self.offsets, padding=LOOK_SIDE // 2
        )
        # At most 1, which leaves room for the weights in 16 bits; a factor common to all places changes nothing.
        agreement = torch.exp(self.SHARPNESS / LOOK_CELLS * maps.reshape(batch, slots, -1) - self.SHARPNESS)
        counted = (weights[:, None] @ agreement).reshape(batch, 1, side, side)
        # The maximum over 3x3 places leaves the neighbours of the best one their scores, too: no box is drawn aside.
        nearby = functional.max_pool2d(counted, 3, stride=1, padding=1)
        return self.gain / self.SHARPNESS * torch.log(nearby / nearby.amax(dim=(2, 3), keepdim=True))


def template_look(cells: Tensor) -> Tensor:
    """Return the look (B, 9, d) of a template's unit cells (B, N_z, d).

    The target is about as many cells wide as in a small search window, but its middle lies between four cells: each
    cell of the look is the mean of four.
    """
    side = round(cells.shape[1] ** 0.5)
    begin = (side - LOOK_SIDE - 1) // 2
    inner = cells.unflatten(1, (side, side))[:, begin : begin + LOOK_SIDE + 1, begin : begin + LOOK_SIDE + 1]
    means = inner[:, :-1, :-1] + inner[:, 1:, :-1] + inner[:, :-1, 1:] + inner[:, 1:, 1:]
    return unit(means.flatten(1, 2))


def look_at(peak: Tensor, cells: Tensor) -> Tensor:
    """Return the look (B, 9, d) around the cells numbered `peak` (B,), of bare cells (B, H W, d).

    At the border of the window, its outermost cells stand for those beyond.
    """
    side = round(cells.shape[1] ** 0.5)
    steps = torch.arange(LOOK_SIDE, device=cells.device) - LOOK_SIDE // 2
    line = (torch.arange(side, device=cells.device)[:, None] + steps).clamp(0, side - 1)
    # Row i of the table has the cells around cell i: exported, it is a constant and this is one look-up.
    table = (line[:, None, :, None] * side + line[None, :, None, :]).reshape(side * side, LOOK_CELLS)
    places = functional.embedding(peak, table)
    return unit(cells.gather(1, places[..., None].expand(-1, -1, cells.shape[2])))
