# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""STDTrack: template and search crop, spatiotemporal token and memory in; maps, token and quality out."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from stdtrack_ros.network.stdtrack.confidence import ConfidenceHead
from stdtrack_ros.network.stdtrack.config import NetworkConfig
from stdtrack_ros.network.stdtrack.embedding import Embedding, unit
from stdtrack_ros.network.stdtrack.heads import CenterHead, HeadMaps
from stdtrack_ros.network.stdtrack.mask_enhancement import MaskEnhancement
from stdtrack_ros.network.stdtrack.memory import TokenMemory
from stdtrack_ros.network.stdtrack.mfifm import MultiFrameFusion
from stdtrack_ros.network.stdtrack.quality import ScorePeak
from stdtrack_ros.network.stdtrack.recall import LOOK_CELLS, LookRecall, look_at, template_look
from stdtrack_ros.network.stdtrack.transformer import JointLayers


class TemplateState(NamedTuple):
    """A target's template, encoded once.

    Attributes:
        tokens: state of the joint layers, (B, L, 2, heads, N_z, d / heads) keys and values if cached, else (B, N_z, d)
            tokens.
        cells: (B, N_z, d) unit vectors of the bare cells, for the matching prior.
        appearance: (B, d) unit vector, mean of the bare cells that the target covers.
        look: (B, 9, d) unit vectors of 3x3 bare cells around its middle, for recall.
    """

    tokens: Tensor
    cells: Tensor
    appearance: Tensor
    look: Tensor


class MemoryState(NamedTuple):
    """What a frame reads of the template and of the K frames in the STM, computed when one is stored.

    Attributes:
        keys_values: (B, 2, heads, 1 + K, d / heads) MFIFM's keys and values of the template and the stored tokens.
        looks: (B, 1 + K, 9, d) the template's look, then the target's in the stored frames.
        weights: (B, 1 + K) what each look counts in recall; 0: neither look nor token counts.
    """

    keys_values: Tensor
    looks: Tensor
    weights: Tensor


class StepOutput(NamedTuple):
    """What one frame gives.

    Attributes:
        maps: the head's maps.
        token: (B, 1, d) T_t with the target's appearance, what the STM stores.
        enhanced: (B, 1, d) E_t (or T_t), what is carried on to the next frame.
        quality: (B,) Q_t.
        confidence: (B,) logit: IoU of the box with the target, 0 if it is absent.
        appearance: (B, d) unit vector: the bare search cells around the peak.
        look: (B, 9, d) unit vectors of the 3x3 bare search cells around the peak, what the STM stores beside the token.
        mask: (B, N_x, 1) logits of the mask enhancement.
        cells: (B, N_x, d) bare search cells (for distillation).
    """

    maps: HeadMaps
    token: Tensor
    enhanced: Tensor
    quality: Tensor
    confidence: Tensor
    appearance: Tensor
    look: Tensor
    mask: Tensor
    cells: Tensor


