# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Clips beside and within each other: what is shown where the boxes say, and how often."""

from __future__ import annotations

import numpy as np
import pytest

from stdtrack_ros.geometry import Box, Crop, box_center
from stdtrack_ros.training.data.clips import Clip, assemble
from stdtrack_ros.training.data.mixing import add_companion, metamorphose, mix
from stdtrack_ros.training.data.settings import MixingSettings

RED, BLUE = (0, 0, 255), (255, 0, 0)
SIDE = 448


def painted(color: tuple[int, int, int], source: str, frames: int = 8) -> Clip:
    """Paint a square of 60 px on grey that moves by 4 px per frame, each canvas centred on it but for its motion."""
    boxes = np.stack([np.array([200.0 + 4 * frame, 150.0, 60.0, 60.0]) for frame in range(frames)])
    crops = [Crop(*(box_center(box) + 7), SIDE, SIDE) for box in boxes]
    canvases = np.full((frames, SIDE, SIDE, 3), 128, np.uint8)
    for canvas, crop, box in zip(canvases, crops, boxes, strict=True):
        x, y, w, h = crop.to_crop(box).round().astype(int)
        canvas[y : y + h, x : x + w] = color
    template = np.full((128, 128, 3), color, np.uint8)
    flags = np.ones(frames, bool)
    return assemble(template, canvases, crops, boxes, flags.copy(), flags.copy(), source)


def colored(clip: Clip, frame: int, box: Box, color: tuple[int, int, int]) -> float:
    """Return the fraction of the box's pixels that have the colour."""
    x, y, w, h = clip.crop(frame).to_crop(np.asarray(box, np.float64)).round().astype(int)
    part = clip.canvases[frame, y : y + h, x : x + w].astype(int)
    return float((np.abs(part - color).max(axis=2) < 40).mean())


@pytest.mark.parametrize("seed", range(6))
def test_a_companion_stands_whole_beside_the_whole_target(seed: int) -> None:
    clip, other = painted(RED, "a"), painted(BLUE, "b")
    boxes = clip.boxes.copy()
    add_companion(np.random.default_rng(seed), clip, other)
    np.testing.assert_array_equal(clip.boxes, boxes)
    np.testing.assert_array_equal(other.canvases, painted(BLUE, "b").canvases)
    for frame in range(8):
        assert colored(clip, frame, clip.boxes[frame], RED) > 0.95
        assert colored(clip, frame, clip.companions[frame], BLUE) > 0.95
        distance = np.linalg.norm(box_center(clip.companions[frame]) - box_center(clip.boxes[frame]))
        assert 60 < distance < 60 * 3


def test_a_metamorphosis_ends_as_the_other_target_in_the_same_place() -> None:
    clip, other = painted(RED, "a"), painted(BLUE, "b")
    metamorphose(np.random.default_rng(4), clip, other)
    assert colored(clip, 0, clip.boxes[0], RED) > 0.95
    assert colored(clip, 7, clip.boxes[7], BLUE) > 0.95
    np.testing.assert_allclose(box_center(clip.boxes[7]), box_center(painted(RED, "a").boxes[7]), atol=0.1)
    redness = [
        clip.canvases[f][..., 2].astype(int).max() - clip.canvases[f][..., 0].astype(int).max() for f in range(8)
    ]
    assert redness == sorted(redness, reverse=True)


def test_clips_are_mixed_as_often_as_the_settings_say() -> None:
    rng, counts = np.random.default_rng(0), {"companion": 0, "changed": 0, "plain": 0}
    settings = MixingSettings(companion_prob=0.4, metamorphosis_prob=0.2, choice=2)
    plain, other = painted(RED, "a", 4), painted(BLUE, "b", 4)
    for _ in range(100):
        clip = painted(RED, "a", 4)
        mix(rng, clip, settings, lambda number: other)
        if np.isfinite(clip.companions).any():
            counts["companion"] += 1
        else:
            counts["plain" if np.array_equal(clip.canvases, plain.canvases) else "changed"] += 1
    assert 28 <= counts["companion"] <= 52 and 10 <= counts["changed"] <= 30
    same = painted(RED, "a", 4)
    mix(rng, same, MixingSettings(companion_prob=1.0), lambda number: painted(RED, "a", 4))
    assert np.isnan(same.companions).all()  # a clip of the same source is no companion
