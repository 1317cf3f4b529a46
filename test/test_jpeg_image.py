# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A JPEG decoded coarsely shows everything where the whole image does."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from stdtrack_ros.benchmark.footage import painted_footage
from stdtrack_ros.errors import InputError
from stdtrack_ros.geometry import Crop, Image, iou
from stdtrack_ros.images import decode_compressed, jpeg_size
from stdtrack_ros.jpeg_image import JpegImage
from stdtrack_ros.settings import make_settings
from stdtrack_ros.tracker import MultiTargetTracker, Tracker, load_model
from stdtrack_ros.tracker.frame_view import FrameView

SETTINGS = make_settings({"model.provider": "cpu", "model.threads": 1})


def encoded(image: NDArray[np.uint8], *options: int) -> bytes:
    """Return the image as JPEG."""
    return cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 95, *options])[1].tobytes()


def jpeg_image(data: bytes) -> JpegImage:
    """Return the lazily decoded image of a whole JPEG."""
    size = jpeg_size(data)
    assert size is not None
    return JpegImage(data, "jpeg", size)


def painted(width: int, height: int, *box: int) -> Image:
    """Return a dark image with a bright box."""
    image = np.full((height, width, 3), 20, np.uint8)
    x, y, box_width, box_height = box
    image[y : y + box_height, x : x + box_width] = 230
    return image


def rectangle(crop: Image) -> NDArray[np.float64]:
    """Return centre and size of a bright rectangle in a crop, to fractions of a pixel, by its moments."""
    light = np.clip(crop[..., 1].astype(np.float64) - 30.0, 0, None)  # without JPEG's noise in what is dark
    found = []
    for axis in (0, 1):
        profile = light.sum(axis)
        place = np.arange(len(profile)) + 0.5
        center = (profile * place).sum() / profile.sum()
        found += [center, np.sqrt(12 * (profile * (place - center) ** 2).sum() / profile.sum())]
    return np.array(found)


@pytest.mark.parametrize(("width", "height"), [(1280, 720), (1283, 725), (1279, 718)])
@pytest.mark.parametrize("side_px", [260, 516, 1028])
@pytest.mark.parametrize("grey", [False, True])
def test_a_window_shows_the_target_where_that_of_the_whole_image_does(
    width: int, height: int, side_px: float, grey: bool
) -> None:
    image = painted(width, height, 601, 303, 91, 77)
    data = encoded(image[..., 0] if grey else image)
    crop = Crop(640.3, 350.8, side_px, 128)
    coarse = jpeg_image(data)
    whole = rectangle(FrameView(decode_compressed(data, "jpeg")).extract(crop))
    reduced = rectangle(FrameView(coarse).extract(crop))
    assert coarse.at_scale(crop.scale)[1] == {260: 2, 516: 4, 1028: 8}[int(side_px)]
    np.testing.assert_allclose(reduced[::2] / crop.scale, whole[::2] / crop.scale, atol=0.5)
    x, y, box_width, box_height = crop.to_crop([601, 303, 91, 77])
    center_and_size = x + box_width / 2, box_width, y + box_height / 2, box_height
    np.testing.assert_allclose(reduced / crop.scale, np.array(center_and_size) / crop.scale, atol=0.5)


def test_the_image_ends_where_it_does() -> None:
    """A window over the lower right corner of odd sides: the border's colour begins at the same place."""
    image = np.full((405, 643, 3), 200, np.uint8)
    image[:, :300] = 0
    data, crop = encoded(image), Crop(643, 405, 300, 64)
    whole, reduced = (FrameView(view).extract(crop)[10] for view in (decode_compressed(data, "jpeg"), jpeg_image(data)))
    outside = int(whole[-1, 0])
    assert abs(int(reduced[-1, 0]) - outside) <= 2 and outside < 150
    edges = [float(np.sum(row[:, 0] > (200 + outside) / 2)) for row in (whole, reduced)]
    assert edges[0] == edges[1] == 32


@pytest.mark.parametrize(
    ("scale", "reduction", "shape"),
    [
        (2.0, 1, (201, 303, 3)),
        (0.5, 1, (201, 303, 3)),
        (0.499, 2, (101, 152, 3)),
        (0.25, 2, (101, 152, 3)),
        (0.249, 4, (51, 76, 3)),
        (0.124, 8, (26, 38, 3)),
        (0.0, 8, (26, 38, 3)),
    ],
)
def test_it_is_decoded_as_coarsely_as_the_crop_would_halve_it(
    scale: float, reduction: int, shape: tuple[int, ...]
) -> None:
    pixels, found = jpeg_image(encoded(painted(303, 201, 10, 10, 50, 50))).at_scale(scale)
    assert (found, pixels.shape) == (reduction, shape)


def test_a_finer_picture_that_is_there_serves() -> None:
    image = jpeg_image(encoded(painted(303, 201, 10, 10, 50, 50)))
    fine, _ = image.at_scale(0.4)
    assert image.at_scale(0.1)[0] is fine
    assert image.at_scale(1.0)[1] == 1


def test_as_an_array_it_is_the_whole_image() -> None:
    data = encoded(painted(303, 201, 10, 10, 50, 50))
    image, whole = jpeg_image(data), decode_compressed(data, "jpeg")
    image.at_scale(0.1)
    np.testing.assert_array_equal(np.asarray(image), whole)
    np.testing.assert_array_equal(image[20:60, 5:30], whole[20:60, 5:30])
    assert (image.shape, image.dtype, image.ndim) == (whole.shape, whole.dtype, whole.ndim)
    assert np.asarray(image, dtype=np.float32).dtype == np.float32


