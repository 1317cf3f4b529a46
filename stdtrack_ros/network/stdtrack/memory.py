# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The STM during training: many clips at once, the same rule as `tracker.models.memory` (paper, method; capacity 6)."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from stdtrack_ros.look_weights import LIMIT, MARGIN, RATE, SHARPNESS


class TokenMemory(NamedTuple):
    """Stored tokens of B clips.

    Attributes:
        tokens: (B, K, d).
        looks: (B, K, M, d) M unit vectors of the target in the same frames.
        valid: (B, K) 1 where a token is stored, else 0.
        quality: (B, K) Q of each stored token; +inf in free slots.
        age: (B, K) steps since it was stored.
        agreement: (B, 1 + K) of the template's look, and of each stored one, with the target; see `look_weights`.
    """

    tokens: Tensor
    looks: Tensor
    valid: Tensor
    quality: Tensor
    age: Tensor
    agreement: Tensor

    @property
    def weights(self) -> Tensor:
        """(B, K) what each look counts in recall beside the template's (`look_weights`), 0 in free slots."""
        better = self.agreement[:, 1:] - self.agreement[:, :1] - MARGIN
        return self.valid * torch.exp(SHARPNESS * better.clamp(0.0, LIMIT))

    @classmethod
    def empty(
        cls, batch: int, capacity: int, dim: int, look_cells: int, device: torch.device | str = "cpu"
    ) -> TokenMemory:
        """Make memories without tokens."""
        none = torch.zeros(batch, capacity, device=device)
        tokens = torch.zeros(batch, capacity, dim, device=device)
        looks = torch.zeros(batch, capacity, look_cells, dim, device=device)
        agreement = functional.pad(none, (1, 0), value=1.0)
        return cls(tokens, looks, none, torch.full_like(none, torch.inf), none, agreement)

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
            torch.where(functional.pad(chosen, (1, 0)), 1.0, self.agreement),
        )

    @torch.no_grad()
    def compared(self, initial: Tensor, look: Tensor, trusted: Tensor) -> TokenMemory:
        """Compare the template's look and the stored ones with the target's in a frame; nothing is learned from it.

        Args:
            initial, look: (B, M, d) the template's look, the target's. trusted: (B,) bool; False: leave all as it is.
        """
        known = torch.cat((initial[:, None].to(self.looks.dtype), self.looks), dim=1)
        now = torch.einsum("bkmd,bmd->bk", known, look.to(known.dtype)) / look.shape[1]
        moved = torch.lerp(self.agreement, now.to(self.agreement.dtype), RATE)
        return self._replace(agreement=torch.where(trusted[:, None], moved, self.agreement))
