# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A part that is converted alone equals the same part of the whole image, to the last bit."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from encoded_images import encode

from stdtrack_ros.benchmark.footage import painted_footage
from stdtrack_ros.errors import InputError
from stdtrack_ros.geometry import Crop, mean_color
from stdtrack_ros.images import ENCODINGS, decode_raw
from stdtrack_ros.raw_image import RawImage
from stdtrack_ros.settings import make_settings
from stdtrack_ros.tracker import MultiTargetTracker, load_model
from stdtrack_ros.tracker.frame_view import FrameView

CUT = [
    *(name for name in ENCODINGS if name.startswith("bayer") and name.endswith("8")),
    *("rgb8", "rgba8", "bgra8", "8UC4", "yuv422", "uyvy", "yuv422_yuy2", "yuyv", "nv12", "nv21"),
]
WIDTH, HEIGHT = 150, 106
SETTINGS = make_settings({"model.provider": "cpu", "model.threads": 1})


def noise(encoding: str, width: int = WIDTH, height: int = HEIGHT, padding: int = 5) -> tuple[bytes, int]:
    """Return bytes of random numbers and the step of their rows."""
    kind = ENCODINGS[encoding]
    step = width * kind.channels + padding
    return np.random.default_rng(7).integers(0, 256, int(height * kind.rows) * step, dtype=np.uint8).tobytes(), step


def pair(encoding: str, width: int = WIDTH, height: int = HEIGHT) -> tuple[RawImage, np.ndarray]:
    """Return an image and what it is as a whole."""
    data, step = noise(encoding, width, height)
    return RawImage(data, encoding, width, height, step), decode_raw(data, encoding, width, height, step)


def test_all_that_cost_time_are_cut() -> None:
    assert {name for name in ENCODINGS if RawImage.can_be_cut(name, WIDTH, HEIGHT)} == set(CUT)
    assert not RawImage.can_be_cut("nv12", 151, 106) and not RawImage.can_be_cut("rgb8", 6, 106)
    assert not RawImage.can_be_cut("unheard", WIDTH, HEIGHT)


@pytest.mark.parametrize("encoding", CUT)
def test_parts_equal_those_of_the_whole(encoding: str) -> None:
    _, whole = pair(encoding)
    places = [(0, 1, 0, 1), (3, 40, 5, 60), (4, 41, 8, 61), (0, 50, 0, 31), (61, 106, 99, 150), (105, 106, 149, 150)]
    for top, bottom, left, right in places:
        image, _ = pair(encoding)
        np.testing.assert_array_equal(image[top:bottom, left:right], whole[top:bottom, left:right], encoding)
    image, _ = pair(encoding)
    np.testing.assert_array_equal(image[::3, ::2], whole[::3, ::2])
    np.testing.assert_array_equal(np.asarray(image), whole)
    assert (image.shape, image.dtype, image.ndim) == (whole.shape, whole.dtype, whole.ndim)
    assert np.asarray(image, dtype=np.float32).dtype == np.float32


@pytest.mark.parametrize("encoding", CUT)
@pytest.mark.parametrize(("width", "height"), [(WIDTH, HEIGHT), (64, 48), (8, 200), (640, 62), (1920, 1080)])
def test_the_mean_colour_is_that_of_the_whole(encoding: str, width: int, height: int) -> None:
    image, whole = pair(encoding, width, height)
    assert image.mean_color() == mean_color(whole)


@pytest.mark.parametrize("encoding", CUT)
def test_windows_equal_those_of_the_whole(encoding: str) -> None:
    """Inside, over an edge, outside, enlarged and halved."""
    for crop in (Crop(70, 50, 40, 32), Crop(5, 100.3, 61.7, 48), Crop(-90, 50, 30, 16), Crop(75, 53, 300, 64)):
        image, whole = pair(encoding)
        np.testing.assert_array_equal(FrameView(image).extract(crop), FrameView(whole).extract(crop), encoding)


def test_only_the_part_is_converted() -> None:
    data, step = noise("nv12")
    sizes: list[int] = []

    def convert(image: object, target: str) -> np.ndarray:
        sizes.append(image.data.size)  # type: ignore[attr-defined]
        rows = image.height * 2 // 3  # type: ignore[attr-defined]
        return np.zeros((rows, image.width, 3), np.uint8)  # type: ignore[attr-defined]

    RawImage(data, "nv12", WIDTH, HEIGHT, step, convert)[20:40, 31:50]
    assert sizes == [20 * 20 + 20 * 10]  # one more column, at the odd end, and the plane of colours


def test_the_bytes_are_looked_at_where_they_lie() -> None:
    data, step = noise("rgb8")
    held = bytearray(data)
    image = RawImage(held, "rgb8", WIDTH, HEIGHT, step)
    held[:3] = bytes((1, 2, 3))
    assert image[:1, :1].tolist() == [[[3, 2, 1]]]


def test_bytes_that_are_missing_are_told() -> None:
    data, step = noise("yuyv")
    with pytest.raises(InputError, match="needs rows of 300 bytes or more and 106 rows"):
        RawImage(data[:-step], "yuyv", WIDTH, HEIGHT, step)
    with pytest.raises(InputError, match="found a step of 10"):
        RawImage(data, "yuyv", WIDTH, HEIGHT, 10)


def test_a_colour_of_its_own_may_fill_what_lies_outside() -> None:
    black = np.zeros((20, 20, 3), np.uint8)
    seen = Crop(-40, 10, 10, 4).extract(black, (9, 8, 7))
    assert (seen == (9, 8, 7)).all()
    assert cv2.countNonZero(Crop(10, 10, 10, 4).extract(black, (9, 8, 7))[1:3, 1:3, 0]) == 0


@pytest.mark.parametrize("encoding", ["nv12", "rgb8", "bayer_grbg8"])
def test_a_tracker_gives_the_same_boxes(encoding: str) -> None:
    """Followed, at another size, and with a low contrast that asks for the whole image's levels."""
    footage = painted_footage(320, 240, 6)
    for contrast in (1.0, 0.15):
        trackers = [MultiTargetTracker(load_model(SETTINGS), SETTINGS) for _ in range(2)]
        boxes: list[list[np.ndarray]] = [[], []]
        for number, frame in enumerate([*footage.frames, footage.frames[3][::2, ::2]]):
            dim = np.rint(frame * contrast).astype(np.uint8)
            height, width = dim.shape[:2]
            data, step = encode(dim, encoding, padding=3)
            whole = decode_raw(data, encoding, width, height, step)
            for tracker, image, found in zip(
                trackers, (whole, RawImage(data, encoding, width, height, step)), boxes, strict=True
            ):
                if number == 0:
                    tracker.initialize("one", np.asarray(image), footage.box)
                else:
                    found.append(tracker.track(image, number / 30).results["one"].box)
        np.testing.assert_array_equal(boxes[0], boxes[1])
