# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Clips from annotated (or pseudo-labelled) video."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence as ListOf

import numpy as np
from numpy.typing import NDArray

from stdtrack_ros.geometry import Box, Crop, box_center
from stdtrack_ros.images import to_bgr8
from stdtrack_ros.sequences.sequence import Sequence
from stdtrack_ros.sequences.shards.tar_shards import PSEUDO
from stdtrack_ros.training.data.augmentation import occlude
from stdtrack_ros.training.data.clips import Clip, assemble, canvas_crops, extract_canvas, template_crop
from stdtrack_ros.training.data.settings import DataSettings

Rng = np.random.Generator

MAX_STEP, MAX_ZOOM = 1.6, 1.5
"""From one frame of a clip to the next a target moves at most 1.6 of its size and grows at most 1.5 times."""
TEMPLATE_REACH = 200
"""The template is at most this many frames away from the clip."""
SMALL_PX = 10.0
"""Below this size an enlarged template is mere blur."""


class VideoClips:
    """Clips of the given sequences, each drawn with its own probability."""

    def __init__(
        self, sequences: ListOf[Sequence], weights: ListOf[float], settings: DataSettings | None = None
    ) -> None:
        """`weights` need not sum to 1; sequences with fewer than two boxes are left out."""
        self.settings = settings or DataSettings()
        kept = [(one, weight) for one, weight in zip(sequences, weights, strict=True) if _labelled(one).sum() > 1]
        self.sequences = [one for one, _ in kept]
        total = np.cumsum([weight for _, weight in kept])
        self._cumulative = total / total[-1]

    def sample(self, rng: Rng, length: int) -> Clip:
        """Draw a clip of `length` frames from a random sequence."""
        for _ in range(20):
            sequence = self._draw(rng)
            template, frames = self._choose(rng, sequence, length)
            size = np.sqrt(np.prod(sequence.boxes[template, 2:]))
            if size >= SMALL_PX or rng.random() < self.settings.small_target_prob:
                break
        return self._disturb(rng, self._cut(rng, sequence, template, frames))

    def _draw(self, rng: Rng) -> Sequence:
        return self.sequences[int(np.searchsorted(self._cumulative, rng.random()))]

    def _choose(self, rng: Rng, sequence: Sequence, length: int) -> tuple[int, list[int]]:
        """Choose the template's frame, and the clip's frames in the order of the clip."""
        boxes, labelled = sequence.boxes, _labelled(sequence)
        known = np.flatnonzero(labelled)
        start = int(rng.choice(known))
        direction = -1 if rng.random() < self.settings.reverse_prob else 1
        stride = int(np.exp(rng.uniform(0.0, np.log(self.settings.max_stride + 1))))
        pseudo = PSEUDO in sequence.attributes
        frames, seen = [start], start
        while len(frames) < length:
            allowed = labelled & _reachable(boxes[seen], boxes) | (~labelled & (not pseudo))
            direction, following = _follow(allowed, frames[-1], direction, stride)
            frames.append(following)
            seen = following if labelled[following] else seen
        near = known[(np.abs(known - start) <= TEMPLATE_REACH) & (known != start)]
        return int(rng.choice(near)) if len(near) else start, frames

    def _cut(self, rng: Rng, sequence: Sequence, template: int, frames: list[int]) -> Clip:
        present = _labelled(sequence)[frames]
        boxes = _without_gaps(sequence.boxes[frames])
        crops = canvas_crops(boxes, self.settings.canvas_factor)
        pictures = {index: to_bgr8(sequence.frame(index)) for index in {template, *frames}}
        canvases = np.empty((len(frames), crops[0].size, crops[0].size, 3), np.uint8)
        for canvas, crop, index in zip(canvases, crops, frames, strict=True):
            extract_canvas(pictures[index], crop, canvas)
        cut_out = template_crop(rng, sequence.boxes[template]).extract(pictures[template])
        valid = present | (PSEUDO not in sequence.attributes)
        return assemble(cut_out, canvases, crops, boxes, present.copy(), valid, sequence.name)

    def _disturb(self, rng: Rng, clip: Clip) -> Clip:
        """Let the target vanish in some clips, and be partly covered in others."""
        single = len(clip.canvases) == 1
        chance = rng.random()
        absence = self.settings.pair_absence_prob if single else self.settings.absence_prob
        if chance < absence:
            if single or rng.random() < 0.5:
                self._cut_away(rng, clip)
            else:
                occlude(rng, clip, self._texture(rng, clip), full=True)
        elif chance < absence + self.settings.occlusion_prob:
            occlude(rng, clip, self._texture(rng, clip), full=False)
        return clip

    def _cut_away(self, rng: Rng, clip: Clip) -> None:
        """Replace a run of frames by another video's, with that video's target in the middle."""
        frames = len(clip.canvases)
        start = int(rng.integers(0 if frames == 1 else 1, frames))
        stop = int(rng.integers(start + 1, frames + 1))
        for _ in range(20):
            other = self._draw(rng)
            if other.name.split("_")[:2] != clip.source.split("_")[:2]:
                break
        _, indices = self._choose(rng, other, stop - start)
        crops = canvas_crops(_without_gaps(other.boxes[indices]), self.settings.canvas_factor)
        for position, index, crop in zip(range(start, stop), indices, crops, strict=True):
            extract_canvas(to_bgr8(other.frame(index)), crop, clip.canvases[position])
        clip.present[start:stop] = False

    def _texture(self, rng: Rng, clip: Clip) -> NDArray[np.uint8]:
        """Draw what covers the target: a piece of the same scene, or of another video."""
        if rng.random() < 0.5:
            y, x = rng.integers(0, 320, 2)
            return np.ascontiguousarray(clip.canvases[0, y : y + 128, x : x + 128])
        other = self._draw(rng)
        image = to_bgr8(other.frame(int(rng.integers(len(other)))))
        height, width = image.shape[:2]
        side = float(rng.uniform(0.2, 0.6) * min(height, width))
        return Crop(rng.uniform(0, width), rng.uniform(0, height), side, 128).extract(image)


