# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The STM during training: many clips at once, the same rule as `tracker.models.memory` (paper, method; capacity 6)."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional


class TokenMemory(NamedTuple):
    """Stored tokens of B clips.

    Attributes:
        tokens: (B, K, d).
        looks: (B, K, M, d) M unit vectors of the target in the same frames.
        valid: (B, K) 1 where a token is stored, else 0.
        quality: (B, K) Q of each stored token; +inf in free slots.
        age: (B, K) steps since it was stored.
    """

    tokens: Tensor
    looks: Tensor
    valid: Tensor
    quality: Tensor
    age: Tensor

    @classmethod
    def empty(
        cls, batch: int, capacity: int, dim: int, look_cells: int, device: torch.device | str = "cpu"
    ) -> TokenMemory:
        """Make memories without tokens."""
        none = torch.zeros(batch, capacity, device=device)
        tokens = torch.zeros(batch, capacity, dim, device=device)
        looks = torch.zeros(batch, capacity, look_cells, dim, device=device)
        return cls(tokens, looks, none, torch.full_like(none, torch.inf), none)

    def store(
        self,
        token: Tensor,
        look: Tensor,
        quality: Tensor,
        keep: Tensor,
        policy: str = "quality",
        capacity: Tensor | None = None,
    ) -> TokenMemory:
        """Store one token per clip: in the first free slot, else in place of the one of lowest quality.

        Args:
            token: (B, 1, d). look: (B, M, d).
            quality: (B,) Q_t of the frame.
            keep: (B,) bool; False: this clip stores nothing now.
            policy: `quality` (ties go to the older token) or `fifo` (the oldest token goes).
            capacity: (B,) slots that each clip may use; all if None.
        """
        count = self.quality.shape[1]
        order = torch.arange(count, device=self.quality.device)
        usable = order < (capacity[:, None] if capacity is not None else count)
        free = (self.valid < 0.5) & usable
        stored_quality = torch.where(usable & ~free, self.quality, torch.inf)
        lowest = torch.ones_like(free) if policy == "fifo" else stored_quality == stored_quality.amin(1, keepdim=True)
        rank = torch.where(lowest & usable, -self.age, torch.inf)  # among those of lowest quality, the oldest
        rank = torch.where(free, order - 1e9, rank)
        chosen = functional.one_hot(rank.argmin(dim=1), count).bool() & keep[:, None]
        return TokenMemory(
            torch.where(chosen[..., None], token.to(self.tokens.dtype), self.tokens),
            torch.where(chosen[..., None, None], look[:, None].to(self.looks.dtype), self.looks),
            torch.where(chosen, 1.0, self.valid),
            torch.where(chosen, quality[:, None].to(self.quality.dtype), self.quality),
            torch.where(chosen, 0.0, self.age + 1.0),
        )
