# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from painted_data import RED, noise, painted_still, red_box

from stdtrack_ros.geometry import Crop
from stdtrack_ros.sequences.shards.stills import Still
from stdtrack_ros.training.data.settings import DataSettings
from stdtrack_ros.training.synthetic.object_bank import ObjectBank, outline_of
from stdtrack_ros.training.synthetic.scenes import Scene, Sprite
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

GALLERY = ObjectBank(STILLS)


def same_place(found: np.ndarray, truth: np.ndarray) -> bool:
    corners = np.concatenate([found[:2] - truth[:2], found[:2] + found[2:] - truth[:2] - truth[2:]])
    return bool(np.abs(corners).max() <= 4.5)


@pytest.mark.parametrize("length", [1, 8])
@pytest.mark.parametrize("kind", [CutoutClips, PictureClips])
def test_the_target_is_where_the_box_says(kind: type[CutoutClips | PictureClips], length: int) -> None:
    source = kind(GALLERY, ALONE)
    right = total = 0
    for seed in range(12 if length == 1 else 5):
        clip = source.sample(np.random.default_rng(seed), length)
        assert clip.canvases.shape == (length, 448, 448, 3)
        assert clip.valid.all()
        for frame in np.flatnonzero(clip.present):
            total += 1
            right += same_place(red_box(clip.canvases[frame]), clip.crop(frame).to_crop(clip.boxes[frame]))
    # where not: cut off by the frame's edge (the truth reaches beyond), or mirrored beside it
    assert right > 0.6 * total > 0


@pytest.mark.parametrize("kind", [CutoutClips, PictureClips])
def test_the_same_seed_gives_the_same_clip(kind: type[CutoutClips | PictureClips]) -> None:
    source = kind(GALLERY)
    one, same = (source.sample(np.random.default_rng(9), 3) for _ in range(2))
    np.testing.assert_array_equal(one.canvases, same.canvases)
    np.testing.assert_array_equal(one.template, same.template)


@pytest.mark.parametrize("kind", [CutoutClips, PictureClips])
def test_targets_move_and_grow_within_reach(kind: type[CutoutClips | PictureClips]) -> None:
    source = kind(GALLERY, ALONE)
    for seed in range(8):
        clip = source.sample(np.random.default_rng(seed), 8)
        size = np.sqrt(clip.boxes[:, 2] * clip.boxes[:, 3])
        centers = clip.boxes[:, :2] + clip.boxes[:, 2:] / 2
        assert (np.abs(np.diff(centers, axis=0)).max(axis=1) < 2.4 * size[:-1]).all()
        assert (np.abs(np.diff(np.log(size))) < 0.5).all()


@pytest.mark.parametrize("kind", [CutoutClips, PictureClips])
@pytest.mark.parametrize("length", [1, 8])
def test_absence_is_as_frequent_as_asked(kind: type[CutoutClips | PictureClips], length: int) -> None:
    source = kind(GALLERY, ALONE.model_copy(update={"absence_prob": 1.0, "pair_absence_prob": 1.0}))
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


def scene(target_at: tuple[float, float], cover_at: tuple[float, float] | None = None) -> Scene:
    """Paint a 40 px red square (its corner at `target_at`), a blue one upon it, in a frame of 200x200 at the origin."""

    def square(color: tuple[int, int, int], corner: tuple[float, float]) -> Sprite:
        alpha = np.full((40, 40), 255, np.uint8)
        pose = np.array([[[1.0, 0, corner[0]], [0, 1, corner[1]]]] * 2)
        pixels = np.full((40, 40, 3), color, np.uint8)
        return Sprite(pixels, alpha, outline_of(alpha), pose, np.ones(2, bool), np.zeros((2, 4)))

    sprites = [square(RED, target_at)] + ([square((200, 0, 0), cover_at)] if cover_at else [])
    camera = np.array([[[1.0, 0, 0], [0, 1, 0]]] * 2)
    return Scene(noise(np.random.default_rng(0), 200, 200), camera, sprites, 0, np.array([0.0, 0, 200, 200]))


def test_the_box_of_a_sprite_is_exact() -> None:
    np.testing.assert_allclose(scene((30, 50)).boxes()[1], [30, 50, 40, 40])
    picture, _ = scene((30, 50)).render(1, Crop(100, 100, 200, 200))
    np.testing.assert_allclose(red_box(picture), [30, 50, 40, 40], atol=1)


@pytest.mark.parametrize(
    ("target_at", "cover_at", "visible"),
    [
        ((30.0, 50.0), None, 1.0),
        ((180.0, 50.0), None, 0.5),
        ((180.0, 180.0), None, 0.25),
        ((300.0, 50.0), None, 0.0),
        ((30.0, 50.0), (30.0, 50.0), 0.0),
        ((30.0, 50.0), (50.0, 50.0), 0.5),
        ((180.0, 50.0), (200.0, 50.0), 0.5),
    ],
)
def test_the_visible_share_is_counted(
    target_at: tuple[float, float], cover_at: tuple[float, float] | None, visible: float
) -> None:
    _, share = scene(target_at, cover_at).render(1, Crop(190, 100, 448, 448))
    assert share == pytest.approx(visible, abs=0.06)


def test_a_turned_and_bent_sprite_stays_in_its_box() -> None:
    bent = scene((60, 60))
    angle = 0.5
    turn = np.array([[np.cos(angle), -np.sin(angle), 80.0], [np.sin(angle), np.cos(angle), 60.0]])
    target = bent.sprites[0]
    bent.sprites[0] = replace(target, poses=np.stack([turn, turn]), bends=np.array([[3.0, 0.4, 2.0, 1.0]] * 2))
    truth = bent.boxes()[1]
    picture, _ = bent.render(1, Crop(100, 100, 200, 400))
    np.testing.assert_allclose(red_box(picture) / 2, truth, atol=1.2)


def test_a_cut_out_has_its_outline_and_its_own_colour() -> None:
    bank = ObjectBank([painted_still(3)])
    cut = bank.cut_out(np.random.default_rng(0), (0, 0))
    assert cut is not None
    box = painted_still(3).objects[0].box
    span = np.ptp(cut.outline, axis=0)
    assert span[0] / span[1] == pytest.approx(box[2] / box[3], rel=0.1)
    assert cut.size_px <= 64 * 1.4 + 2
    np.testing.assert_allclose(cut.pixels[cut.alpha == 255].mean(axis=0), RED, atol=6)


def test_objects_too_small_to_be_seen_are_left_out() -> None:
    still = painted_still(4)
    tiny = replace(still.objects[0], box=np.array([10.0, 10, 8, 8]))
    bank = ObjectBank([replace(still, objects=(tiny, still.objects[0]))])
    assert bank.masked == [(0, 1)]
