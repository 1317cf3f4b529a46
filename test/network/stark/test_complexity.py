# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What the variants cost, beside the published sizes."""

from __future__ import annotations

import pytest

from stdtrack_ros.network.stark.complexity import count
from stdtrack_ros.network.stark.config import VARIANTS


def test_the_variants_have_the_published_sizes() -> None:
    """Against the paper: SiamRPN++ (54 M, 48.9 G) has twice STARK-S50's parameters and four times its FLOPs."""
    costs = {name: count(config) for name, config in VARIANTS.items()}
    assert costs["stark_s50"].parameters == pytest.approx(28.10, abs=0.01)
    assert costs["stark_st50"].parameters == pytest.approx(28.23, abs=0.01)
    assert costs["stark_st101"].parameters == pytest.approx(47.17, abs=0.01)
    assert costs["stark_s50"].parameters < 54.0 / 1.9
    assert costs["stark_s50"].step_gmacs < 48.9 / 3.9
    assert costs["stark_st50"].step_gmacs < 1.07 * costs["stark_s50"].step_gmacs, "the second template costs little"
    assert costs["stark_st101"].step_gmacs == pytest.approx(20.59, abs=0.05)