class STDTrack(nn.Module):
    """The whole network; the memory itself lives outside and comes as an input.

    s_t = s_base + g E_{t-1}; [s_t; X; Z] -> joint layers -> T_t, X_t; E_t = MFIFM(T_t, memory); X_t
    masked by E_t -> head.
    """

    kind = "stdtrack"

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.config = config
        self.embedding = Embedding(config)
        self.base_token = nn.Parameter(torch.zeros(1, 1, config.dim))
        nn.init.trunc_normal_(self.base_token, std=0.02)
        # g: E_{t-1} enters as much as training finds useful.
        self.carry = nn.Parameter(torch.zeros(config.dim)) if config.token else None
        self.layers = JointLayers(config)
        self.fusion = MultiFrameFusion(config) if config.memory else None
        self.mask = MaskEnhancement(config) if config.mask != "off" else None
        self.recall = LookRecall() if config.memory and config.recall else None
        self.head = CenterHead(config)
        self.peak = ScorePeak()
        self.confidence = ConfidenceHead(config)

    def start(self, template: Tensor) -> TemplateState:
        """Encode template crops (B, 3, T, T) float BGR 0..255."""
        tokens, cells = self.embedding.template(template)
        units = unit(cells)
        return TemplateState(
            self.layers.encode_template(tokens), units, unit(self._covered(cells)), template_look(units)
        )

    def encode_memory(
        self, template: TemplateState, memory: TokenMemory, initial_counts: Tensor | None = None
    ) -> MemoryState:
        """Encode what is stored, for all frames until the next one is.

        Args:
            template: the target's, of B targets.
            memory: their STM.
            initial_counts: (B,) 0 if MFIFM and recall go without the template's appearance (training); by default 1.
                Without a stored token it counts all the same.
        """
        initial = torch.ones_like(memory.valid[:, :1])
        if initial_counts is not None:
            initial = torch.maximum(initial_counts[:, None].to(initial.dtype), 1.0 - memory.valid.amax(1, keepdim=True))
        valid = torch.cat((initial, memory.valid), dim=1)
        return MemoryState(
            self.memory_keys_values(template.appearance, memory.tokens, valid),
            torch.cat((template.look[:, None].to(memory.looks.dtype), memory.looks), dim=1),
            torch.cat((initial, memory.weights), dim=1),
        )

    def memory_keys_values(self, appearance: Tensor, tokens: Tensor, valid: Tensor) -> Tensor:
        """Return the `MemoryState.keys_values` of a network; zeros if it has no MFIFM.

        Args:
            appearance: (B, d) the template's. tokens: (B, K, d) stored tokens. valid: (B, 1 + K) which of them count.
        """
        if self.fusion is None:
            return tokens.new_zeros(*valid.shape, 2, self.config.heads, 1).permute(0, 2, 3, 1, 4)
        return self.fusion.encode(appearance, tokens, valid)

    def step(self, template: TemplateState, search: Tensor, token: Tensor, memory: MemoryState) -> StepOutput:
        """Process one frame.

        Args:
            template: the target's, of B targets.
            search: (B, 3, S, S) float BGR 0..255.
            token: (B, 1, d) what the last frame carried on, zeros in the first.
            memory: what the STM holds, encoded with the same template.
        """
        config = self.config
        tokens, cells = self.embedding.search(search, template.cells)
        own = self.base_token.expand(search.shape[0], -1, -1)
        if self.carry is not None:
            own = self.base_token + self.carry * token
        seen = self.layers(torch.cat((own.to(tokens.dtype), tokens), dim=1), template.tokens)
        current, found = seen[:, :1], seen[:, 1:]
        enhanced = current
        if self.fusion is not None:
            enhanced = self.fusion(current, memory.keys_values, (memory.weights > 0).to(memory.weights.dtype))
        masked, mask = found, torch.zeros_like(found[..., :1])
        if self.mask is not None:
            masked, mask = self.mask(found, cells, enhanced)
        head = self.head(masked)
        if self.mask is not None:
            # Detached: the score wants a peak, the mask a region; the mask learns from its own loss what it says.
            said = mask.detach().transpose(1, 2).unflatten(2, (config.search_cells, config.search_cells))
            head = head._replace(score=head.score + self.mask.score_gain * said)
        if self.recall is not None:
            head = head._replace(score=head.score + self.recall(cells.float(), memory.looks, memory.weights))
        peak = self.peak(head.score.float().sigmoid())
        appearance = unit(peak.pool(cells.float()))
        return StepOutput(
            maps=head,
            token=self.fusion.stored(current, appearance) if self.fusion is not None else current,
            enhanced=enhanced if config.propagate == "enhanced" else current,
            quality=peak.quality(config.quality).detach(),
            confidence=self.confidence(enhanced, masked.float(), appearance * template.appearance, mask, peak),
            appearance=appearance,
            look=look_at(peak.cell, cells.float()),
            mask=mask,
            cells=cells,
        )

    def initial_token(self, batch: int) -> Tensor:
        """Return (B, 1, d) zeros: nothing has been carried on yet."""
        return torch.zeros(batch, 1, self.config.dim, device=self.base_token.device)

    def initial_memory(self, batch: int, capacity: int | None = None) -> TokenMemory:
        """Make an empty STM for B clips, of `config.capacity` slots unless told otherwise."""
        config = self.config
        return TokenMemory.empty(batch, capacity or config.capacity, config.dim, LOOK_CELLS, self.base_token.device)

    def _covered(self, cells: Tensor) -> Tensor:
        """Average bare template cells (B, N_z, d) over the cells that the target covers: (B, d)."""
        side = self.config.template_cells
        margin = round(side * (1 - 1 / self.config.template_factor) / 2)
        line = torch.arange(side, device=cells.device).sub((side - 1) / 2).abs().lt(side / 2 - margin).to(cells.dtype)
        inner = torch.outer(line, line).flatten()
        return (inner / inner.sum()) @ cells
