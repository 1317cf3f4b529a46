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
        tokens: state of the joint layers, (B, L, 2, N_z, d) keys and values if cached, else (B, N_z, d) tokens.
        cells: (B, N_z, d) unit vectors of the bare cells, for the matching prior.
        appearance: (B, d) unit vector, mean of the bare cells that the target covers.
        look: (B, 9, d) unit vectors of 3x3 bare cells around its middle, for recall.
    """

    tokens: Tensor
    cells: Tensor
    appearance: Tensor
    look: Tensor


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

    def step(
        self,
        template: TemplateState,
        search: Tensor,
        token: Tensor,
        memory: Tensor,
        looks: Tensor,
        weights: Tensor,
        initial_counts: Tensor | None = None,
    ) -> StepOutput:
        """Process one frame.

        Args:
            template: the target's, of B targets.
            search: (B, 3, S, S) float BGR 0..255.
            token: (B, 1, d) what the last frame carried on, zeros in the first.
            memory: (B, K, d) stored tokens. looks: (B, K, 9, d) the target's looks in the same frames.
            weights: (B, K) what the looks count in recall, the template's counting 1; 0 where no frame is stored.
            initial_counts: (B,) 0 if MFIFM and recall go without the template's appearance (training); by default 1.
                Without a stored token it counts all the same.
        """
        config = self.config
        tokens, cells = self.embedding.search(search, template.cells)
        own = self.base_token.expand(search.shape[0], -1, -1)
        if self.carry is not None:
            own = own + self.carry * token
        seen = self.layers(torch.cat((own.to(tokens.dtype), tokens), dim=1), template.tokens)
        current, found = seen[:, :1], seen[:, 1:]
        enhanced = current
        stored = (weights > 0).to(weights.dtype)
        initial = torch.ones_like(stored[:, :1])
        if initial_counts is not None:
            initial = torch.maximum(initial_counts[:, None].to(stored.dtype), 1.0 - stored.amax(dim=1, keepdim=True))
        if self.fusion is not None:
            enhanced = self.fusion(current, template.appearance, memory, torch.cat((initial, stored), dim=1))
        masked, mask = found, torch.zeros_like(found[..., :1])
        if self.mask is not None:
            masked, mask = self.mask(found, cells, enhanced)
        head = self.head(masked)
        if self.mask is not None:
            # Detached: the score wants a peak, the mask a region; the mask learns from its own loss what it says.
            said = mask.detach().transpose(1, 2).unflatten(2, (config.search_cells, config.search_cells))
            head = head._replace(score=head.score + self.mask.score_gain * said)
        if self.recall is not None:
            counts = torch.cat((initial, weights), dim=1)
            head = head._replace(score=head.score + self.recall(cells.float(), template.look, looks, counts))
        peak = self.peak(head.score.float().sigmoid())
        appearance = unit(peak.pool(cells.float()))
        return StepOutput(
            maps=head,
            token=self.fusion.stored(current, appearance) if self.fusion is not None else current,
            enhanced=enhanced if config.propagate == "enhanced" else current,
            quality=peak.quality(config.quality).detach(),
            confidence=self.confidence(enhanced, masked.float(), appearance * template.appearance, mask, peak),
            appearance=appearance,
            look=look_at(head.score.detach().flatten(1).argmax(dim=1), cells.float()),
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
