# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Stills made of cut-outs and frames: objects lie where masks and boxes say, on frames of the videos to be used."""

from __future__ import annotations

import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
import typer

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))

import make_stills

from stdtrack_ros.sequences.shards.stills import open_stills

GREY, BLUE, GREEN = (90, 90, 90), (255, 0, 0), (0, 255, 0)


@pytest.fixture
def videos(tmp_path: Path) -> Path:
    for name, colour in (("free_one", GREY), ("other_one", BLUE)):
        folder = tmp_path / "videos" / name
        folder.mkdir(parents=True)
        for number in (1, 2):
            cv2.imwrite(str(folder / f"{number:08}.png"), np.full((120, 160, 3), colour, np.uint8))
        (folder / "groundtruth.txt").write_text("40,40,30,20\n" * 2)
    return tmp_path / "videos"


@pytest.fixture
def cutouts(tmp_path: Path) -> Path:
    """Write a green disc, one that is named by its code point, and images without a thing to cut out."""
    disc = np.zeros((80, 80, 4), np.uint8)
    cv2.circle(disc, (40, 40), 35, (*GREEN, 255), -1)
    opaque = np.full((80, 80, 4), 255, np.uint8)
    for name, image in (("discs/a.png", disc), ("emoji/1f7e2.png", disc), ("plain/b.png", opaque)):
        path = tmp_path / "cutouts" / name
        path.parent.mkdir(parents=True)
        cv2.imwrite(str(path), image)
    cv2.imwrite(str(tmp_path / "cutouts" / "plain" / "small.png"), disc[::4, ::4])
    cv2.imwrite(str(tmp_path / "cutouts" / "plain" / "no_alpha.png"), disc[..., :3])
    return tmp_path / "cutouts"


def test_objects_lie_where_masks_and_boxes_say_on_frames_that_may_be_used(
    tmp_path: Path, videos: Path, cutouts: Path
) -> None:
    make_stills.main(tmp_path / "out", [cutouts], [videos], ["free_*"], count=12)
    stills = open_stills(tmp_path / "out")
    assert len(stills) == 12
    assert {one.category for still in stills for one in still.objects} == {"a", "1f7e2"}
    greener = []
    for still in stills:
        pixels = still.pixels().astype(int)
        height, width = pixels.shape[:2]
        assert (width, height) == (still.width, still.height) == (300, 225)
        around = np.full((height, width), True)
        for target in still.objects:
            mask = still.mask_of(target, width, height)
            assert list(target.box) == list(cv2.boundingRect(mask))
            around &= cv2.dilate(mask, np.ones((9, 9))) == 0
            greener.append(np.median((pixels[..., 1] - pixels[..., 0])[mask > 0]))
        assert np.abs(pixels[around] - GREY).max() < 20  # the frame as it was, but for JPEG's noise
    assert len(greener) >= 12
    assert min(greener) > 4  # nine tenths of a cut-out's paint can be covered by texture
    assert max(greener) > 100


def test_the_same_seed_makes_the_same_stills(tmp_path: Path, videos: Path, cutouts: Path) -> None:
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        make_stills.main(tmp_path / name, [cutouts], [videos], None, count=3, seed=seed)
    a, b, c = ((tmp_path / name / "stills" / "00002.jpg").read_bytes() for name in "abc")
    assert a == b
    assert a != c


def test_images_without_a_thing_in_them_are_said(tmp_path: Path, videos: Path, cutouts: Path) -> None:
    with pytest.raises(typer.BadParameter, match="transparency around a thing"):
        make_stills.main(tmp_path / "out", [cutouts / "plain"], [videos], None, count=1)


def test_a_name_that_no_video_has_is_said(tmp_path: Path, videos: Path, cutouts: Path) -> None:
    with pytest.raises(typer.BadParameter, match="drone_"):
        make_stills.main(tmp_path / "out", [cutouts], [videos], ["drone_*"], count=1)
