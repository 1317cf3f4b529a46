# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The Spatiotemporal Token Maintainer (STM): a few frames of the past, the best of them (paper, method).

The same rule as `network.stdtrack.memory`, for one target and in NumPy.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from stdtrack_ros.look_weights import LIMIT, MARGIN, RATE, SHARPNESS
from stdtrack_ros.tracker.models.model import FloatArray


@dataclass(frozen=True, slots=True)
class TokenMemory:
    """Stored frames; never changed, only replaced.

    Attributes:
        contents: what each slot holds, by name, each (K, ...) float32, zeros in free slots.
        quality: (K,) float64 Q of each stored frame; NaN in free slots.
        age: (K,) int64 number of frames since it was stored.
        agreement: (1 + K,) float32 of the template's look, and of each stored one, with the target; see `look_weights`.
    """

    contents: Mapping[str, FloatArray]
    quality: NDArray[np.float64]
    age: NDArray[np.int64]
    agreement: FloatArray

    @classmethod
    def empty(cls, capacity: int, shapes: Mapping[str, tuple[int, ...]]) -> TokenMemory:
        """Make a memory of K free slots that hold arrays of the given names and shapes."""
        contents = {name: np.zeros((capacity, *shape), np.float32) for name, shape in shapes.items()}
        agreement = np.eye(1, 1 + capacity, dtype=np.float32)[0]
        return cls(contents, np.full(capacity, np.nan), np.zeros(capacity, np.int64), agreement)

    @property
    def valid(self) -> FloatArray:
        """(K,) float32, 1 where a frame is stored."""
        return (~np.isnan(self.quality)).astype(np.float32)

    @property
    def weights(self) -> FloatArray:
        """(1 + K,) float32 what the template's look, 1, and each stored one count in recall, 0 in free slots."""
        better = self.agreement - self.agreement[0] - MARGIN  # the template's own is not
        counts = np.concatenate(([1.0], self.valid))
        return np.asarray(counts * np.exp(SHARPNESS * np.clip(better, 0.0, LIMIT)), np.float32)

    def is_due(self, spacing: int) -> bool:
        """Return whether the last frame was stored at least `spacing` frames ago, or none was."""
        stored = self.age[self.valid > 0]
        return not len(stored) or int(stored.min()) + 1 >= spacing

    def grown_older(self) -> TokenMemory:
        """Return the memory after a trusted frame that is not stored."""
        return replace(self, age=self.age + 1)

    def store(self, entry: Mapping[str, FloatArray], quality: float, policy: str) -> TokenMemory:
        """Return the memory after a trusted frame that is stored.

        A free slot is filled first. A full memory gives up the frame of lowest quality (the older one of equals), or
        with `fifo` the oldest.

        Args:
            entry: arrays by the names of `contents`, without the axis of slots.
            quality: Q_t of the frame.
            policy: `quality` or `fifo`.
        """
        slot = self._slot(policy)
        contents = {name: array.copy() for name, array in self.contents.items()}
        for name, array in contents.items():
            array[slot] = entry[name]
        qualities, age = self.quality.copy(), self.age + 1
        qualities[slot], age[slot] = quality, 0
        agreement = self.agreement.copy()
        agreement[1 + slot] = 1.0
        return TokenMemory(contents, qualities, age, agreement)

    def compared(self, initial: FloatArray, look: FloatArray) -> TokenMemory:
        """Return the memory after a trusted frame, of which the target's look is compared with the known ones.

        Args:
            initial, look: (M, d) unit vectors, the template's look and the target's.
        """
        known = np.concatenate((initial[None], self.contents["look"]))
        now = np.einsum("kmd,md->k", known, look) / len(look)
        return replace(self, agreement=(self.agreement + RATE * (now - self.agreement)).astype(np.float32))

    def _slot(self, policy: str) -> int:
        free = np.isnan(self.quality)
        if free.any():
            return int(free.argmax())
        return int(np.lexsort((-self.age,) if policy == "fifo" else (-self.age, self.quality))[0])
