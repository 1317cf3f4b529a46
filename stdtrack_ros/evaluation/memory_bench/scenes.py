# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Staged clips in which only the past tells which thing is the target: cut-outs that move over a still picture.

Lengths are in target sizes (square root of width times height), times in frames.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from stdtrack_ros.evaluation.memory_bench.objects import CutOut
from stdtrack_ros.geometry import Box, Image

Rng = np.random.Generator
FloatArray = NDArray[np.float64]

WIDTH, HEIGHT = 416, 256
"""Size of the staged pictures, in px."""
SIZE_PX = 44.0
"""Size of the things in them."""
HIDDEN = 0.85
"""A thing of which this fraction is covered or outside has no box."""


@dataclass(frozen=True, eq=False)
class Actor:
    """One thing over time.

    Attributes:
        look: what it looks like.
        centers: (N, 2) px.
        sizes: (N,) px.
        later: what it turns into; None: it keeps its look.
        fade: (N,) 0 (its first look) to 1 (the later one).
        angles: (N,) rotation in degrees.
        gains: (N,) brightness as a factor.
    """

    look: CutOut
    centers: FloatArray
    sizes: FloatArray
    later: CutOut | None = None
    fade: FloatArray = field(default_factory=lambda: np.zeros(0))
    angles: FloatArray = field(default_factory=lambda: np.zeros(0))
    gains: FloatArray = field(default_factory=lambda: np.zeros(0))

    def patch(self, index: int) -> tuple[FloatArray, FloatArray]:
        """Return (h, w, 3) pixels and (h, w) opacity (0..1) in a frame."""
        progress = float(self.fade[index]) if self.later is not None else 0.0
        shapes = [self.look.alpha.shape, (self.later or self.look).alpha.shape]
        aspects = [shape[1] / shape[0] for shape in shapes]
        aspect = aspects[0] ** (1 - progress) * aspects[1] ** progress
        size = float(self.sizes[index])
        width, height = (max(round(size * root), 3) for root in (np.sqrt(aspect), 1 / np.sqrt(aspect)))
        pixels, alpha = _resized(self.look, width, height)
        if progress > 0 and self.later is not None:
            later, later_alpha = _resized(self.later, width, height)
            mixed = (1 - progress) * alpha + progress * later_alpha
            weight = (progress * later_alpha / np.maximum(mixed, 1e-6))[..., None]
            pixels, alpha = (1 - weight) * pixels + weight * later, mixed
        if len(self.gains):
            pixels = np.clip(self.gains[index] * pixels, 0, 255)
        return _turned(pixels, alpha, float(self.angles[index])) if len(self.angles) else (pixels, alpha)


def _resized(cut: CutOut, width: int, height: int) -> tuple[FloatArray, FloatArray]:
    pixels = cv2.resize(cut.pixels, (width, height), interpolation=cv2.INTER_AREA).astype(np.float64)
    return pixels, cv2.resize(cut.alpha, (width, height), interpolation=cv2.INTER_AREA) / 255.0


def _turned(pixels: FloatArray, alpha: FloatArray, degrees: float) -> tuple[FloatArray, FloatArray]:
    side = int(np.ceil(np.hypot(alpha.shape[0], alpha.shape[1]))) + 2
    matrix = cv2.getRotationMatrix2D((alpha.shape[1] / 2, alpha.shape[0] / 2), degrees, 1.0)
    matrix[:, 2] += (side - np.array(alpha.shape[::-1])) / 2
    turned = cv2.warpAffine(pixels, matrix, (side, side), borderMode=cv2.BORDER_REPLICATE)
    return turned, cv2.warpAffine(alpha, matrix, (side, side))


