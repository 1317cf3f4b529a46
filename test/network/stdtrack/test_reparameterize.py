# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The merged convolution does what its branches did."""

from __future__ import annotations

import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_stdtrack import SMALL, sample, step

from stdtrack_ros.network.stdtrack.model import STDTrack
from stdtrack_ros.network.stdtrack.reparameterize import RepConv, merge_all


def shaken(module: torch.nn.Module) -> torch.nn.Module:
    """Give the module batch statistics and weights as after some training."""
    generator = torch.Generator().manual_seed(3)
    for part in module.modules():
        if isinstance(part, torch.nn.BatchNorm2d):
            part.running_mean.copy_(torch.randn(part.running_mean.shape, generator=generator))
            part.running_var.copy_(torch.rand(part.running_var.shape, generator=generator) * 3 + 0.1)
            part.weight.data.copy_(torch.randn(part.weight.shape, generator=generator))
            part.bias.data.copy_(torch.randn(part.bias.shape, generator=generator))
    return module.eval()


@given(
    inputs=st.integers(1, 9),
    outputs=st.integers(1, 9),
    height=st.integers(1, 19),
    width=st.integers(1, 19),
    kernels=st.sampled_from([(1, 3, 5), (3,), (1,), (1, 5)]),
)
@settings(max_examples=40, deadline=None)
def test_merging_is_exact_at_every_size_and_border(
    inputs: int, outputs: int, height: int, width: int, kernels: tuple[int, ...]
) -> None:
    convolution = shaken(RepConv(inputs, outputs, kernels)).double()
    features = torch.randn(2, inputs, height, width, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    before = convolution(features)
    convolution.merge()
    assert len(convolution.branches) == 0
    torch.testing.assert_close(convolution(features), before, rtol=0, atol=1e-10)


def test_the_merged_network_agrees_in_single_precision() -> None:
    network = shaken(STDTrack(SMALL))
    inputs = sample(network)
    before = step(network, inputs)
    merge_all(network)
    after = step(network, inputs)
    assert not any(isinstance(part, torch.nn.BatchNorm2d) for part in network.modules())
    for one, other in zip(before.maps, after.maps, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5)
