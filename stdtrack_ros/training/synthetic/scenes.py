# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A painted scene: a background and cut-outs, each with a pose a frame, rendered straight into crops.

Poses map to the "source image" of a clip, whose frame is a rectangle; what lies beyond it takes the mean colour, as
`Crop.extract` does it. The ground truth is the tight box of the target's warped outline, visible or not.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from stdtrack_ros.geometry import Box, Crop, Image, mean_color
from stdtrack_ros.training.data.augmentation import blend

Affine = NDArray[np.float64]
"""(2, 3), or (T, 2, 3): one a time. Maps outer-corner pixel coordinates."""


@dataclass
class Sprite:
    """A cut-out and where it is.

    Attributes:
        pixels: (h, w, 3) uint8, or None: a part of the background, which is not drawn.
        alpha: (h, w) uint8.
        outline: (N, 2) float64, its contour in its own pixels.
        poses: (T, 2, 3), its pixels to the source image.
        shown: (T,) bool.
        bends: (T, 4), amplitude (px) and phase (rad) of a bend of one wave across it, sideways and then upwards.
    """

    pixels: Image | None
    alpha: NDArray[np.uint8]
    outline: NDArray[np.float64]
    poses: Affine
    shown: NDArray[np.bool_]
    bends: NDArray[np.float64]

    def points(self, time: int) -> NDArray[np.float64]:
        """Return the (N, 2) outline in the source image."""
        wide, phase_x, high, phase_y = self.bends[time]
        height, width = self.alpha.shape
        x, y = self.outline.T
        x = x - wide * np.sin(2 * np.pi * y / height + phase_x)
        y = y - high * np.sin(2 * np.pi * x / width + phase_y)
        pose = self.poses[time]
        moved: NDArray[np.float64] = np.stack([x, y], axis=1) @ pose[:, :2].T + pose[:, 2]
        return moved

    def box(self, time: int) -> Box:
        """Return the (4,) tight box in the source image."""
        points = self.points(time)
        low, high = points.min(axis=0), points.max(axis=0)
        return np.concatenate([low, high - low])


@dataclass
class Scene:
    """All that is seen over T times.

    Attributes:
        background: (H, W, 3) uint8; mirrored beyond its edges.
        camera: (T, 2, 3), background pixels to the source image.
        sprites: in drawing order, the target among them.
        target: index of the target in `sprites`.
        frame: x, y, width, height of the source image's frame; at time 0, the template's, there is none.
    """

    background: Image
    camera: Affine
    sprites: list[Sprite]
    target: int
    frame: Box

    def boxes(self) -> Box:
        """Return the (T, 4) true boxes of the target in the source image."""
        target = self.sprites[self.target]
        return np.stack([target.box(time) for time in range(len(target.poses))])

    def render(self, time: int, crop: Crop) -> tuple[Image, float]:
        """Paint the picture in a crop, (size, size, 3) uint8; with the visible fraction of the target, 0 to 1."""
        to_crop = _affine_of(crop)
        left, top, right, bottom = self._frame_in(crop) if time else (0, 0, crop.size, crop.size)
        border = mean_color(self.background)
        picture = np.full((crop.size, crop.size, 3), border, np.uint8)
        visible = np.zeros((crop.size, crop.size), np.uint8)
        if right <= left or bottom <= top:
            return picture, 0.0
        warp = _pixel_centres(_chain(to_crop, self.camera[time]))
        warp[:, 2] -= left, top
        size = right - left, bottom - top
        picture[top:bottom, left:right] = cv2.warpAffine(
            self.background, warp, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101
        )
        for index, sprite in enumerate(self.sprites):
            if sprite.shown[time]:
                _paint(picture, visible, sprite, time, to_crop, index == self.target)
        picture[:top], picture[bottom:] = border, border
        picture[:, :left], picture[:, right:] = border, border
        seen = float(visible[top:bottom, left:right].sum())
        return picture, seen / max(self._target_area(time, to_crop), 1.0)

    def _target_area(self, time: int, to_crop: Affine) -> float:
        target = self.sprites[self.target]
        pose = _chain(to_crop, target.poses[time])
        return float(target.alpha.sum()) * abs(float(np.linalg.det(pose[:, :2])))

    def _frame_in(self, crop: Crop) -> tuple[int, int, int, int]:
        x, y, width, height = crop.to_crop(self.frame)
        corners = np.clip(np.round([x, y, x + width, y + height]), 0, crop.size).astype(int)
        left, top, right, bottom = (int(corner) for corner in corners)
        return left, top, right, bottom