def _segment(marker: int, content: bytes) -> bytes:
    return bytes((0xFF, marker)) + (len(content) + 2).to_bytes(2, "big") + content


ORIENTATION_6 = b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0"
"""EXIF that asks viewers for a quarter turn."""


def test_the_size_is_that_of_the_picture() -> None:
    image = painted(303, 201, 10, 10, 50, 50)
    data, thumbnail = encoded(image), encoded(image[:40, :60])
    assert jpeg_size(data) == jpeg_size(encoded(image[..., 0])) == (303, 201)
    assert jpeg_size(encoded(image, cv2.IMWRITE_JPEG_PROGRESSIVE, 1)) == (303, 201)
    assert jpeg_size(data[:2] + _segment(0xE1, thumbnail) + data[2:]) == (303, 201)
    assert jpeg_size(cv2.imencode(".png", image)[1].tobytes()) is None
    assert jpeg_size(b"") is jpeg_size(data[:20]) is jpeg_size(_segment(0xC0, bytes(3))) is None


def test_an_exif_orientation_does_not_turn_it() -> None:
    data = encoded(painted(303, 201, 10, 10, 50, 50))
    marked = data[:2] + _segment(0xE1, ORIENTATION_6) + data[2:]
    assert cv2.imdecode(np.frombuffer(marked, np.uint8), cv2.IMREAD_COLOR).shape == (303, 201, 3)  # it is read
    for scale in (1.0, 0.4, 0.1):
        np.testing.assert_array_equal(jpeg_image(marked).at_scale(scale)[0], jpeg_image(data).at_scale(scale)[0])


def test_a_damaged_image_is_refused_and_the_target_stays() -> None:
    footage = painted_footage(640, 480, 4, side=180)
    pictures = [encoded(frame) for frame in footage.frames]
    trackers = [Tracker(load_model(SETTINGS), SETTINGS) for _ in range(2)]
    for tracker in trackers:
        tracker.initialize(decode_compressed(pictures[0], "jpeg"), footage.box, 0.0)
    with pytest.raises(InputError, match="cut off"):
        trackers[0].track(jpeg_image(pictures[1][:-100]), 1 / 30)
    tables = pictures[1].replace(b"\xff\xdb", b"\xff\xfe")  # its quantization tables are a comment now
    with pytest.raises(InputError, match="cut off, or no JPEG"):
        trackers[0].track(jpeg_image(tables), 1 / 30)
    results = [tracker.track(jpeg_image(pictures[1]), 1 / 30) for tracker in trackers]
    np.testing.assert_array_equal(results[0].box, results[1].box)
    assert results[0].frame_number == results[1].frame_number == 1


def test_without_a_target_a_damaged_image_is_refused_too() -> None:
    data = encoded(painted(303, 201, 10, 10, 50, 50))
    tracker = MultiTargetTracker(load_model(SETTINGS), SETTINGS)
    assert not tracker.track(jpeg_image(data)).results
    with pytest.raises(InputError, match="cut off"):
        tracker.track(jpeg_image(data[:-50]))


@pytest.mark.parametrize("contrast", [1.0, 0.15])
def test_a_large_target_has_nearly_the_same_box(contrast: float) -> None:
    """Also with so little contrast that the levels of the whole image are measured."""
    trackers = [MultiTargetTracker(load_model(SETTINGS), SETTINGS) for _ in range(2)]
    for number in range(2):
        frame = painted(1281, 721, 500 + 7 * number, 260, 200, 180)
        frame[290:340, 540 + 7 * number : 620 + 7 * number] = (40, 160, 90)
        data = encoded(np.rint(frame * contrast).astype(np.uint8))
        whole, lazy = decode_compressed(data, "jpeg"), jpeg_image(data)
        if number == 0:
            for tracker in trackers:
                tracker.initialize("one", whole, (500, 260, 200, 180))
            continue
        found, reduced = (
            tracker.track(image, number / 30).results["one"].box
            for tracker, image in zip(trackers, (whole, lazy), strict=True)
        )
        assert iou(reduced, found) > 0.95
        assert lazy.at_scale(0.4)[1] == (2 if contrast == 1.0 else 1)


def test_a_small_target_beside_it_has_the_whole_image_decoded_once() -> None:
    footage = painted_footage(960, 720, 3, side=160)
    trackers = [MultiTargetTracker(load_model(SETTINGS), SETTINGS) for _ in range(2)]
    boxes = {"large": footage.box, "small": footage.box + np.array([40, 40, -120, -120])}
    for number, frame in enumerate(footage.frames):
        data = encoded(frame)
        whole, lazy = decode_compressed(data, "jpeg"), jpeg_image(data)
        for tracker, image in zip(trackers, (whole, lazy), strict=True):
            if number == 0:
                for name, box in boxes.items():
                    tracker.initialize(name, whole, box)
            else:
                found = tracker.track(image, number / 30).results
                boxes = {name: result.box for name, result in found.items()} if tracker is trackers[0] else boxes
                for name, result in found.items():
                    np.testing.assert_array_equal(result.box, boxes[name])
        assert number == 0 or lazy.at_scale(0.1)[1] == 1
