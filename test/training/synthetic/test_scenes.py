# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Sprites in a scene: exact boxes, and how much of them is to be seen."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from painted_data import RED, noise, red_box

from stdtrack_ros.geometry import Crop
from stdtrack_ros.training.synthetic.object_bank import outline_of
from stdtrack_ros.training.synthetic.scenes import Scene, Sprite


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
def test_the_visible_fraction_is_counted(
    target_at: tuple[float, float], cover_at: tuple[float, float] | None, visible: float
) -> None:
    _, fraction = scene(target_at, cover_at).render(1, Crop(190, 100, 448, 448))
    assert fraction == pytest.approx(visible, abs=0.06)


def test_a_turned_and_bent_sprite_stays_in_its_box() -> None:
    bent = scene((60, 60))
    angle = 0.5
    turn = np.array([[np.cos(angle), -np.sin(angle), 80.0], [np.sin(angle), np.cos(angle), 60.0]])
    target = bent.sprites[0]
    bent.sprites[0] = replace(target, poses=np.stack([turn, turn]), bends=np.array([[3.0, 0.4, 2.0, 1.0]] * 2))
    ground_truth = bent.boxes()[1]
    picture, _ = bent.render(1, Crop(100, 100, 200, 400))
    np.testing.assert_allclose(red_box(picture) / 2, ground_truth, atol=1.2)