@dataclass(eq=False)
class Scene:
    """A `Sequence` of a staged clip.

    Attributes:
        actors: in the order in which they are drawn.
        target: which of them is the target.
        boards: (x, y, width, height) px of what stands before everything.
        decoys: (N, 4) px boxes of the nearest other actor that is drawn, NaN while there is none to be seen.
        places: (N, 4) px, where the target is, also while it is not seen.
    """

    name: str
    background: Image
    actors: tuple[Actor, ...]
    target: int
    boards: tuple[Box, ...] = ()
    fps: float = 30.0
    attributes: frozenset[str] = frozenset()
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        self._frames: dict[int, Image] = {}
        boxes = [[self._box(actor, index) for index in range(len(self))] for actor in self.actors]
        self.boxes = np.array([seen for seen, _ in boxes[self.target]])
        self.places = np.array([place for _, place in boxes[self.target]])
        others = [np.array([seen for seen, _ in some]) for number, some in enumerate(boxes) if number != self.target]
        self.decoys = np.full_like(self.boxes, np.nan)
        for other in others:
            free = np.isnan(self.decoys).any(axis=1)
            self.decoys[free] = other[free]

    @property
    def stamps_s(self) -> FloatArray:
        """See `Sequence`."""
        return np.arange(len(self)) / self.fps

    def __len__(self) -> int:
        return len(self.actors[0].centers)

    def frame(self, index: int) -> Image:
        """See `Sequence`."""
        if index not in self._frames:
            picture = self.background.copy()
            for actor in self.actors:
                pixels, alpha = actor.patch(index)
                _paste(picture, pixels, alpha, _corner(actor, index, alpha))
            for board in self.boards:
                _draw_board(picture, board)
            self._frames[index] = picture
        return self._frames[index]

    def _box(self, actor: Actor, index: int) -> tuple[Box, Box]:
        """Return the box of an actor as it is seen (NaN if hidden), and where it is."""
        alpha = actor.patch(index)[1]
        x, y = _corner(actor, index, alpha)
        left, top, width, height = cv2.boundingRect((alpha > 0.5).astype(np.uint8))
        place = np.array([x + left, y + top, width, height], dtype=np.float64)
        low = np.maximum(place[:2], 0)
        high = np.minimum(place[:2] + place[2:], self.background.shape[1::-1])
        inside = np.prod(np.maximum(high - low, 0)) / (width * height)
        covered = max((_covered_fraction(place, board) for board in self.boards), default=0.0)
        seen = np.concatenate([low, high - low])
        return (seen if inside > 1 - HIDDEN and covered < HIDDEN else np.full(4, np.nan)), place


def _corner(actor: Actor, index: int, alpha: FloatArray) -> tuple[int, int]:
    x, y = actor.centers[index] - np.array(alpha.shape[::-1]) / 2
    return round(float(x)), round(float(y))


def _paste(picture: Image, pixels: FloatArray, alpha: FloatArray, corner: tuple[int, int]) -> None:
    x, y = corner
    left, top = max(x, 0), max(y, 0)
    right, bottom = min(x + alpha.shape[1], picture.shape[1]), min(y + alpha.shape[0], picture.shape[0])
    if right <= left or bottom <= top:
        return
    weight = alpha[top - y : bottom - y, left - x : right - x, None]
    region = picture[top:bottom, left:right]
    mixed = region + weight * (pixels[top - y : bottom - y, left - x : right - x] - region)
    picture[top:bottom, left:right] = np.clip(mixed.round(), 0, 255).astype(np.uint8)


def _draw_board(picture: Image, board: Box) -> None:
    x, y, width, height = np.round(board).astype(int)
    rows, columns = slice(max(y, 0), y + height), slice(max(x, 0), x + width)
    shape = picture[rows, columns].shape
    if shape[0] and shape[1]:
        grain = np.random.default_rng(0).normal(0, 10, (1, shape[1], 1)) + np.array([70.0, 105.0, 140.0])
        picture[rows, columns] = np.clip(np.broadcast_to(grain, shape), 0, 255).astype(np.uint8)


def _covered_fraction(place: Box, board: Box) -> float:
    low = np.maximum(place[:2], board[:2])
    high = np.minimum(place[:2] + place[2:], board[:2] + board[2:])
    return float(np.prod(np.maximum(high - low, 0)) / np.prod(place[2:]))


