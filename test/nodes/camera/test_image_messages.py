# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Every encoding through every converter that is installed, with pixels worked out by hand."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from encoded_images import BLUE_GREEN_RED, HEIGHT, WIDTH, encode, flat, full_scale
from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import Header

from stdtrack_ros.errors import InputError
from stdtrack_ros.images import ENCODINGS, decode_raw, rosbags_converter
from stdtrack_ros.jpeg_image import JpegImage
from stdtrack_ros.nodes.camera.image_messages import (
    CvBridge,
    cv_bridge_converter,
    decode_image,
    jpeg_message,
    raw_message,
    view_image,
)

CONVERTERS = [
    pytest.param(rosbags_converter, id="rosbags-image"),
    pytest.param(
        cv_bridge_converter,
        id="cv_bridge",
        marks=pytest.mark.skipif(CvBridge is None, reason="cv_bridge is not installed"),
    ),
]


@pytest.mark.parametrize("convert", CONVERTERS)
@pytest.mark.parametrize("padding", [0, 13])
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_a_flat_colour_comes_out_as_it_went_in(encoding: str, padding: int, convert: object) -> None:
    data, step = encode(flat(), encoding, padding)
    image = full_scale(decode_raw(data, encoding, WIDTH, HEIGHT, step, False, convert))
    assert image.shape == (HEIGHT, WIDTH, 3) and image.dtype == np.uint8
    grey = encoding.startswith("mono") or encoding.endswith("UC1")
    expected = [round(float(np.mean(BLUE_GREEN_RED)))] * 3 if grey else BLUE_GREEN_RED
    tolerance = 4 if encoding[0] in "yun" and encoding != "8UC1" else 1  # YUV is coarser than RGB
    assert np.abs(image.astype(int) - expected).max() <= tolerance


@pytest.mark.parametrize("convert", CONVERTERS)
@pytest.mark.parametrize("encoding", ["bgr8", "rgb8", "bgra8", "rgba8", "bgr16", "rgba16", "8UC3", "16UC4"])
def test_every_pixel_keeps_its_place(encoding: str, convert: object) -> None:
    picture = np.random.default_rng(3).integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)
    data, step = encode(picture, encoding, 5)
    image = full_scale(decode_raw(data, encoding, WIDTH, HEIGHT, step, False, convert))
    assert np.abs(image.astype(int) - picture).max() <= 1


@pytest.mark.parametrize("convert", CONVERTERS)
def test_big_endian_pixels_are_turned_round(convert: object) -> None:
    data, step = encode(flat(), "mono16", 0)
    swapped = np.frombuffer(data, dtype=np.uint16).byteswap().tobytes()
    little = decode_raw(data, "mono16", WIDTH, HEIGHT, step, False, convert)
    np.testing.assert_array_equal(decode_raw(swapped, "mono16", WIDTH, HEIGHT, step, True, convert), little)


def image_message(**changes: object) -> Image:
    data, step = encode(flat(), "bgr8", 0)
    fields = {"height": HEIGHT, "width": WIDTH, "encoding": "bgr8", "step": step, "data": data}
    return Image(**(fields | changes))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"encoding": "wonder9"}, "'wonder9' cannot be read; it may be one of .*bgr8"),
        ({"encoding": ""}, "'' cannot be read"),
        ({"step": 10}, "a step of 10"),
        ({"step": 0}, "a step of 0"),
        ({"step": 2**32 - 1}, "a step of 4294967295"),
        ({"data": b""}, "0 bytes"),
        ({"data": bytes(100)}, "100 bytes"),
        ({"width": 0, "height": 0, "step": 0, "data": b""}, "empty"),
        ({"height": 2**32 - 1, "width": 2**32 - 1}, "bytes"),
        ({"encoding": "yuv422", "width": 7, "step": 14}, "cannot be converted"),
    ],
)
def test_a_broken_message_is_refused_with_what_was_found(changes: dict[str, object], words: str) -> None:
    with pytest.raises(InputError, match=words):
        decode_image(image_message(**changes))


def test_an_image_goes_to_a_message_and_back() -> None:
    picture = np.random.default_rng(1).integers(0, 256, (31, 17, 3), dtype=np.uint8)
    message = raw_message(picture, Header(frame_id="eye"))
    assert message.header.frame_id == "eye" and message.step == 51
    np.testing.assert_array_equal(decode_image(message), picture)


def test_a_part_of_an_image_goes_to_a_message() -> None:
    picture = np.random.default_rng(1).integers(0, 256, (40, 40, 3), dtype=np.uint8)[3:20, 5:30]
    np.testing.assert_array_equal(decode_image(raw_message(picture, Header())), picture)


def test_jpeg_and_png_keep_picture_and_header() -> None:
    picture = cv2.GaussianBlur(np.random.default_rng(1).integers(0, 256, (64, 64, 3), dtype=np.uint8), (9, 9), 3)
    jpeg = jpeg_message(picture, Header(frame_id="eye"), 95)
    assert jpeg.header.frame_id == "eye" and "jpeg" in jpeg.format
    assert np.abs(decode_image(jpeg).astype(int) - picture).mean() < 3
    png = CompressedImage(format="png", data=cv2.imencode(".png", picture)[1].tobytes())
    np.testing.assert_array_equal(decode_image(png), picture)


def test_a_jpeg_is_viewed_as_finely_as_it_is_looked_at() -> None:
    picture = np.full((64, 96, 3), 90, np.uint8)
    jpeg = jpeg_message(picture, Header(), 95)
    view = view_image(jpeg)
    assert isinstance(view, JpegImage) and view.shape == (64, 96, 3)
    np.testing.assert_array_equal(np.asarray(view), decode_image(jpeg))
    png = CompressedImage(format="png", data=cv2.imencode(".png", picture)[1].tobytes())
    np.testing.assert_array_equal(view_image(png), picture)


def huge_png() -> bytes:
    """Return the header of a PNG of 100,000 x 100,000 px."""
    good = cv2.imencode(".png", np.zeros((4, 4, 3), np.uint8))[1].tobytes()
    return good[:16] + (100_000).to_bytes(4, "big") * 2 + good[24:]


@pytest.mark.parametrize(
    ("format", "data"),
    [
        ("jpeg", b""),
        ("jpeg", b"\xff\xd8"),
        ("jpeg", bytes(1000)),
        ("png", b"\x89PNG\r\n\x1a\n" + bytes(50)),
        ("png", huge_png()),
        ("jpeg", bytes(cv2.imencode(".jpg", np.full((64, 64, 3), 90, np.uint8))[1][:-40])),
        (
            "png",
            bytes(cv2.imencode(".png", np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8))[1][:5000]),
        ),
        ("16UC1; compressedDepth png", bytes(100)),
    ],
)
def test_damaged_compressed_images_are_refused(format: str, data: bytes) -> None:
    with pytest.raises(InputError, match="compressed image"):
        decode_image(CompressedImage(format=format, data=data))
