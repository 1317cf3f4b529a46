#!/usr/bin/env python3
# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Makes stills to train on from cut-outs and the frames of videos, where no photographs with masks may be used.

    python tools/make_stills.py stills --cutouts CLIPART --cutouts EMOJI --videos DATA/videos_1.tar --keep 'sav_*'
    stdtrack train ... --set "data.stills=[stills]"

Cut-outs are images with transparency. Each still is a frame of a random video with one to three cut-outs on it, some of
them covered with the texture of another frame, so that their shapes show more than flat paint; the folder is in the
layout of `data.stills`. A cut-out counts less the more others lie in its folder, or start with its code point as
`1f436-1f3fd.webp` does.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from fnmatch import fnmatch
from pathlib import Path
from typing import Annotated

import cv2
import numpy as np
import typer
from numpy.typing import NDArray

from stdtrack_ros.geometry import Image
from stdtrack_ros.images import to_bgr8
from stdtrack_ros.sequences.annotated import open_annotated
from stdtrack_ros.sequences.sequence import Sequence

Rng = np.random.Generator
CutOut = tuple[Image, NDArray[np.uint8]]

SUFFIXES = {".png", ".webp"}
SIDE = 300
"""Longer side of a still, px."""
MIN_SIDE, FILL = 32, (0.15, 0.97)
"""A cut-out's shorter side is at least this (px), and its mask fills so much of its box: no lines, no rectangles."""


def main(
    out: Path,
    cutouts: Annotated[list[Path], typer.Option(help="Folder of images with transparency; may be repeated.")],
    videos: Annotated[list[Path], typer.Option(help="Annotated video, as `data.videos` takes it; may be repeated.")],
    keep: Annotated[list[str] | None, typer.Option(help="Name pattern of videos to use; may be repeated.")] = None,
    count: Annotated[int, typer.Option(min=1, help="Stills to make.")] = 3000,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the random numbers.")] = 1,
) -> None:
    """Write `count` stills with their masks and `stills_index.json` to the folder `out`."""
    cv2.setNumThreads(1)
    rng = np.random.default_rng(seed)
    sequences = _by_source([one for path in videos for one in open_annotated(path) if _kept(one.name, keep)])
    groups = _grouped(cutouts)
    if not sequences:
        raise typer.BadParameter(f"No video has a name like {', '.join(keep or [])}; without --keep, all are used.")
    print(f"{sum(map(len, groups.values()))} images in {len(groups)} groups, {len(sequences)} videos")
    folder = out / "stills"
    folder.mkdir(parents=True, exist_ok=True)
    index = [_make_still(rng, groups, sequences, folder, f"{number:05}") for number in range(count)]
    (out / "stills_index.json").write_text(json.dumps(index))


def _kept(name: str, patterns: list[str] | None) -> bool:
    return not patterns or any(fnmatch(name, pattern) for pattern in patterns)


def _by_source(sequences: list[Sequence]) -> list[list[Sequence]]:
    """Group the tracks of a video, as far as the first two parts of their names tell."""
    groups: dict[str, list[Sequence]] = defaultdict(list)
    for sequence in sequences:
        groups["_".join(sequence.name.split("_")[:2])].append(sequence)
    return list(groups.values())


def _grouped(folders: list[Path]) -> dict[str, list[Path]]:
    groups: dict[str, list[Path]] = defaultdict(list)
    for file in sorted(file for folder in folders for file in folder.rglob("*") if file.suffix in SUFFIXES):
        codepoint = re.match(r"[0-9a-f]{4,5}(?=[-.])", file.name)
        groups[codepoint[0] if codepoint else str(file.parent)].append(file)
    return groups


def _make_still(
    rng: Rng, groups: dict[str, list[Path]], sequences: list[list[Sequence]], folder: Path, name: str
) -> dict[str, object]:
    picture = _any_frame(rng, sequences)
    labels = np.zeros(picture.shape[:2], np.uint8)
    names: dict[int, str] = {}
    for number in range(1, int(rng.integers(2, 5))):
        file, (pixels, alpha) = _any_cutout(rng, groups)
        if rng.random() < 0.5:
            pixels = _textured(rng, pixels, _any_frame(rng, sequences))
        if _paste(rng, picture, labels, pixels, alpha, number):
            names[number] = file.stem
    picture = cv2.GaussianBlur(picture, (0, 0), rng.uniform(0.3, 0.9))
    objects = []
    for number, cutout in names.items():
        x, y, w, h = cv2.boundingRect((labels == number).astype(np.uint8))
        if w * h > 0:
            objects.append({"id": number, "bbox": [x, y, w, h], "cls": cutout})
    cv2.imwrite(str(folder / f"{name}.jpg"), picture, [cv2.IMWRITE_JPEG_QUALITY, 90])
    cv2.imwrite(str(folder / f"{name}.png"), labels)
    height, width = labels.shape
    return {"image": f"{name}.jpg", "mask": f"{name}.png", "width": width, "height": height, "objects": objects}


