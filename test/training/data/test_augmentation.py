# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import copy

import cv2
import numpy as np
import pytest
from painted_data import PaintedSequence, moving, red_box

from stdtrack_ros.training.data import augmentation
from stdtrack_ros.training.data.augmentation import augment, blur_along, light, mirror, occlude
from stdtrack_ros.training.data.clips import Clip
from stdtrack_ros.training.data.settings import DataSettings
from stdtrack_ros.training.data.video_clips import VideoClips

STILL = DataSettings(absence_prob=0, pair_absence_prob=0, occlusion_prob=0)


@pytest.fixture
def clip() -> Clip:
    return VideoClips([PaintedSequence("car_1", moving())], [1.0], STILL).sample(np.random.default_rng(3), 6)


def test_mirrored_boxes_stay_on_the_target(clip: Clip) -> None:
    before = copy.deepcopy(clip)
    mirror(clip)
    np.testing.assert_array_equal(clip.canvases, before.canvases[:, :, ::-1])
    for frame in range(6):
        expected = clip.crop(frame).to_crop(clip.boxes[frame])
        np.testing.assert_allclose(red_box(clip.canvases[frame]), expected, atol=3.1)
        np.testing.assert_allclose(clip.previous_boxes[frame], clip.boxes[max(frame - 1, 0)], atol=1e-3)
    mirror(clip)
    np.testing.assert_allclose(clip.boxes, before.boxes, atol=1e-3)
    np.testing.assert_array_equal(clip.template, before.template)


def test_any_augmentation_leaves_the_target_where_the_box_says(clip: Clip) -> None:
    for seed in range(30):
        changed = copy.deepcopy(clip)
        augment(np.random.default_rng(seed), changed)
        assert changed.canvases.dtype == np.uint8 and changed.canvases.shape == clip.canvases.shape
        for frame in range(6):
            grey = changed.canvases[frame].astype(float)
            if np.abs(grey[..., 0] - grey[..., 2]).max() < 40:
                continue  # turned to grey: no red to look for
            found, expected = red_box(changed.canvases[frame]), changed.crop(frame).to_crop(changed.boxes[frame])
            center = found[:2] + found[2:] / 2 - expected[:2] - expected[2:] / 2
            assert np.abs(center).max() < 16 or np.isnan(found).any()


def test_light_changes_slowly_and_keeps_the_order_of_levels() -> None:
    ramp = np.tile(np.arange(256, dtype=np.uint8)[:, None, None], (1, 8, 3))
    for seed in range(20):
        frames = 8
        clip = Clip(ramp.copy(), np.stack([ramp] * frames), *([np.zeros((frames, 4))] * 6), "ramp")  # type: ignore[arg-type]
        light(np.random.default_rng(seed), clip)
        means = clip.canvases.mean(axis=(1, 2, 3))
        assert np.abs(np.diff(means)).max() < 12
        assert (np.diff(clip.canvases[0, :, 0].astype(int), axis=0) >= 0).all()


def test_where_shadows_are_asked_for_the_light_changes_once_in_some_clips() -> None:
    ramp = np.tile(np.arange(256, dtype=np.uint8)[:, None, None], (1, 8, 3))
    shadows = 0
    for seed in range(40):
        frames = 8
        clip = Clip(ramp.copy(), np.stack([ramp] * frames), *([np.zeros((frames, 4))] * 6), "ramp")  # type: ignore[arg-type]
        light(np.random.default_rng(seed), clip, 0.3)
        changes = np.abs(np.diff(clip.canvases.mean(axis=(1, 2, 3))))
        assert np.sort(changes)[-2] < 12
        shadows += int(changes.max() >= 12)
        assert (np.diff(clip.canvases[0, :, 0].astype(int), axis=0) >= 0).all()
        assert (np.diff(clip.canvases[-1, :, 0].astype(int), axis=0) >= 0).all()
    assert 3 <= shadows <= 20


def test_motion_blur_spreads_a_point_evenly_along_its_path() -> None:
    image = np.zeros((64, 64, 3), np.uint8)
    image[32, 32] = 240
    blur_along(image, np.array([7.0, 0.0]))
    rows, columns = np.nonzero(image[..., 0])
    assert set(rows) == {32} and len(set(columns)) == 8
    assert image[32, :, 0].astype(int).sum() == pytest.approx(240, abs=12)
    assert image[32, :, 0].max() == 30


def test_noise_is_unbiased_and_new_in_every_frame(clip: Clip) -> None:
    clip.canvases[:] = 128
    augmentation.add_noise(np.random.default_rng(0), clip)
    assert clip.canvases.mean() == pytest.approx(128, abs=0.7)
    assert not np.array_equal(clip.canvases[0], clip.canvases[1])


def test_what_passes_by_covers_and_what_stays_hides(clip: Clip) -> None:
    texture = np.full((64, 64, 3), 90, np.uint8)
    hidden = 0
    for seed in range(20):
        covered = copy.deepcopy(clip)
        occlude(np.random.default_rng(seed), covered, texture, full=True)
        assert covered.present[0]
        hidden += int((~covered.present).sum())
        for frame in np.flatnonzero(~covered.present):
            left, top, width, height = (int(v) for v in covered.crop(frame).to_crop(covered.boxes[frame]).round())
            inside = covered.canvases[frame, top : top + height, left : left + width].astype(int)
            assert ((inside[..., 2] - inside[..., 1]) > 50).mean() < 0.3
    assert hidden > 20


def test_blend_weighs_by_alpha() -> None:
    under, over = np.full((2, 3, 3), 100, np.uint8), np.full((2, 3, 3), 200, np.uint8)
    alpha = np.array([[0, 51, 255], [0, 51, 255]], np.uint8)
    augmentation.blend(under, over, alpha)
    assert under[0, :, 0].tolist() == [100, 120, 200]


def test_grey_clips_are_grey_in_template_and_search(clip: Clip) -> None:
    for seed in range(100):
        changed = copy.deepcopy(clip)
        light(np.random.default_rng(seed), changed)
        if (spread := np.ptp(cv2.blur(changed.canvases[0], (3, 3)).astype(int), axis=2).max()) < 60:
            assert np.ptp(changed.template.astype(int), axis=2).max() < 60
            break
    else:
        pytest.fail(f"no clip of 100 was turned to grey; the last spread is {spread}")
