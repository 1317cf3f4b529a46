# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The Spatiotemporal Token Maintainer (STM): a few tokens of the past, the best of them (paper, method).

The same rule as `network.memory`, for one target and in NumPy.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from stdtrack_ros.settings import MemorySettings
from stdtrack_ros.tracker.models.model import FloatArray


@dataclass(frozen=True, slots=True)
class TokenMemory:
    """Stored tokens; never changed, only replaced.

    Attributes:
        tokens: (K, d) float32, zeros in free slots.
        appearances: (K, d) float32 of the target in the same frames, compared with what is found after a loss.
        quality: (K,) float64 Q of each token; NaN in free slots.
        age: (K,) int64 number of frames offered since it was stored.
        offered: frames offered so far.
    """

    tokens: FloatArray
    appearances: FloatArray
    quality: NDArray[np.float64]
    age: NDArray[np.int64]
    offered: int = 0

    @classmethod
    def empty(cls, capacity: int, dim: int) -> TokenMemory:
        """A memory of K free slots for tokens of width d."""
        none = np.zeros((capacity, dim), np.float32)
        return cls(none, none, np.full(capacity, np.nan), np.zeros(capacity, np.int64))

    @property
    def valid(self) -> FloatArray:
        """(K,) float32, 1 where a token is stored."""
        return (~np.isnan(self.quality)).astype(np.float32)

    def offer(self, token: FloatArray, look: FloatArray, quality: float, settings: MemorySettings) -> TokenMemory:
        """The memory after a trusted frame with token (d,), appearance (d,) and quality Q_t.

        A free slot is filled first. A full memory gives up the token of lowest quality (the older one of equals), or
        with `fifo` the oldest; a pinned initial token is never given up. Between two stored tokens lie at least
        `spacing` frames.
        """
        aged = replace(self, age=self.age + 1, offered=self.offered + 1)
        if self.offered % settings.spacing:
            return aged
        slot = self._slot(settings)
        tokens, appearances = aged.tokens.copy(), aged.appearances.copy()
        qualities, age = aged.quality.copy(), aged.age.copy()
        tokens[slot], appearances[slot], qualities[slot], age[slot] = token, look, quality, 0
        return replace(aged, tokens=tokens, appearances=appearances, quality=qualities, age=age)

    def _slot(self, settings: MemorySettings) -> int:
        free = np.isnan(self.quality)
        if free.any():
            return int(free.argmax())
        first = 1 if settings.pin_initial and len(self.quality) > 1 else 0
        quality, age = self.quality[first:], self.age[first:]
        rank = np.lexsort((-age,) if settings.policy == "fifo" else (-age, quality))
        return first + int(rank[0])
