# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import numpy as np
import pytest
from painted_data import PaintedSequence, moving, red_box

from stdtrack_ros.training.data.settings import DataSettings
from stdtrack_ros.training.data.video_clips import MAX_STEP, VideoClips, sequence_weights

PLAIN = DataSettings(absence_prob=0, pair_absence_prob=0, occlusion_prob=0)


def source(*sequences: PaintedSequence, settings: DataSettings = PLAIN) -> VideoClips:
    return VideoClips(sequences, [1.0] * len(sequences), settings)


@pytest.mark.parametrize("length", [1, 8])
def test_the_target_is_where_the_box_says(length: int) -> None:
    clips = source(PaintedSequence("car_1", moving()))
    for seed in range(6):
        clip = clips.sample(np.random.default_rng(seed), length)
        assert clip.canvases.shape == (length, 448, 448, 3)
        assert clip.present.all() and clip.valid.all()
        for frame in range(length):
            expected = clip.crop(frame).to_crop(clip.boxes[frame])
            np.testing.assert_allclose(red_box(clip.canvases[frame]), expected, atol=3.1)
            previous = clip.previous_boxes[frame]
            assert clip.crop(frame).to_crop(previous)[2:].prod() == pytest.approx(64**2, rel=0.03)
        template = red_box(clip.template)
        assert template[2:].prod() == pytest.approx(64**2, rel=0.3)
        np.testing.assert_allclose(template[:2] + template[2:] / 2, 64, atol=12)


def test_the_same_seed_gives_the_same_clip_and_another_gives_another() -> None:
    clips = source(PaintedSequence("car_1", moving()), PaintedSequence("dog_1", moving(step=5)))
    one, same, other = (clips.sample(np.random.default_rng(seed), 4) for seed in (5, 5, 6))
    np.testing.assert_array_equal(one.canvases, same.canvases)
    np.testing.assert_array_equal(one.boxes, same.boxes)
    assert not np.array_equal(one.boxes, other.boxes)


def test_steps_stay_within_reach_even_where_the_target_races() -> None:
    clips = source(PaintedSequence("car_1", moving(frames=60, step=24, size=(24, 24))))
    moved = []
    for seed in range(15):
        clip = clips.sample(np.random.default_rng(seed), 8)
        centers = clip.boxes[:, :2] + clip.boxes[:, 2:] / 2
        moved += list(np.abs(np.diff(centers, axis=0)).max(axis=1))
    assert max(moved) <= MAX_STEP * 24 + 1e-3
    assert np.mean(np.array(moved) > 20) > 0.3  # and fast motion is not avoided


def test_absent_frames_of_annotated_video_are_not_present_and_keep_the_last_position() -> None:
    boxes = moving(step=1)
    boxes[10:30] = np.nan
    clips = source(
        PaintedSequence("car_1", boxes), settings=PLAIN.model_copy(update={"max_stride": 4, "reverse_prob": 0})
    )
    absent = 0
    for seed in range(12):
        clip = clips.sample(np.random.default_rng(seed), 8)
        assert clip.valid.all() and clip.present[0] and np.isfinite(clip.boxes).all()
        for frame in np.flatnonzero(~clip.present):
            absent += 1
            assert np.isnan(red_box(clip.canvases[frame])).all()
            np.testing.assert_array_equal(clip.boxes[frame], clip.boxes[frame - 1])
    assert absent > 8


def test_gaps_of_pseudo_tracks_are_never_taken_for_absence() -> None:
    boxes = moving()
    boxes[10:30] = np.nan
    clips = source(PaintedSequence("cup_1", boxes, attributes=frozenset({"pseudo"})))
    for seed in range(8):
        clip = clips.sample(np.random.default_rng(seed), 8)
        assert (clip.present == clip.valid).all()
        for frame in np.flatnonzero(clip.present):
            assert np.isfinite(red_box(clip.canvases[frame])).all()


def test_another_video_cut_in_is_not_present() -> None:
    blue = PaintedSequence("boat_1", np.full((40, 4), np.nan))
    blue.boxes[:, :] = [50, 50, 30, 30]
    blue.frame = lambda index: np.full((240, 320, 3), (200, 0, 0), np.uint8)  # type: ignore[method-assign]
    clips = VideoClips(
        [PaintedSequence("car_1", moving()), blue],
        [0.7, 0.3],
        DataSettings(absence_prob=0, pair_absence_prob=1.0, occlusion_prob=0),
    )
    seen = set()
    for seed in range(20):
        clip = clips.sample(np.random.default_rng(seed), 1)
        assert not clip.present.any() and clip.valid.all()
        seen.add((clip.source, bool(np.isnan(red_box(clip.canvases[0])).all())))
    assert seen == {("car_1", True), ("boat_1", False)}  # each under a window of the other


def test_covered_targets_are_not_present() -> None:
    clips = source(PaintedSequence("car_1", moving()), settings=DataSettings(absence_prob=1.0, occlusion_prob=0))
    hidden, shown = [], []
    for seed in range(15):
        clip = clips.sample(np.random.default_rng(seed), 8)
        assert clip.present[0]
        for frame in range(8):
            left, top, width, height = (int(v) for v in clip.crop(frame).to_crop(clip.boxes[frame]).round())
            inside = clip.canvases[frame, top : top + height, left : left + width].astype(int)
            red = float(((inside[..., 2] - inside[..., 1]) > 50).mean())
            (shown if clip.present[frame] else hidden).append(red)
    assert min(shown) > 0.15
    assert len(hidden) > 15 and np.mean(np.array(hidden) < 0.25) > 0.6  # the rest: cuts to the same red target


def test_tiny_templates_are_rare() -> None:
    tiny = PaintedSequence("air_1", moving(size=(6, 6)))
    large = PaintedSequence("car_1", moving())
    clips = source(
        tiny,
        large,
        settings=DataSettings(
            reverse_prob=0, absence_prob=0, pair_absence_prob=0, occlusion_prob=0, small_target_prob=0.1
        ),
    )
    names = [clips.sample(np.random.default_rng(seed), 1).source for seed in range(80)]
    assert 0.02 < np.mean(np.array(names) == "air_1") < 0.2  # 0.1 / 1.1 expected, half by weight


def test_sequences_with_fewer_than_two_boxes_are_left_out() -> None:
    lone = np.full((5, 4), np.nan)
    lone[2] = [10, 10, 20, 20]
    clips = source(PaintedSequence("a_1", lone), PaintedSequence("b_1", moving()))
    assert [sequence.name for sequence in clips.sequences] == ["b_1"]


def test_every_kind_gets_a_fair_share() -> None:
    names = [f"air_{index}" for index in range(90)] + [f"car_{index}" for index in range(16)] + ["dog_0"]
    weights = np.array(sequence_weights([PaintedSequence(name, moving(2)) for name in names], {"air": 0.25}))
    assert weights.sum() == pytest.approx(1.0)
    assert weights[:90].sum() == pytest.approx(0.25)
    assert weights[90:106].sum() == pytest.approx(0.75 * 4 / 5)  # sqrt(16) against sqrt(1)
    only = sequence_weights([PaintedSequence("air_1", moving(2))], {"air": 0.25})
    assert only[0] > 0
