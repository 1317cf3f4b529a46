# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Staged clips show what they say: boxes lie on the things, twins are alike, and what leaves comes back."""

from __future__ import annotations

import numpy as np
import pytest

from stdtrack_ros.evaluation.memory_bench.objects import CutOut
from stdtrack_ros.evaluation.memory_bench.scenes import (
    HEIGHT,
    KINDS,
    RETURN_AWAY,
    SIZE_PX,
    WIDTH,
    Cast,
    Scene,
    backdrop,
)
from stdtrack_ros.geometry import box_center, iou


def cast() -> Cast:
    """Cast a red target and a green thing, wider than high, over black."""
    opaque = np.full((32, 64), 255, np.uint8)
    red, green = (np.full((32, 64, 3), color, np.uint8) for color in ((0, 0, 200), (0, 200, 0)))
    return Cast(CutOut(red, opaque), CutOut(green, opaque), np.zeros((HEIGHT, WIDTH, 3), np.uint8))


def staged(kind: str, seed: int = 1, variant: str | None = None) -> Scene:
    return KINDS[kind].stage(np.random.default_rng(seed), cast(), "clip", variant or KINDS[kind].variants[0])


def extent(picture: np.ndarray, channel: int) -> np.ndarray:
    """Return the box of the pixels in which a channel is bright."""
    rows, columns = np.nonzero(picture[..., channel] > 100)
    return np.array([columns.min(), rows.min(), np.ptp(columns) + 1, np.ptp(rows) + 1], dtype=np.float64)


@pytest.mark.parametrize("kind", list(KINDS))
def test_the_same_seed_gives_the_same_clip(kind: str) -> None:
    first, again, other = staged(kind), staged(kind), staged(kind, seed=2)
    np.testing.assert_array_equal(first.frame(3), again.frame(3))
    np.testing.assert_array_equal(first.boxes, again.boxes)
    assert not np.array_equal(first.boxes, other.boxes)
    assert np.isfinite(first.boxes[0]).all()
    assert first.boxes.shape == first.decoys.shape == first.places.shape == (len(first), 4)


def test_boxes_lie_on_the_things() -> None:
    scene = staged("fast")
    for index in (0, 7, len(scene) - 1):
        assert iou(scene.boxes[index], extent(scene.frame(index), 2)) > 0.9
        assert iou(scene.decoys[index], extent(scene.frame(index), 1)) > 0.9
    steps = np.linalg.norm(np.diff(box_center(scene.boxes), axis=0), axis=1)[5:] / SIZE_PX
    assert 0.4 < steps.min() <= steps.max() < 1.3


def test_twins_look_alike_cross_and_hide_behind_the_board() -> None:
    scene = staged("twins", variant="in the open")
    assert scene.actors[0].look is scene.actors[1].look
    gap = box_center(scene.boxes)[:, 0] - box_center(scene.decoys)[:, 0]
    assert gap[0] * gap[-1] < 0
    assert np.isfinite(scene.boxes).all()
    hidden = staged("twins", variant="behind a board")
    away = np.isnan(hidden.boxes[:, 0])
    assert away[len(hidden) // 2]
    assert not away[0]
    assert not away[-1]
    assert np.isfinite(hidden.places).all()


def test_a_look_fades_into_another_and_the_first_look_comes_near() -> None:
    scene = staged("metamorphosis")
    last = scene.frame(len(scene) - 1)
    assert iou(scene.boxes[-1], extent(last, 1)) > 0.9  # now it is green
    assert iou(scene.decoys[-1], extent(last, 2)) > 0.9  # and the red one is another
    distance = np.linalg.norm(box_center(scene.boxes[-1]) - box_center(scene.decoys[-1]))
    assert 1.2 * SIZE_PX < distance < 1.9 * SIZE_PX


@pytest.mark.parametrize("variant", KINDS["return"].variants)
def test_what_leaves_comes_back_changed_as_it_says(variant: str) -> None:
    scene = staged("return", variant=variant)
    away = np.isnan(scene.boxes[:, 0])
    assert away[slice(*RETURN_AWAY)].sum() >= 6
    assert not away[:5].any()
    assert not away[-10:].any()
    assert np.isfinite(scene.decoys).all()
    look, side = variant.split(", ")
    left, back = (box_center(scene.places[index]) for index in (RETURN_AWAY[0] - 1, RETURN_AWAY[1] - 2))
    assert (np.linalg.norm(back - left) > 200) == (side == "other side")
    sizes = np.sqrt(scene.boxes[[0, -1], 2] * scene.boxes[[0, -1], 3])
    assert (sizes[1] > 1.2 * sizes[0]) == (look in ("nearer", "turned"))  # the upright box of what is turned is larger
    bright = [scene.frame(index)[..., 2].max() for index in (0, len(scene) - 1)]
    assert (abs(int(bright[1]) - int(bright[0])) > 20) == (look == "other light")


def test_a_backdrop_has_the_size_of_the_staged_pictures() -> None:
    for shape in ((100, 100), (1080, 1920), (900, 300)):
        assert backdrop(np.zeros((*shape, 3), np.uint8)).shape == (HEIGHT, WIDTH, 3)
