# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from painted_data import noise, painted_still, red_box

from stdtrack_ros.sequences.shards.stills import Still
from stdtrack_ros.training.data.settings import DataSettings
from stdtrack_ros.training.synthetic.object_bank import ObjectBank
from stdtrack_ros.training.synthetic.synthetic_clips import CutoutClips, PictureClips

ALONE = DataSettings(
    absence_prob=0, pair_absence_prob=0, patch_prob=0, lookalike_prob=0, distractor_prob=0, occluder_prob=0
)


def background_still(seed: int) -> Still:
    return replace(painted_still(seed), objects=(), image=_Noise(seed), mask=None)


class _Noise:
    name = "noise"

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def read(self) -> np.ndarray:
        import cv2

        return cv2.imencode(".png", noise(np.random.default_rng(self.seed), 240, 180))[1]


STILLS = [painted_still(0), painted_still(1)] + [background_still(seed) for seed in range(40)]

BANK = ObjectBank(STILLS)


def same_place(found: np.ndarray, ground_truth: np.ndarray) -> bool:
    corners = np.concatenate(
        [found[:2] - ground_truth[:2], found[:2] + found[2:] - ground_truth[:2] - ground_truth[2:]]
    )
    return bool(np.abs(corners).max() <= 4.5)


@pytest.mark.parametrize("length", [1, 8])
@pytest.mark.parametrize("kind", [CutoutClips, PictureClips])
def test_the_target_is_where_the_box_says(kind: type[CutoutClips | PictureClips], length: int) -> None:
    source = kind(BANK, ALONE)
    right = total = 0
    for seed in range(12 if length == 1 else 5):
        clip = source.sample(np.random.default_rng(seed), length)
        assert clip.canvases.shape == (length, 448, 448, 3)
        assert clip.valid.all()
        for frame in np.flatnonzero(clip.present):
            total += 1
            right += same_place(red_box(clip.canvases[frame]), clip.crop(frame).to_crop(clip.boxes[frame]))
    # where not: cut off by the frame's edge (the ground truth reaches beyond), or mirrored beside it
    assert right > 0.6 * total > 0


@pytest.mark.parametrize("kind", [CutoutClips, PictureClips])
def test_the_same_seed_gives_the_same_clip(kind: type[CutoutClips | PictureClips]) -> None:
    source = kind(BANK)
    one, same = (source.sample(np.random.default_rng(9), 3) for _ in range(2))
    np.testing.assert_array_equal(one.canvases, same.canvases)
    np.testing.assert_array_equal(one.template, same.template)


@pytest.mark.parametrize("kind", [CutoutClips, PictureClips])
def test_targets_move_and_grow_within_reach(kind: type[CutoutClips | PictureClips]) -> None:
    source = kind(BANK, ALONE)
    for seed in range(8):
        clip = source.sample(np.random.default_rng(seed), 8)
        size = np.sqrt(clip.boxes[:, 2] * clip.boxes[:, 3])
        centers = clip.boxes[:, :2] + clip.boxes[:, 2:] / 2
        assert (np.abs(np.diff(centers, axis=0)).max(axis=1) < 2.4 * size[:-1]).all()
        assert (np.abs(np.diff(np.log(size))) < 0.5).all()


@pytest.mark.parametrize("kind", [CutoutClips, PictureClips])
@pytest.mark.parametrize("length", [1, 8])
def test_absence_is_as_frequent_as_asked(kind: type[CutoutClips | PictureClips], length: int) -> None:
    source = kind(BANK, ALONE.model_copy(update={"absence_prob": 1.0, "pair_absence_prob": 1.0}))
    clips = [source.sample(np.random.default_rng(seed), length) for seed in range(30 if length == 1 else 12)]
    assert np.mean([(~clip.present).any() for clip in clips]) > 0.7
    if length > 1:
        assert np.mean([clip.present[0] for clip in clips]) > 0.9


def test_an_exchanged_target_is_not_in_the_picture() -> None:
    blues = [replace(still, objects=()) for still in STILLS[2:]]
    source = CutoutClips(ObjectBank([STILLS[0], *blues]), ALONE.model_copy(update={"pair_absence_prob": 1.0}))
    for seed in range(12):
        clip = source.sample(np.random.default_rng(seed), 1)
        if not clip.present[0]:
            left, top, width, height = (int(v) for v in clip.crop(0).to_crop(clip.boxes[0]).round())
            inside = clip.canvases[0, top : top + height, left : left + width].astype(int)
            assert ((inside[..., 2] - inside[..., 1]) > 50).mean() < 0.35
