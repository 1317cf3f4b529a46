# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Cut-outs: their outline, their colour, and which are too small."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from painted_data import RED, painted_still

from stdtrack_ros.training.synthetic.object_bank import ObjectBank


def test_a_cut_out_has_its_outline_and_its_own_colour() -> None:
    bank = ObjectBank([painted_still(3)])
    cut = bank.cut_out(np.random.default_rng(0), (0, 0))
    assert cut is not None
    box = painted_still(3).objects[0].box
    span = np.ptp(cut.outline, axis=0)
    assert span[0] / span[1] == pytest.approx(box[2] / box[3], rel=0.1)
    assert cut.size_px <= 64 * 1.4 + 2
    np.testing.assert_allclose(cut.pixels[cut.alpha == 255].mean(axis=0), RED, atol=6)


def test_objects_too_small_to_be_seen_are_left_out() -> None:
    still = painted_still(4)
    tiny = replace(still.objects[0], box=np.array([10.0, 10, 8, 8]))
    bank = ObjectBank([replace(still, objects=(tiny, still.objects[0]))])
    assert bank.masked == [(0, 1)]