def sequence_weights(sequences: ListOf[Sequence], fractions: dict[str, float]) -> list[float]:
    """Return a weight per sequence that balances the kinds (names up to the first "_").

    A kind's fraction grows with the square root of its number of sequences; `fractions` sets that of some kinds.
    """
    kinds = [re.split(r"[_\d]", sequence.name)[0] for sequence in sequences]
    counts: dict[str, int] = defaultdict(int)
    for kind in kinds:
        counts[kind] += 1
    fixed = {kind: fraction for kind, fraction in fractions.items() if kind in counts}
    free = sum(np.sqrt(count) for kind, count in counts.items() if kind not in fixed)
    rest = 1.0 - sum(fixed.values())
    of_kind = {kind: fixed.get(kind, rest * np.sqrt(count) / free if free else 0.0) for kind, count in counts.items()}
    return [float(of_kind[kind] / counts[kind]) for kind in kinds]


def _labelled(sequence: Sequence) -> NDArray[np.bool_]:
    return np.asarray(~np.isnan(sequence.boxes).any(axis=1))


def _follow(allowed: NDArray[np.bool_], index: int, direction: int, stride: int) -> tuple[int, int]:
    """Choose the next frame (direction, index): `stride` away if allowed, else nearer, else the other way."""
    for heading in (direction, -direction):
        for step in _halved(stride):
            following = index + heading * step
            if 0 <= following < len(allowed) and allowed[following]:
                return heading, following
    return direction, index


def _halved(stride: int) -> list[int]:
    steps = []
    while stride > 0:
        steps.append(stride)
        stride //= 2
    return steps


def _reachable(box: Box, others: Box) -> NDArray[np.bool_]:
    """Return (N,) which of (N, 4) boxes a target may take one frame after `box`."""
    size, sizes = np.sqrt(box[2] * box[3]), np.sqrt(others[:, 2] * others[:, 3])
    moved = np.abs(box_center(others) - box_center(box)).max(axis=1)
    with np.errstate(invalid="ignore"):  # NaN is not reachable
        reached = (moved <= MAX_STEP * size) & (np.abs(np.log(sizes / size)) <= np.log(MAX_ZOOM))
    return np.asarray(reached, dtype=bool)


def _without_gaps(boxes: Box) -> Box:
    """Replace boxes that are not known by the last one known before (the clip's first box is known)."""
    filled = boxes.copy()
    for index in range(1, len(filled)):
        if np.isnan(filled[index]).any():
            filled[index] = filled[index - 1]
    return filled
