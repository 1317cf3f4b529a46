# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Weights that need no file: each is drawn in NumPy from a generator seeded with its own name, so none ever changes.

Unlike a fresh initialisation, no bias is 0 and no two norms are alike: two keys mapped the wrong way round show.
"""

import zlib
from collections.abc import Mapping

import numpy as np
import torch


def seeded_weights(shapes: Mapping[str, tuple[int, ...]]) -> dict[str, torch.Tensor]:
    """Draw a tensor for each official name of a STARK weight."""
    return {name: torch.from_numpy(np.asarray(_draw(name, shape))) for name, shape in shapes.items()}


def _draw(name: str, shape: tuple[int, ...]) -> np.ndarray:
    generator = np.random.default_rng(zlib.crc32(name.encode()))
    if name.endswith("num_batches_tracked"):
        return np.array(1, dtype=np.int64)
    if name.endswith("running_var"):
        return generator.uniform(0.5, 1.5, shape).astype(np.float32)
    if len(shape) == 1:
        is_scale = name.endswith("weight")
        scale = 0.5 if ".bn3." in name else 1.0  # keeps deep residual sums in bounds
        values = scale * generator.uniform(0.8, 1.2, shape) if is_scale else 0.1 * generator.standard_normal(shape)
        return values.astype(np.float32)
    fan_in = int(np.prod(shape[1:]))
    gain = 1.0 if name == "query_embed.weight" else np.sqrt((2.0 if len(shape) == 4 else 1.0) / fan_in)
    if ".conv5_" in name:
        gain *= 0.1  # keeps the corner maps from collapsing to one cell, which would hide errors
    return (gain * generator.standard_normal(shape)).astype(np.float32)
