# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What cameras, weather and other objects do to a clip: mirror, light, colour, blur, noise, compression, occluders.

Everything changes slowly over the frames of a clip; the template, seen at another time, has a light of its own.
"""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from stdtrack_ros.geometry import Image
from stdtrack_ros.training.data.clips import Clip

Rng = np.random.Generator

GREY_PROB, TINT_PROB, LIGHT_PROB = 0.05, 0.4, 0.8
SHADOW_GAIN = 0.3
"""Standard deviation of the log gain where the light changes all at once."""
BLUR_PROB, NOISE_PROB, LOW_RESOLUTION_PROB, JPEG_PROB = 0.15, 0.15, 0.1, 0.12
_LEVELS = np.linspace(0.0, 1.0, 256)
HIDDEN_COVERAGE = 0.8
"""A target of whose box more than this is covered counts as not present."""


def augment(rng: Rng, clip: Clip, shadow_prob: float = 0.0) -> None:
    """Change the pictures of a clip in place, and its boxes if the picture is mirrored; see `light`."""
    if rng.random() < 0.5:
        mirror(clip)
    light(rng, clip, shadow_prob)
    if rng.random() < BLUR_PROB:
        blur(rng, clip)
    if rng.random() < LOW_RESOLUTION_PROB:
        lower_resolution(rng, clip)
    if rng.random() < NOISE_PROB:
        add_noise(rng, clip)
    if rng.random() < JPEG_PROB:
        compress(rng, clip)


def mirror(clip: Clip) -> None:
    """Exchange left and right; the source image is mirrored about the first canvas's centre."""
    for image in [*clip.canvases, clip.template]:
        cv2.flip(image, 1, dst=image)
    axis = 2 * clip.windows[0, 0]
    clip.windows[:, 0] = axis - clip.windows[:, 0]
    for boxes in (clip.boxes, clip.previous_boxes, clip.companions):
        boxes[:, 0] = axis - boxes[:, 0] - boxes[:, 2]


def light(rng: Rng, clip: Clip, shadow_prob: float = 0.0) -> None:
    """Change brightness, contrast, gamma, colour of the light and loss of colour, drifting from frame to frame.

    With `shadow_prob` it also changes at once, for the rest of the clip: a shadow, or the exposure of the camera.
    """
    frames = len(clip.canvases)
    grey = rng.random() < GREY_PROB
    start, drift = _random_light(rng), 0.25 * _random_light(rng)
    lights = [start + drift * index / max(frames - 1, 1) for index in range(frames)]
    if frames > 1 and shadow_prob and rng.random() < shadow_prob:
        shadow = _random_light(rng)
        shadow[3:] += rng.normal(0.0, SHADOW_GAIN)
        begin = int(rng.integers(1, frames))
        lights[begin:] = [here + shadow for here in lights[begin:]]
    for canvas, here in zip(clip.canvases, lights, strict=True):
        _apply_light(canvas, here, grey)
    other = 0.5 * _random_light(rng) if rng.random() < 0.5 else 0.0
    _apply_light(clip.template, start + other, grey)


def _random_light(rng: Rng) -> NDArray[np.float64]:
    """Draw (6,): brightness, log contrast, log gamma, and log gain of blue, green and red."""
    general = rng.normal(0.0, (0.08, 0.12, 0.15)) * (rng.random() < LIGHT_PROB)
    tint = rng.normal(0.0, 0.06, 3) * (rng.random() < TINT_PROB)
    return np.concatenate([general, tint])


def _apply_light(image: Image, parameters: NDArray[np.float64], grey: bool) -> None:
    if grey:
        image[:] = cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR)
    if not parameters.any():
        return
    brightness, contrast, gamma = parameters[:3]
    curve = (_LEVELS ** np.exp(gamma) - 0.5) * np.exp(contrast) + 0.5 + brightness
    gains = np.exp(parameters[3:] if parameters[3:].any() else np.zeros(1))
    table = np.clip(255 * curve[:, None] * gains, 0, 255).astype(np.uint8)
    cv2.LUT(image, table[None], dst=image)


def _span(rng: Rng, frames: int, first: int = 0) -> range:
    """Draw a run of consecutive frames, none before `first` if there are more."""
    first = min(first, frames - 1)
    length = int(rng.integers(1, frames - first + 1))
    start = int(rng.integers(first, frames - length + 1))
    return range(start, start + length)


def blur(rng: Rng, clip: Clip) -> None:
    """Add motion blur along one direction, or defocus, over a run of frames; seldom on the template."""
    moving = rng.random() < 0.6
    angle, length, sigma = rng.uniform(0, np.pi), rng.uniform(4, 14), float(rng.uniform(0.6, 2.2))
    images = [clip.canvases[index] for index in _span(rng, len(clip.canvases))]
    images += [clip.template] if rng.random() < 0.2 else []
    for image in images:
        if moving:
            blur_along(image, length * np.array([np.cos(angle), np.sin(angle)]))
        else:
            cv2.GaussianBlur(image, (0, 0), sigma, dst=image)


def blur_along(image: Image, path_px: NDArray[np.float64]) -> None:
    """Average eight places along a straight path (x, y), made by halving thrice, in place; a rim stays sharp."""
    height, width = image.shape[:2]
    for part in (4, 2, 1):
        dx, dy = (int(value) for value in np.round(path_px * part / 7))
        here = image[max(-dy, 0) : height - max(dy, 0), max(-dx, 0) : width - max(dx, 0)]
        there = image[max(dy, 0) : height + min(dy, 0), max(dx, 0) : width + min(dx, 0)]
        here[:] = cv2.addWeighted(here, 0.5, there, 0.5, 0.0)


