# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What the network package of a tracker family offers to the code that all families share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

from pydantic import BaseModel
from torch import Tensor, nn


class Graph(Protocol):
    """One step of tracking as a module from arrays to arrays: what is exported, and what PyTorch runs too.

    Attributes:
        inputs, outputs: names, in the order of the arguments and of the results; each has a free batch axis.
        free: names of other free axes, by input and axis.
    """

    inputs: ClassVar[tuple[str, ...]]
    outputs: ClassVar[tuple[str, ...]]
    free: ClassVar[Mapping[str, Mapping[int, str]]]

    def __call__(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        """Run the step."""

    def example(self, batch: int = 1) -> tuple[Tensor, ...]:
        """Make inputs of the right shapes and types."""


@dataclass(frozen=True, slots=True)
class NetworkFamily:
    """The networks of one family.

    Attributes:
        config: the pydantic model of a network's configuration.
        network: makes an untrained network from a configuration; a network has its configuration as `config` and its
            family's kind as `kind`.
        graphs: makes the graphs by name from a network in evaluation mode: `start` (template to state), `step` (search
            crop and state to maps), and others that its `Model` runs in between; it may change the network's layers
            into an equivalent form for inference.
        full_precision: modules, as dotted paths, that stay in 32 bits when the network is quantized.
    """

    config: type[BaseModel]
    network: Callable[[Any], nn.Module]
    graphs: Callable[[Any], Mapping[str, Graph]]
    full_precision: tuple[str, ...] = ()
