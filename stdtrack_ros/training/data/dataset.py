# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The training data: which sources, how often each, and how clips are made of them."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence as ListOf
from copy import deepcopy
from fnmatch import fnmatch

import cv2
import numpy as np

from stdtrack_ros.errors import SettingError
from stdtrack_ros.sequences.annotated import open_annotated
from stdtrack_ros.sequences.sequence import Sequence
from stdtrack_ros.sequences.shards.stills import Still, open_stills
from stdtrack_ros.sequences.shards.tar_shards import PSEUDO
from stdtrack_ros.training.data.augmentation import augment
from stdtrack_ros.training.data.clips import Clip, ClipSource
from stdtrack_ros.training.data.mixing import mix
from stdtrack_ros.training.data.settings import DataSettings, MixingSettings
from stdtrack_ros.training.data.video_clips import VideoClips, sequence_weights
from stdtrack_ros.training.synthetic.object_bank import ObjectBank
from stdtrack_ros.training.synthetic.synthetic_clips import CutoutClips, PictureClips


class ClipDataset:
    """Clips by index, the same for the same seed: what `torch.utils.data.DataLoader` takes as a map-style data set."""

    def __init__(
        self,
        sources: ListOf[tuple[ClipSource, float]],
        length: int,
        seed: int,
        size: int,
        augmented: bool = True,
        mixing: MixingSettings | None = None,
        shadow_prob: float = 0.0,
    ) -> None:
        """`size` clips of `length` frames from sources with weights (which need not sum to 1)."""
        self.sources = [source for source, _ in sources]
        total = np.cumsum([weight for _, weight in sources])
        self._cumulative = total / total[-1]
        self.length, self.seed, self.size, self.augmented = length, seed, size, augmented
        self.mixing, self.shadow_prob = mixing, shadow_prob
        # Clips are mixed with those made just before; a process that starts in the middle makes these again.
        self._recent: OrderedDict[int, Clip] = OrderedDict()

    def __len__(self) -> int:
        return self.size

    def __getitem__(self, index: int) -> Clip:
        if not 0 <= index < self.size:
            raise IndexError(index)
        rng = np.random.default_rng((self.seed, index, 1))
        clip = deepcopy(self._sampled(index))
        if self.mixing:
            mix(rng, clip, self.mixing, lambda number: self._sampled(max(index - number, 0)))
        if self.augmented:
            augment(rng, clip, self.shadow_prob)
        return clip

    def _sampled(self, index: int) -> Clip:
        if index not in self._recent:
            rng = np.random.default_rng((self.seed, index))
            source = self.sources[int(np.searchsorted(self._cumulative, rng.random()))]
            self._recent[index] = source.sample(rng, self.length)
            while len(self._recent) > (2 * self.mixing.choice if self.mixing else 1):
                self._recent.popitem(last=False)
        return self._recent[index]


def use_one_thread(worker: int = 0) -> None:
    """Keep OpenCV from starting threads of its own in every loader process (for `worker_init_fn`)."""
    cv2.setNumThreads(0)


def build_dataset(settings: DataSettings, length: int, seed: int, size: int) -> ClipDataset:
    """Build the data set that the settings describe, with clips of `length` frames (1: pairs).

    Raises:
        SettingError: no source has both data and a weight.
        SequenceError: a path that cannot be read.
    """
    videos = [one for path in settings.videos for one in open_annotated(path) if not _excluded(one.name, settings)]
    stills = [one for path in settings.stills for one in open_stills(path)]
    sources = _video_sources(videos, settings) + _still_sources(stills, settings)
    sources = [(source, weight) for source, weight in sources if weight > 0]
    if not sources:
        raise SettingError("There is nothing to train on: give data.videos or data.stills, with a weight above 0.")
    return ClipDataset(sources, length, seed, size, mixing=settings.mixing, shadow_prob=settings.shadow_prob)


def _excluded(name: str, settings: DataSettings) -> bool:
    return any(fnmatch(name, pattern) for pattern in settings.exclude)


def _video_sources(videos: list[Sequence], settings: DataSettings) -> list[tuple[ClipSource, float]]:
    annotated = [video for video in videos if PSEUDO not in video.attributes]
    pseudo = [video for video in videos if PSEUDO in video.attributes]
    sources: list[tuple[ClipSource, float]] = []
    for group, weight in ((annotated, settings.video_weight), (pseudo, settings.pseudo_weight)):
        if group:
            weights = sequence_weights(group, {"air": settings.sky_fraction})
            sources.append((VideoClips(group, weights, settings), weight))
    return sources


def _still_sources(stills: list[Still], settings: DataSettings) -> list[tuple[ClipSource, float]]:
    if not stills:
        return []
    bank = ObjectBank(stills)
    cutouts = settings.cutout_weight if bank.masked else 0.0
    return [(CutoutClips(bank, settings), cutouts), (PictureClips(bank, settings), settings.picture_weight)]