def lower_resolution(rng: Rng, clip: Clip) -> None:
    """Take pixels away: 64 px for the target's size become 15 to 43 and are enlarged again."""
    factor = float(rng.uniform(1.5, 4.0))
    for image in [*clip.canvases, *([clip.template] if rng.random() < 0.7 else [])]:
        side = max(round(image.shape[0] / factor), 8)
        small = cv2.resize(image, (side, side), interpolation=cv2.INTER_AREA)
        cv2.resize(small, image.shape[1::-1], dst=image, interpolation=cv2.INTER_LINEAR)


def add_noise(rng: Rng, clip: Clip) -> None:
    """Add sensor noise, new in every frame."""
    strength = float(rng.uniform(0.1, 0.5))
    for image in [*clip.canvases, clip.template]:
        size = image.shape[0]
        x, y = rng.integers(0, 64, 2)
        noise = _noise(clip.canvases.shape[1] + 64)[y : y + size, x : x + size]
        cv2.addWeighted(image, 1.0, noise, strength, -128.0 * strength, dst=image)


@lru_cache(maxsize=1)
def _noise(side: int) -> Image:
    """Draw normal noise of mean 128, standard deviation 36, once: drawing it anew would cost more than all the rest."""
    return np.random.default_rng(0).normal(128, 36, (side, side, 3)).clip(0, 255).astype(np.uint8)


def compress(rng: Rng, clip: Clip) -> None:
    """Add the blocks and ringing of JPEG at a quality of 15 to 60."""
    options = [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(15, 60))]
    for image in [*clip.canvases, clip.template]:
        image[:] = cv2.imdecode(cv2.imencode(".jpg", image, options)[1], cv2.IMREAD_COLOR)


def occlude(rng: Rng, clip: Clip, texture: Image, full: bool) -> None:
    """Let a textured shape pass over the target, in place; frames where it hides the target become not present.

    Args:
        texture: (H, W, 3) uint8, of at least 64x64 px.
        full: the shape is larger than the target and stays on it for a run of frames, instead of passing by.
    """
    frames = len(clip.canvases)
    size = rng.uniform(1.5, 2.2, 2) if full else rng.uniform(0.4, 1.3, 2)
    angle = rng.uniform(0, 2 * np.pi)
    covered = _span(rng, frames, first=1 if full else 0)
    middle = rng.uniform(covered.start - 0.5, covered.stop - 0.5)
    speed = rng.uniform(0.3, 1.2)
    aside = 0.0 if full else rng.normal(0.0, 0.35)
    shape = _shape(rng)
    for index in range(frames):
        along = (index - middle) * speed
        if full:  # away from the target outside its frames, as something large that comes and goes
            gap = max(covered.start - index, index - covered.stop + 1, 0)
            along = np.sign(along) * (1.3 + speed * gap) if gap else 0.0
        if abs(along) > 2.5:
            continue
        offset = along * np.array([np.cos(angle), np.sin(angle)]) + aside * np.array([-np.sin(angle), np.cos(angle)])
        box = clip.crop(index).to_crop(clip.boxes[index])
        center = box[:2] + box[2:] * (0.5 + offset)
        coverage = _draw(clip.canvases[index], texture, shape, center, size * box[2:], box)
        clip.present[index] &= coverage < HIDDEN_COVERAGE


def _shape(rng: Rng) -> Image:
    """Return (64, 64) uint8 alpha: a box, an ellipse or an uneven star, with soft edges."""
    alpha = np.zeros((64, 64), np.uint8)
    kind = rng.integers(3)
    if kind == 0:
        alpha[3:61, 3:61] = 255
    elif kind == 1:
        cv2.ellipse(alpha, (32, 32), (29, 29), 0, 0, 360, 255, -1)
    else:
        angles = np.sort(rng.uniform(0, 2 * np.pi, 9))
        radii = rng.uniform(18, 30, 9)
        points = 32 + radii[:, None] * np.stack([np.cos(angles), np.sin(angles)], axis=1)
        cv2.fillPoly(alpha, [points.astype(np.int32)], 255)
    blurred: Image = cv2.GaussianBlur(alpha, (0, 0), 1.0)
    return blurred


def _draw(
    canvas: Image,
    texture: Image,
    shape: Image,
    center: NDArray[np.float64],
    size: NDArray[np.float64],
    box: NDArray[np.float64],
) -> float:
    """Draw the shape onto a canvas; the fraction of `box` (canvas pixels) that it covers is returned."""
    x0, y0 = np.floor(center - size / 2).astype(int)
    width, height = np.maximum(np.ceil(size).astype(int), 2)
    left, top = max(x0, 0), max(y0, 0)
    right, bottom = min(x0 + width, canvas.shape[1]), min(y0 + height, canvas.shape[0])
    if right <= left or bottom <= top:
        return 0.0
    inside = np.s_[top - y0 : bottom - y0, left - x0 : right - x0]
    alpha = cv2.resize(shape, (int(width), int(height)))[inside]
    paint = cv2.resize(texture, (int(width), int(height)))[inside]
    blend(canvas[top:bottom, left:right], paint, alpha)
    bx0, by0 = np.clip(np.round(box[:2]).astype(int) - (left, top), 0, None)
    bx1, by1 = np.clip(np.round(box[:2] + box[2:]).astype(int) - (left, top), 0, None)
    return float(alpha[by0:by1, bx0:bx1].sum() / 255 / max(box[2] * box[3], 1.0))


def blend(under: Image, over: Image, alpha: NDArray[np.uint8]) -> None:
    """Lay `over` upon `under` in place, as far as `alpha` (H, W) uint8 says."""
    weight = cv2.merge([alpha] * 3).astype(np.float32) * (1 / 255)
    under[:] = (under + weight * (over.astype(np.float32) - under) + 0.5).astype(np.uint8)