def _any_frame(rng: Rng, sequences: list[list[Sequence]]) -> Image:
    """Return a frame of a random video, its longer side `SIDE` px, sometimes mirrored."""
    tracks = sequences[int(rng.integers(len(sequences)))]
    sequence = tracks[int(rng.integers(len(tracks)))]
    frame = to_bgr8(sequence.frame(int(rng.integers(len(sequence)))))
    scale = SIDE / max(frame.shape[:2])
    frame = cv2.resize(frame, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    return np.ascontiguousarray(frame[:, ::-1] if rng.random() < 0.5 else frame)


def _any_cutout(rng: Rng, groups: dict[str, list[Path]]) -> tuple[Path, CutOut]:
    """Return a file and its cut-out; files without one are dropped from `groups`.

    A group counts by the root of its number of files.
    """
    while groups:
        names = list(groups)
        weights = np.sqrt([len(groups[name]) for name in names])
        name = names[int(rng.choice(len(names), p=weights / weights.sum()))]
        file = groups[name][int(rng.integers(len(groups[name])))]
        cutout = _read_cutout(file)
        if cutout is not None:
            return file, cutout
        groups[name].remove(file)
        if not groups[name]:
            del groups[name]
    raise typer.BadParameter(
        f"None of the images is a cut-out: they need transparency around a thing of at least {MIN_SIDE} px."
    )


def _read_cutout(file: Path) -> CutOut | None:
    """Read (h, w, 3) uint8 BGR and (h, w) uint8 alpha, cropped to the thing; None if there is none with an outline."""
    image = cv2.imread(str(file), cv2.IMREAD_UNCHANGED)
    if image is None or image.ndim != 3 or image.shape[2] != 4 or image.dtype != np.uint8:
        return None
    x, y, w, h = cv2.boundingRect((image[..., 3] > 127).astype(np.uint8))
    image = image[y : y + h, x : x + w]
    if min(w, h) < MIN_SIDE or not FILL[0] < float((image[..., 3] > 127).mean()) < FILL[1]:
        return None
    scale = min(SIDE / max(w, h), 1.0)
    image = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    return image[..., :3], np.ascontiguousarray(image[..., 3])


def _textured(rng: Rng, pixels: Image, frame: Image) -> Image:
    """Mix a piece of a frame into the pixels, so that the surface is that of something seen."""
    side = int(rng.uniform(0.2, 0.6) * min(frame.shape[:2]))
    y, x = (int(rng.integers(0, size - side + 1)) for size in frame.shape[:2])
    piece = cv2.resize(frame[y : y + side, x : x + side], pixels.shape[1::-1], interpolation=cv2.INTER_LINEAR)
    share = float(rng.uniform(0.2, 0.9))
    return cv2.addWeighted(pixels, 1.0 - share, piece, share, 0.0)


def _paste(
    rng: Rng, picture: Image, labels: NDArray[np.uint8], pixels: Image, alpha: NDArray[np.uint8], number: int
) -> bool:
    """Paste a cut-out somewhere, in its light; False, and nothing done, if most of another one would be covered."""
    height, width = picture.shape[:2]
    size = float(np.exp(rng.uniform(np.log(0.15), np.log(0.5)))) * min(height, width)
    h, w = alpha.shape
    scale = size / np.sqrt(w * h)
    turn = cv2.getRotationMatrix2D((w / 2, h / 2), float(rng.normal(0.0, 12.0)), scale)
    turn[:, 2] += np.array([rng.uniform(0.1, 0.9) * width - w / 2, rng.uniform(0.1, 0.9) * height - h / 2])
    if scale < 1.0:  # a warp alone would alias
        pixels, alpha = (cv2.GaussianBlur(one, (0, 0), 0.4 / scale) for one in (pixels, alpha))
    over = cv2.warpAffine(pixels, turn, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    mask = cv2.warpAffine(alpha, turn, (width, height), flags=cv2.INTER_LINEAR)
    covered = labels[mask > 127]
    if len(covered) == 0 or np.count_nonzero(covered) > 0.3 * len(covered):
        return False
    gain, offset = rng.uniform(0.6, 1.15), rng.uniform(-15.0, 25.0)
    over = np.clip(over * gain + offset, 0, 255)
    share = mask[..., None] / np.float32(255)
    picture[:] = (over * share + picture * (1.0 - share)).astype(np.uint8)
    labels[mask > 127] = number
    return True


if __name__ == "__main__":
    typer.run(main)
