# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What runs a network's graphs: arrays in, arrays out, nothing kept."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from numpy.typing import NDArray

from stdtrack_ros.tracker.models.calibration import NOT_CALIBRATED
from stdtrack_ros.tracker.models.model import FloatArray, ModelInfo

Arrays = Mapping[str, NDArray[Any]]


class Backend(Protocol):
    """A loaded model.

    Attributes:
        name: `onnx`, `openvino` or `torch`.
        provider: what the session really got.
        precision: of its numbers: `fp32`, `bf16`, `fp16`, or an 8-bit format (`backends.precision`).
        note: empty, or why it is not what was asked for.
        sha256: hash of the model file, in hex.
    """

    name: str
    provider: str
    precision: str
    note: str
    sha256: str

    @property
    def metadata(self) -> Mapping[str, Any]:
        """`kind`, `network` (its configuration), `graphs` (the names of those beside `step`), `calibration`."""

    def run(self, graph: str, inputs: Arrays) -> Mapping[str, FloatArray]:
        """Run one of the network's graphs, named as in `NetworkFamily.graphs`.

        Args:
            graph: `start`: `template` (B, T, T, 3) uint8 BGR in, the template's state out. `step`: `search`
                (B, S, S, 3) uint8 BGR, template state and own inputs in, maps out. Others are the family's own.
        """


def model_info(backend: Backend, name: str) -> ModelInfo:
    """Describe the model on a backend, under the name of its architecture."""
    network = backend.metadata["network"]
    notes = [backend.note, "" if backend.metadata.get("calibration") else NOT_CALIBRATED]
    return ModelInfo(
        name=name,
        backend=backend.name,
        provider=backend.provider,
        precision=backend.precision,
        note=" ".join(filter(None, notes)),
        sha256=backend.sha256,
        template_size=network["template_size"],
        template_factor=network["template_factor"],
        search_size=network["search_size"],
        search_factor=network["search_factor"],
        large_search_factor=network.get("large_search_factor", network["search_factor"]),
    )