def backdrop(image: Image) -> Image:
    """Return the middle of a picture at the size of the staged ones."""
    scale = max(WIDTH / image.shape[1], HEIGHT / image.shape[0])
    size = max(round(image.shape[1] * scale), WIDTH), max(round(image.shape[0] * scale), HEIGHT)
    resized = cv2.resize(image, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    x, y = (resized.shape[1] - WIDTH) // 2, (resized.shape[0] - HEIGHT) // 2
    return np.asarray(resized[y : y + HEIGHT, x : x + WIDTH], dtype=np.uint8)


@dataclass(frozen=True, eq=False)
class Cast:
    """What a staged clip is made of.

    Attributes:
        target: the target's look.
        other: the look of another thing.
        background: (HEIGHT, WIDTH, 3) uint8 BGR.
    """

    target: CutOut
    other: CutOut
    background: Image


CENTER = np.array([WIDTH, HEIGHT]) / 2


def _line(start: FloatArray, step: FloatArray, count: int) -> FloatArray:
    """Return (count, 2) px along a line, from a place and a step in target sizes relative to the picture's center."""
    return np.asarray(CENTER + SIZE_PX * (start + np.arange(count)[:, None] * step))


def _shaken(rng: Rng, centers: FloatArray, sizes: float = 0.03) -> FloatArray:
    """Return the path with a smooth wobble of its own."""
    noise = rng.normal(size=centers.shape).cumsum(axis=0)
    noise -= np.linspace(noise[0], noise[-1], len(noise))
    return np.asarray(centers + SIZE_PX * sizes * noise)


def twins(rng: Rng, cast: Cast, name: str, variant: str) -> Scene:
    """Stage one cut-out twice, the two crossing in the open or behind a board: only motion tells them apart."""
    count = 24
    heading = rng.choice([-1.0, 1.0])
    speed = rng.uniform(0.16, 0.22)
    tilt = rng.uniform(-0.12, 0.12)
    step = np.array([heading * speed, tilt * speed])
    offset = np.array([0.0, rng.choice([-1.0, 1.0]) * rng.uniform(0.05, 0.4)])
    paths = [_line(-step * (count - 1) / 2 + sign * offset / 2, step, count) for sign in (1, -1)]
    paths[1] = paths[1][::-1]
    sizes = np.full(count, SIZE_PX)
    actors = [Actor(cast.target, _shaken(rng, path), sizes) for path in paths]
    boards: tuple[Box, ...] = ()
    if variant == "behind a board":
        width = rng.uniform(1.2, 1.7) * SIZE_PX
        boards = (np.array([CENTER[0] - width / 2, 0.0, width, HEIGHT]),)
    first = int(rng.integers(2))
    return Scene(name, cast.background, (actors[first], actors[1 - first]), first, boards)


def metamorphosis(rng: Rng, cast: Cast, name: str, variant: str) -> Scene:
    """Stage a look that fades into another, while a thing with the first look comes near."""
    count, begin, end = 40, 4, 34
    angle = rng.uniform(0, 2 * np.pi)
    step = rng.uniform(0.03, 0.08) * np.array([np.cos(angle), np.sin(angle)])
    path = _shaken(rng, _line(-step * count / 2, step, count))
    fade = np.clip((np.arange(count) - begin) / (end - begin), 0, 1)
    side = rng.uniform(0, 2 * np.pi)
    direction = np.array([np.cos(side), np.sin(side)])
    away = np.clip(np.linspace(4.5, 1.0, count), 1.5, None)
    near = path + SIZE_PX * away[:, None] * direction
    sizes = np.full(count, SIZE_PX)
    target = Actor(cast.target, path, sizes, cast.other, fade)
    return Scene(name, cast.background, (Actor(cast.target, near, sizes), target), 1)


def fast(rng: Rng, cast: Cast, name: str, variant: str) -> Scene:
    """Stage a target that moves 0.6 to 1.2 sizes per frame along a curve, past a thing of another look."""
    count = 16
    speed = rng.uniform(0.6, 1.2)
    radius = rng.uniform(1.5, 2.2)
    turn = rng.choice([-1.0, 1.0]) * speed / radius
    phase = rng.uniform(0, 2 * np.pi)
    # The first frames speed up: nothing announces a target that moves at full speed at once.
    angles = phase + turn * np.cumsum(np.clip(np.arange(count) / 4, 0, 1))
    circle = CENTER + SIZE_PX * radius * np.stack((np.cos(angles), 0.8 * np.sin(angles)), axis=1)
    other = np.tile(CENTER + SIZE_PX * rng.uniform(-0.5, 0.5, 2), (count, 1))
    sizes = np.full(count, 0.75 * SIZE_PX)
    return Scene(name, cast.background, (Actor(cast.other, other, sizes), Actor(cast.target, circle, sizes)), 1)


RETURN_FPS = 15.0
RETURN_AWAY = (9, 17)
"""Frames in which the target of `comeback` is out of the picture."""


def comeback(rng: Rng, cast: Cast, name: str, variant: str) -> Scene:
    """Stage a target that leaves the picture and comes back elsewhere, while a look-alike stays.

    At 15 frames per second; it comes back as it was, turned, nearer or in another light.
    """
    begin, end, count = *RETURN_AWAY, RETURN_AWAY[1] + 18
    edge = int(rng.integers(4))
    outward = np.array([[-1, 0], [1, 0], [0, -1], [0, 1]], dtype=np.float64)[edge]
    reach = np.abs(outward) @ np.array([WIDTH, HEIGHT]) / 2 + 0.8 * SIZE_PX
    along = rng.uniform(-0.3, 0.3) * np.abs(outward[::-1]) * np.array([WIDTH, HEIGHT])
    start = CENTER + along + 0.35 * outward * reach
    out = CENTER + along + outward * reach
    back = {"same side": outward, "other side": -outward}.get(variant.split(", ")[1], outward)
    place = CENTER + rng.uniform(-0.3, 0.3) * np.abs(outward[::-1]) * np.array([WIDTH, HEIGHT])
    inside, outside = place + back * 0.35 * reach, place + back * reach
    path = np.empty((count, 2))
    path[:begin] = np.linspace(start, out, begin)
    path[begin:end] = outside
    path[end:] = inside
    path[end - 1 : end + 5] = np.linspace(outside, inside, 6)
    inward = -np.sign(along) if np.abs(along).max() > 0 else np.abs(outward[::-1])
    beside = start + inward * 1.7 * SIZE_PX
    later = np.arange(count) >= begin
    look = variant.split(", ")[0]
    target = Actor(
        cast.target,
        path,
        np.where(later & (look == "nearer"), 1.4, 1.0) * SIZE_PX,
        angles=np.where(later & (look == "turned"), rng.choice([-1.0, 1.0]) * 25.0, 0.0),
        gains=np.where(later & (look == "other light"), rng.choice([0.6, 1.5]), 1.0),
    )
    decoy = Actor(cast.other, np.tile(beside, (count, 1)), np.full(count, SIZE_PX))
    return Scene(name, cast.background, (decoy, target), 1, fps=RETURN_FPS)


@dataclass(frozen=True)
class Kind:
    """A kind of staged clip.

    Attributes:
        stage: makes one.
        variants: what is drawn from.
        alike: the other thing is the most alike of the bank, rather than any.
    """

    stage: Callable[[Rng, Cast, str, str], Scene]
    variants: Sequence[str]
    alike: bool = False


KINDS: dict[str, Kind] = {
    "twins": Kind(twins, ("in the open", "behind a board")),
    "metamorphosis": Kind(metamorphosis, ("",)),
    "fast": Kind(fast, ("",), alike=True),
    "return": Kind(
        comeback,
        tuple(
            f"{look}, {side} side"
            for look in ("as it was", "turned", "nearer", "other light")
            for side in ("same", "other")
        ),
        alike=True,
    ),
}
