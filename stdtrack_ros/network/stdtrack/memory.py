# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The STM as training sees it: many clips at once, the same rule as `tracker.memory` (paper, method; capacity 6)."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor


class TokenMemory(NamedTuple):
    """Stored tokens of B clips.

    Attributes:
        tokens: (B, K, d).
        valid: (B, K), 1 where a token is stored.
        quality: (B, K), Q of each stored token; +inf where none is.
        age: (B, K), steps since it was stored.
    """

    tokens: Tensor
    valid: Tensor
    quality: Tensor
    age: Tensor

    @classmethod
    def empty(cls, batch: int, capacity: int, dim: int, device: torch.device | str = "cpu") -> TokenMemory:
        """A memory without tokens."""
        none = torch.zeros(batch, capacity, device=device)
        return cls(torch.zeros(batch, capacity, dim, device=device), none, torch.full_like(none, torch.inf), none)

    def store(self, token: Tensor, quality: Tensor, keep: Tensor, policy: str = "quality") -> TokenMemory:
        """Store one token a clip: in the first free slot, else in place of the one of lowest quality (`fifo`: oldest).

        Args:
            token: (B, 1, d). quality: (B,). keep: (B,) bool, False: this clip stores nothing now.
            policy: `quality`, ties go to the older token; or `fifo`.
        """
        free = self.valid < 0.5
        lowest = torch.ones_like(free) if policy == "fifo" else self.quality == self.quality.amin(1, keepdim=True)
        rank = torch.where(lowest, -self.age, torch.inf)  # among those of lowest quality, the oldest
        rank = torch.where(free, torch.arange(free.shape[1], device=free.device) - 1e9, rank)
        slot = torch.nn.functional.one_hot(rank.argmin(dim=1), free.shape[1]).to(token.dtype) * keep[:, None]
        return TokenMemory(
            torch.where(slot[..., None] > 0, token.to(self.tokens.dtype), self.tokens),
            torch.where(slot > 0, 1.0, self.valid),
            torch.where(slot > 0, quality[:, None].to(self.quality.dtype), self.quality),
            torch.where(slot > 0, 0.0, self.age + 1.0),
        )
