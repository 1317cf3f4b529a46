# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The STM during training: many clips at once, the same rule as `tracker.models.memory` (paper, method; capacity 6)."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional


class Slots(NamedTuple):
    """What the K slots of the STMs of B clips hold; also the part of the STM that the network reads.

    Attributes:
        tokens: (B, K, d) T_t of each stored frame with its appearance in it.
        maps: (B, K, L, 2, M, d) keys and values of the target's surroundings in that frame, pooled.
        valid: (B, K) 1 where a slot is filled, else 0.
    """

    tokens: Tensor
    maps: Tensor
    valid: Tensor


class TokenMemory(NamedTuple):
    """The STMs of B clips.

    Attributes:
        slots: their contents.
        quality: (B, K) Q of each stored frame; +inf in free slots.
        age: (B, K) steps since it was stored.
    """

    slots: Slots
    quality: Tensor
    age: Tensor

    @classmethod
    def empty(cls, slots: Slots) -> TokenMemory:
        """An STM without entries, of the shapes of `slots`."""
        none = torch.zeros_like(slots.valid)
        return cls(Slots(*(torch.zeros_like(part) for part in slots)), torch.full_like(none, torch.inf), none)

    def store(
        self, entry: Slots, quality: Tensor, keep: Tensor, policy: str = "quality", capacity: Tensor | None = None
    ) -> TokenMemory:
        """Store one entry per clip: in the first free slot, else in place of the one of lowest quality.

        Args:
            entry: contents with K = 1 (its `valid` is not read).
            quality: (B,) Q_t of the frame.
            keep: (B,) bool; False: this clip stores nothing now.
            policy: `quality` (ties go to the older entry) or `fifo` (the oldest entry goes).
            capacity: (B,) slots that each clip may use; all if None.
        """
        count = self.quality.shape[1]
        order = torch.arange(count, device=self.quality.device)
        usable = order < (capacity[:, None] if capacity is not None else count)
        free = (self.slots.valid < 0.5) & usable
        filled_quality = torch.where(usable & ~free, self.quality, torch.inf)
        lowest = torch.ones_like(free) if policy == "fifo" else filled_quality == filled_quality.amin(1, keepdim=True)
        rank = torch.where(lowest & usable, -self.age, torch.inf)  # among those of lowest quality, the oldest
        rank = torch.where(free, order - 1e9, rank)
        chosen = functional.one_hot(rank.argmin(dim=1), count).bool() & keep[:, None]

        def put(old: Tensor, new: Tensor) -> Tensor:
            where = chosen.view(*chosen.shape, *[1] * (old.dim() - 2))
            return torch.where(where, new.to(old.dtype), old)

        contents = Slots(
            put(self.slots.tokens, entry.tokens),
            put(self.slots.maps, entry.maps),
            torch.where(chosen, 1.0, self.slots.valid),
        )
        return TokenMemory(
            contents,
            torch.where(chosen, quality[:, None].to(self.quality.dtype), self.quality),
            torch.where(chosen, 0.0, self.age + 1.0),
        )
