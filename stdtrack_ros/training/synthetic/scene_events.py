# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What happens to a target in a painted scene: look-alikes, distractors, occluders, leaving, being swapped."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from stdtrack_ros.training.data.settings import DataSettings
from stdtrack_ros.training.synthetic.object_bank import TARGET_PX, CutOut, ObjectBank, outline_of, sprite_of
from stdtrack_ros.training.synthetic.scenes import Scene
from stdtrack_ros.training.synthetic.trajectories import Trajectory, random_trajectory

Rng = np.random.Generator
Key = tuple[int, int]


def add_events(
    rng: Rng, scene: Scene, bank: ObjectBank, settings: DataSettings, key: Key | None, trajectory: Trajectory
) -> None:
    """Add to a scene whose only sprite is the target on its trajectory; `key` is its object (None: a patch)."""
    times = len(trajectory.centers)
    gone = _span(rng, times)
    absence = _absence(rng, settings, times, scene.sprites[scene.target].pixels is not None)
    if absence == "leave":
        _leave(rng, scene, trajectory, gone)
    if rng.random() < settings.lookalike_prob:
        _add_distractor(rng, scene, bank, trajectory, key if key and rng.random() < 0.4 else _similar(rng, bank, key))
    if rng.random() < settings.distractor_prob:
        _add_distractor(rng, scene, bank, trajectory, bank.any_masked(rng))
    if rng.random() < settings.occluder_prob:
        passing = trajectory.centers + _passing(rng, times)
        _add_occluder(rng, scene, bank, passing, rng.uniform(0.4, 1.2), np.arange(times) > 0)
    if absence == "cover":
        _add_occluder(rng, scene, bank, trajectory.centers, rng.uniform(1.6, 2.2), gone)
    elif absence == "swap":
        _swap_target(rng, scene, bank, trajectory, key, gone)


def _absence(rng: Rng, settings: DataSettings, times: int, drawn: bool) -> str:
    """Draw how the target is absent for a while: "leave", "cover", "swap", or "" (mostly): not at all.

    In a pair there is no frame to be seen leaving; what is a part of the picture (not `drawn`) cannot be swapped.
    """
    pair = times == 2
    if rng.random() >= (settings.pair_absence_prob if pair else settings.absence_prob):
        return ""
    ways = ["cover"] + ["leave"] * (not pair) + ["swap"] * drawn
    return ways[int(rng.integers(len(ways)))]


def _similar(rng: Rng, bank: ObjectBank, key: Key | None) -> Key | None:
    return bank.same_class(rng, key) if key else bank.any_masked(rng)


def _span(rng: Rng, times: int) -> NDArray[np.bool_]:
    """Draw a (T,) run of frames after the clip's first (in a pair: the search frame), often up to the clip's end."""
    start = int(rng.integers(2, times)) if times > 2 else 1
    stop = times if rng.random() < 0.4 else int(rng.integers(start + 1, times + 1))
    return (np.arange(times) >= start) & (np.arange(times) < stop)


def _add_distractor(rng: Rng, scene: Scene, bank: ObjectBank, trajectory: Trajectory, key: Key | None) -> None:
    """Add another object at 1.1 to 3 target sizes, with motion of its own; before or behind the target."""
    cut = bank.cut_out(rng, key)
    if cut is None:
        return
    times = len(trajectory.centers)
    own = random_trajectory(rng, times, TARGET_PX, TARGET_PX / cut.size_px * np.exp(rng.normal(0.0, 0.2)), 0.5)
    angle = rng.uniform(0, 2 * np.pi)
    distance = rng.uniform(1.1, 3.0) * TARGET_PX
    own.centers = trajectory.centers + own.centers * 0.4 + distance * np.array([np.cos(angle), np.sin(angle)])
    behind = scene.sprites[scene.target].pixels is not None and rng.random() < 0.5
    sprite = sprite_of(rng, cut, own)
    scene.sprites.insert(0 if behind else len(scene.sprites), sprite)
    scene.target += behind


