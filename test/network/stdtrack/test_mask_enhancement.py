# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The mask on the search tokens: by value, and before any training."""

from __future__ import annotations

import pytest
import torch
from tiny_stdtrack import SMALL

from stdtrack_ros.network.stdtrack.mask_enhancement import MaskEnhancement
from stdtrack_ros.network.stdtrack.mfifm import MultiFrameFusion


@pytest.mark.parametrize(("form", "gain"), [("gate", 2.0), ("product", 1.0)])
def test_the_bounded_masks_scale_each_token_by_the_agreement_of_its_cell(form: str, gain: float) -> None:
    module = MaskEnhancement(SMALL.model_copy(update={"mask": form})).eval()
    search, cells, token = torch.randn(1, 9, 32), torch.randn(1, 9, 32), torch.randn(1, 1, 32)
    enhanced, logits = module(search, cells, token)
    plain = (module.query(module.norm(cells)) @ module.key(token).transpose(1, 2)) / 32**0.5 + module.bias
    torch.testing.assert_close(logits, plain, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(enhanced, search * logits.sigmoid() * gain)


def test_untrained_the_mask_finds_the_cells_that_resemble_what_was_read() -> None:
    """The short way: an appearance goes into the memory, is read as it is, and meets the cells that it came from."""
    torch.manual_seed(1)
    fuse, mask = MultiFrameFusion(SMALL).eval(), MaskEnhancement(SMALL).eval()
    target, other = torch.randn(2, 32)
    token, unknown = torch.randn(1, 1, 32), torch.randn(1, 32)
    stored = fuse.stored(0.1 * token, target[None] / target.norm())
    valid = torch.tensor([[0.0, 1.0]])
    enhanced = fuse(token, fuse.encode(unknown, stored, valid), valid)
    logits = mask(torch.zeros(1, 2, 32), torch.stack((target, other))[None], enhanced)[1][0, :, 0]
    assert float(logits[0]) > float(logits[1]) + 1.0
