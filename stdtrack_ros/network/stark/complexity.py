# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What the three variants cost, counted: `python -m stdtrack_ros.network.stark.complexity`."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from stdtrack_ros.network.stark.config import VARIANTS, StarkConfig
from stdtrack_ros.network.stark.graphs import StartGraph, StepGraph
from stdtrack_ros.network.stark.model import Stark


class Complexity(NamedTuple):
    """Cost of a network.

    Attributes:
        parameters: all numbers that training may change, in millions, frozen batch norms not counted.
        parameters_without_attention: the same without the projections of the attentions; common counting tools pass
            over those.
        step_gmacs: multiply-adds of one frame, in thousand millions, template features being there.
        template_gmacs: multiply-adds of encoding one template.
    """

    parameters: float
    parameters_without_attention: float
    step_gmacs: float
    template_gmacs: float


def count(config: StarkConfig) -> Complexity:
    """Count without computing anything: on tensors that have shapes but no values."""
    with torch.device("meta"):
        network = Stark(config).eval()
        start, step = StartGraph(network), StepGraph(network)
        sizes = {name: parameter.numel() / 1e6 for name, parameter in network.named_parameters()}
        plain = sum(size for name, size in sizes.items() if "attention.heads" not in name)
        return Complexity(sum(sizes.values()), plain, _gmacs(step), _gmacs(start))


def _gmacs(graph: StartGraph | StepGraph) -> float:
    counter = FlopCounterMode(display=False)
    with counter, sdpa_kernel(SDPBackend.MATH):
        graph(*graph.example())
    return counter.get_total_flops() / 2e9


if __name__ == "__main__":
    print("| variant | parameters (M) | without attention projections (M) | step (GMACs) | one template (GMACs) |")
    print("| --- | --- | --- | --- | --- |")
    for name, config in VARIANTS.items():
        print(f"| {name} |", " | ".join(f"{value:.2f}" for value in count(config)), "|")