def _passing(rng: Rng, times: int) -> NDArray[np.float64]:
    """Draw (T, 2) offsets from the target of something that passes it once."""
    angle = rng.uniform(0, 2 * np.pi)
    along = (np.arange(times) - rng.uniform(0.5, times)) * rng.uniform(0.2, 1.0) + (times == 2) * rng.normal(0, 0.5)
    across = rng.normal(0.0, 0.3)
    turned = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    offsets: NDArray[np.float64] = TARGET_PX * np.stack([along, np.full(times, across)], axis=1) @ turned
    return offsets


def _add_occluder(
    rng: Rng, scene: Scene, bank: ObjectBank, centers: NDArray[np.float64], size: float, shown: NDArray[np.bool_]
) -> None:
    """Add something of `size` targets in front of all, along `centers`: another object, or a textured shape."""
    solid = size > 1.5
    cut = bank.cut_out(rng, bank.any_masked(rng)) if rng.random() < 0.5 and not solid else None
    cut = cut or _textured_shape(rng, bank)
    trajectory = random_trajectory(rng, len(centers), TARGET_PX, size * TARGET_PX / cut.size_px, 0.2)
    trajectory.centers = centers
    sprite = sprite_of(rng, cut, trajectory)
    sprite.shown = shown.copy()
    scene.sprites.append(sprite)


def _textured_shape(rng: Rng, bank: ObjectBank) -> CutOut:
    picture = bank.any_picture(rng)
    side = min(96, *picture.shape[:2])
    y, x = (int(rng.integers(0, limit - side + 1)) for limit in picture.shape[:2])
    alpha = np.zeros((side, side), np.uint8)
    if rng.random() < 0.5:
        cv2.ellipse(alpha, (side // 2, side // 2), (side // 2 - 3, side // 2 - 3), 0, 0, 360, 255, -1)
    else:
        alpha[3:-3, 3:-3] = 255
    return CutOut(picture[y : y + side, x : x + side], alpha, outline_of(alpha))


def _swap_target(
    rng: Rng, scene: Scene, bank: ObjectBank, trajectory: Trajectory, key: Key | None, gone: NDArray[np.bool_]
) -> None:
    """Put another object (often of the same class) in the target's place, or leave the place empty."""
    target = scene.sprites[scene.target]
    target.shown = target.shown & ~gone
    other = _similar(rng, bank, key) if rng.random() < 0.5 else bank.any_masked(rng)
    cut = bank.cut_out(rng, other) if other != key and rng.random() < 0.75 else None
    if cut is None:
        return
    own = random_trajectory(rng, len(gone), TARGET_PX, TARGET_PX / cut.size_px, 0.3)
    own.centers = trajectory.centers
    sprite = sprite_of(rng, cut, own)
    sprite.shown = gone
    scene.sprites.insert(scene.target + 1, sprite)


def _leave(rng: Rng, scene: Scene, trajectory: Trajectory, gone: NDArray[np.bool_]) -> None:
    """Move the target over an edge of the frame while it is gone (with the picture, where it is a part of that)."""
    first, last = np.flatnonzero(gone)[[0, -1]]
    box = scene.sprites[scene.target].box(first - 1)
    axis, sign = int(rng.integers(2)), int(rng.choice([-1, 1]))
    times = np.arange(len(gone))
    depth = np.minimum(times - first + 1, last + 1 - times if last + 1 < len(gone) else len(gone)).clip(0, 3)
    shift = np.zeros((len(gone), 2))
    shift[:, axis] = sign * depth * rng.uniform(0.8, 1.1) * np.sqrt(box[2] * box[3])
    trajectory.centers += shift
    scene.sprites[scene.target].poses[:, :, 2] += shift
    edge = box[axis] + box[axis + 2] * (0.5 + sign * rng.uniform(0.4, 0.7))
    if sign > 0:
        scene.frame[axis + 2] = edge - scene.frame[axis]
    else:
        scene.frame[axis + 2] += scene.frame[axis] - edge
        scene.frame[axis] = edge
    scene.frame[axis + 2] = max(scene.frame[axis + 2], TARGET_PX)