def _paint(
    picture: Image, visible: NDArray[np.uint8], sprite: Sprite, time: int, to_crop: Affine, is_target: bool
) -> None:
    """Draw a sprite, and keep account of what can be seen of the target in `visible`."""
    pose = _chain(to_crop, sprite.poses[time])
    region = _region(sprite, time, to_crop, len(picture))
    if region is None:
        return
    pixels, alpha = _resample(sprite, time, pose, region)
    if pixels is not None:
        blend(picture[region], pixels, alpha)
    if is_target:
        visible[region] = alpha
    else:
        visible[region] = cv2.multiply(visible[region], 255 - alpha, scale=1 / 255)


def _region(sprite: Sprite, time: int, to_crop: Affine, size: int) -> tuple[slice, slice] | None:
    """Return the part of the crop that a sprite touches."""
    points = sprite.points(time) @ to_crop[:, :2].T + to_crop[:, 2]
    left, top = np.clip(np.floor(points.min(axis=0)) - 2, 0, size).astype(int)
    right, bottom = np.clip(np.ceil(points.max(axis=0)) + 2, 0, size).astype(int)
    return (slice(top, bottom), slice(left, right)) if right > left and bottom > top else None


def _resample(
    sprite: Sprite, time: int, pose: Affine, region: tuple[slice, slice]
) -> tuple[Image | None, NDArray[np.uint8]]:
    """Return the sprite's pixels and alpha in a region of the crop."""
    rows, columns = region
    x, y = np.meshgrid(np.arange(columns.start, columns.stop) + 0.5, np.arange(rows.start, rows.stop) + 0.5)
    inverse = cv2.invertAffineTransform(pose)
    x, y = (inverse[row, 0] * x + inverse[row, 1] * y + inverse[row, 2] for row in (0, 1))
    wide, phase_x, high, phase_y = sprite.bends[time]
    height, width = sprite.alpha.shape
    if wide or high:  # undone in the opposite order of `Sprite.points`
        y = y + high * np.sin((2 * np.pi / width) * x + phase_y)
        x = x + wide * np.sin((2 * np.pi / height) * y + phase_x)
    map_x, map_y = (x - 0.5).astype(np.float32), (y - 0.5).astype(np.float32)
    alpha = cv2.remap(sprite.alpha, map_x, map_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
    if sprite.pixels is None:
        return None, alpha
    return cv2.remap(sprite.pixels, map_x, map_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE), alpha


def _affine_of(crop: Crop) -> Affine:
    corner = np.array([crop.center_x, crop.center_y]) - crop.side_px / 2
    return np.array([[crop.scale, 0.0, -crop.scale * corner[0]], [0.0, crop.scale, -crop.scale * corner[1]]])


def _chain(after: Affine, before: Affine) -> Affine:
    linear = after[:, :2] @ before[:, :2]
    return np.concatenate([linear, (after[:, :2] @ before[:, 2] + after[:, 2])[:, None]], axis=1)


def _pixel_centres(outer: Affine) -> Affine:
    """Turn a map between outer-corner coordinates into one between pixel centres, as OpenCV wants it."""
    inner = outer.copy()
    inner[:, 2] += outer[:, :2] @ np.array([0.5, 0.5]) - 0.5
    return inner
