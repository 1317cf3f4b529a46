# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The fusion of the remembered tokens: what it sees, what it starts from, and that it stays bounded."""

from __future__ import annotations

from collections.abc import Callable

import torch
from tiny_stdtrack import SMALL
from torch import Tensor

from stdtrack_ros.network.stdtrack.mfifm import MultiFrameFusion

Fuse = Callable[[Tensor, Tensor, Tensor, Tensor], Tensor]


def fusion() -> Fuse:
    """Return what fuses a token (B, 1, d) with the template's appearance (B, d) and stored tokens, (B, 1 + K) valid."""
    torch.manual_seed(5)
    module = MultiFrameFusion(SMALL).eval()
    return lambda token, initial, memory, valid: module(token, module.encode(initial, memory, valid), valid)


def test_fusion_does_not_see_invalid_slots_nor_the_order_of_the_stored() -> None:
    fuse = fusion()
    token, initial, memory = torch.randn(1, 1, 32), torch.randn(1, 32), torch.randn(1, 6, 32)
    valid = torch.tensor([[1.0, 1, 1, 1, 0, 0, 0]])  # the template's, then the stored
    first = fuse(token, initial, memory, valid)
    changed = memory.clone()
    changed[:, 3:] = 100.0
    torch.testing.assert_close(fuse(token, initial, changed, valid), first)
    order = [2, 0, 1, 3, 4, 5]
    torch.testing.assert_close(fuse(token, initial, memory[:, order], valid), first, rtol=1e-4, atol=1e-5)
    changed = memory.clone()
    changed[:, 0] *= -1.0
    assert not torch.allclose(fuse(token, initial, changed, valid), first)
    without = torch.tensor([[0.0, 1, 1, 1, 0, 0, 0]])
    torch.testing.assert_close(fuse(token, initial, memory, without), fuse(token, -initial, memory, without))


def test_an_empty_memory_leaves_the_templates_appearance() -> None:
    fuse = fusion()
    token, none, valid = torch.randn(2, 1, 32), torch.zeros(2, 6, 32), torch.zeros(2, 7)
    valid[:, 0] = 1.0
    found = fuse(token, torch.randn(2, 32), none, valid)
    assert torch.isfinite(found).all()
    assert not torch.allclose(fuse(token, torch.randn(2, 32), none, valid), found)


def test_the_carried_token_stays_bounded_over_thousands_of_frames() -> None:
    """E_t is fed back as it is; its final norm keeps it from growing (or dying) on a static picture."""
    torch.manual_seed(0)
    fuse = fusion()
    mix = torch.nn.Linear(32, 32)
    token, initial, norms = torch.zeros(1, 1, 32), torch.randn(1, 32), []
    with torch.no_grad():
        for _ in range(5000):
            token = fuse(mix(token) + 1.0, initial, token.expand(1, 6, 32), torch.ones(1, 7))
            norms.append(float(token.norm()))
    assert max(norms[10:]) / min(norms[10:]) < 1.5
