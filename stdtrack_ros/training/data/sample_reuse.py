# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A pool of clips to draw from again: making a clip costs more than a step of a small network on it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

import cv2
import numpy as np
import torch
from torch import Tensor


def reuse_samples(
    batches: Iterator[dict[str, Tensor]],
    pool_size: int,
    draws_per_clip: int,
    canvas_size: int,
    seed: int,
    device: torch.device,
) -> Iterator[dict[str, Tensor]]:
    """Draw batches at random from a pool that is renewed, the oldest clips first.

    Args:
        batches: of clips, named and shaped as the fields of `Clip`.
        pool_size: clips in the pool, which is filled before the first batch; rounded up to whole batches.
        draws_per_clip: mean number of times that a clip is drawn.
        canvas_size: what the canvases are shrunk to, px; those that are no larger stay as they are.
        seed: of the drawing.
        device: where the pool lies.
    """
    generator = torch.Generator().manual_seed(seed)
    small = ({n: v.to(device) for n, v in shrink(batch, canvas_size).items()} for batch in batches)
    first = next(small)
    size = len(first["boxes"])
    parts = [first, *islice(small, max(pool_size - 1, 0) // size)]
    pool = {name: torch.cat([part[name] for part in parts]) for name in first}
    del parts
    oldest = 0
    while True:
        for _ in range(draws_per_clip):
            chosen = torch.randperm(len(pool["boxes"]), generator=generator)[:size].to(device)
            yield {name: values[chosen] for name, values in pool.items()}
        fresh = next(small)
        for name, values in pool.items():
            values[oldest : oldest + size] = fresh[name]
        oldest = (oldest + size) % len(pool["boxes"])


def shrink(clips: dict[str, Tensor], canvas_size: int) -> dict[str, Tensor]:
    """Shrink canvases (B, F, S, S, 3) to at most `canvas_size` px; windows and boxes hold as they are."""
    canvases = clips["canvases"].numpy()
    if canvases.shape[2] <= canvas_size:
        return clips
    small = np.empty((*canvases.shape[:2], canvas_size, canvas_size, 3), np.uint8)
    for clip in range(small.shape[0]):
        for frame in range(small.shape[1]):
            cv2.resize(
                canvases[clip, frame],
                (canvas_size, canvas_size),
                dst=small[clip, frame],
                interpolation=cv2.INTER_AREA,
            )
    return {**clips, "canvases": torch.from_numpy(small)}
