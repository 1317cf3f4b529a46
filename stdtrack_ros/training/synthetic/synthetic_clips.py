# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Clips made from stills: cut-outs that move over other pictures, and pictures seen by a moving camera."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from stdtrack_ros.geometry import Box, Image
from stdtrack_ros.training.data.clips import Clip, assemble, canvas_crops, template_crop
from stdtrack_ros.training.data.settings import DataSettings
from stdtrack_ros.training.synthetic.object_bank import (
    TARGET_PX,
    CutOut,
    ObjectBank,
    in_the_light_of,
    outline_of,
    sprite_of,
)
from stdtrack_ros.training.synthetic.scene_events import add_events
from stdtrack_ros.training.synthetic.scenes import Affine, Scene, Sprite
from stdtrack_ros.training.synthetic.trajectories import Trajectory, random_trajectory

Rng = np.random.Generator

HIDDEN_BELOW = 0.25
"""A target of which less than this fraction is visible counts as not present."""


class CutoutClips:
    """A cut-out that moves over another picture, with all that can happen to it."""

    def __init__(self, bank: ObjectBank, settings: DataSettings | None = None) -> None:
        self.bank = bank
        self.settings = settings or DataSettings()

    def sample(self, rng: Rng, length: int) -> Clip:
        """Draw a clip of `length` frames of a random object."""
        times = length + 1
        key, cut = _any_cut_out(rng, self.bank)
        trajectory = random_trajectory(rng, times, TARGET_PX, TARGET_PX / cut.size_px)
        background = self.bank.any_picture(rng)
        cut = in_the_light_of(rng, cut, background)
        target = sprite_of(rng, cut, trajectory, bent=rng.random() < 0.3)
        zoom = float(np.exp(rng.uniform(np.log(0.8), np.log(2.2))))
        anchor = rng.uniform(0.2, 0.8, 2) * background.shape[1::-1]
        camera = random_trajectory(rng, times, TARGET_PX, zoom, speed_scale=rng.uniform(0.0, 1.0)).poses(anchor)
        frame = _frame(rng, trajectory)
        scene = Scene(background, camera, [target], 0, frame)
        add_events(rng, scene, self.bank, self.settings, key, trajectory)
        return _render(rng, scene, f"cutout:{self.bank.stills[key[0]].name}", self.settings.canvas_factor)


class PictureClips:
    """A still seen by a moving camera: the target is an object of it, or any patch."""

    def __init__(self, bank: ObjectBank, settings: DataSettings | None = None) -> None:
        self.bank = bank
        self.settings = settings or DataSettings()

    def sample(self, rng: Rng, length: int) -> Clip:
        """Draw a clip of `length` frames of a random picture."""
        times = length + 1
        key: tuple[int, int] | None = None
        if rng.random() < self.settings.patch_prob or not self.bank.boxed:
            picture, alpha = _any_patch(rng, self.bank)
        else:
            key = self.bank.any_in_context(rng)
            still = self.bank.stills[key[0]]
            picture = still.pixels()
            alpha = still.mask_of(self.bank.object_of(key), picture.shape[1], picture.shape[0])
        picture, alpha = _shrunk(rng, picture, alpha)
        outline = outline_of(alpha)
        low, high = outline.min(axis=0), outline.max(axis=0)
        size = float(np.sqrt(np.prod(high - low)))
        trajectory = random_trajectory(rng, times, TARGET_PX, TARGET_PX / size, speed_scale=rng.uniform(0.3, 1.0))
        poses = trajectory.poses((low + high) / 2)
        target = Sprite(None, alpha, outline, poses, np.ones(times, bool), np.zeros((times, 4)))
        inside = size < 0.3 * min(picture.shape[:2]) and rng.random() < 0.5
        frame = _frame(rng, trajectory) if inside else _frame_of(rng, picture, poses, trajectory)
        scene = Scene(picture, poses, [target], 0, frame)
        name = f"picture:{self.bank.stills[key[0]].name}" if key else "patch"
        add_events(rng, scene, self.bank, self.settings, key, trajectory)
        return _render(rng, scene, name, self.settings.canvas_factor)


def _render(rng: Rng, scene: Scene, source: str, canvas_factor: float) -> Clip:
    """Render the template (time 0) and the frames."""
    boxes = scene.boxes()
    template, _ = scene.render(0, template_crop(rng, boxes[0]))
    crops = canvas_crops(boxes[1:], canvas_factor)
    canvases = np.empty((len(crops), crops[0].size, crops[0].size, 3), np.uint8)
    present = scene.sprites[scene.target].shown[1:].copy()
    for index, crop in enumerate(crops):
        canvases[index], visible = scene.render(index + 1, crop)
        present[index] &= visible >= HIDDEN_BELOW
    return assemble(template, canvases, crops, boxes[1:], present, np.ones(len(crops), bool), source)


def _any_cut_out(rng: Rng, bank: ObjectBank) -> tuple[tuple[int, int], CutOut]:
    while True:
        key = bank.any_masked(rng)
        cut = bank.cut_out(rng, key)
        if key is not None and cut is not None:
            return key, cut


def _any_patch(rng: Rng, bank: ObjectBank) -> tuple[Image, NDArray[np.uint8]]:
    """Draw a picture and a rectangle in it that has some texture."""
    picture = bank.any_picture(rng)
    height, width = picture.shape[:2]
    for _ in range(10):
        size = rng.uniform(0.12, 0.4) * min(height, width)
        w, h = (round(size * factor) for factor in (np.exp(rng.normal(0, 0.3)), np.exp(rng.normal(0, 0.3))))
        x, y = int(rng.integers(0, max(width - w, 1))), int(rng.integers(0, max(height - h, 1)))
        if picture[y : y + h, x : x + w].std() > 25:
            break
    alpha = np.zeros((height, width), np.uint8)
    alpha[y : y + h, x : x + w] = 255
    return picture, alpha


def _shrunk(rng: Rng, picture: Image, alpha: NDArray[np.uint8]) -> tuple[Image, NDArray[np.uint8]]:
    """Shrink both until the target is about `TARGET_PX` large."""
    _, _, w, h = cv2.boundingRect(alpha)
    scale = TARGET_PX * rng.uniform(0.9, 1.4) / max(float(np.sqrt(w * h)), 1.0)
    if scale >= 1.0:
        return picture, alpha
    size = max(round(alpha.shape[1] * scale), 8), max(round(alpha.shape[0] * scale), 8)
    return cv2.resize(picture, size, interpolation=cv2.INTER_AREA), cv2.resize(
        alpha, size, interpolation=cv2.INTER_AREA
    )


def _frame(rng: Rng, trajectory: Trajectory) -> Box:
    """Place the source image's frame: 6 to 14 targets wide, where it holds the target the longest."""
    size = TARGET_PX * np.exp(rng.uniform(np.log(6.0), np.log(14.0))) * np.array([1.0, rng.uniform(0.55, 1.0)])
    corners = trajectory.centers[1] - size * rng.uniform(0.08, 0.92, (16, 2))
    inside = (trajectory.centers[1:] > corners[:, None]) & (trajectory.centers[1:] < corners[:, None] + size)
    return np.concatenate([corners[inside.all(axis=2).sum(axis=1).argmax()], size])


def _frame_of(rng: Rng, picture: Image, poses: Affine, trajectory: Trajectory) -> Box:
    """Place an upright frame about as large as the picture, where it holds the target the longest."""
    size = np.array(picture.shape[1::-1], np.float64)
    middles = poses[1:, :, :2] @ (size / 2) + poses[1:, :, 2]
    size *= np.sqrt(np.linalg.det(poses[1, :, :2])) * rng.uniform(0.85, 1.0, 2)
    inside = (np.abs(trajectory.centers[1:] - middles[:, None]) < size / 2).all(axis=2).sum(axis=1)
    return np.concatenate([middles[inside.argmax()] - size / 2, size])
