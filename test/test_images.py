# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Image messages' bytes to BGR, held against hand-made pixels."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from encoded_images import full_scale

from stdtrack_ros.errors import InputError
from stdtrack_ros.images import ENCODINGS, decode_compressed, decode_raw, decode_still, three_channels

BGR = np.array([[[10, 20, 30], [40, 50, 60]], [[70, 80, 90], [100, 110, 120]]], dtype=np.uint8)


def read(pixels: np.ndarray, encoding: str, pad: int = 0, bigendian: bool = False) -> np.ndarray:
    height, width = pixels.shape[:2]
    rows = np.ascontiguousarray(pixels).reshape(height, -1).view(np.uint8)
    padded = np.pad(rows, ((0, 0), (0, pad)), constant_values=255)
    return full_scale(decode_raw(padded.tobytes(), encoding, width, height, padded.shape[1], bigendian))


@pytest.mark.parametrize("pad", [0, 1, 7])
def test_colour_orders(pad: int) -> None:
    alpha = np.full((2, 2, 1), 9, dtype=np.uint8)
    np.testing.assert_array_equal(read(BGR, "bgr8", pad), BGR)
    np.testing.assert_array_equal(read(BGR, "8UC3", pad), BGR)
    np.testing.assert_array_equal(read(BGR[..., ::-1], "rgb8", pad), BGR)
    np.testing.assert_array_equal(read(np.concatenate([BGR, alpha], axis=2), "bgra8", pad), BGR)
    np.testing.assert_array_equal(read(np.concatenate([BGR[..., ::-1], alpha], axis=2), "rgba8", pad), BGR)


@pytest.mark.parametrize("encoding", ["mono8", "8UC1"])
def test_grey_becomes_three_equal_channels(encoding: str) -> None:
    grey = read(BGR[..., 0], encoding, pad=3)
    np.testing.assert_array_equal(grey, np.repeat(BGR[..., :1], 3, axis=2))


def test_big_endian_is_turned() -> None:
    wide = BGR.astype(np.uint16) * 257
    turned = read(wide.byteswap(), "bgr16", bigendian=True)
    np.testing.assert_array_equal(turned, read(wide, "bgr16"))


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("pattern", ["rggb", "bggr", "gbrg", "grbg"])
def test_bayer_mosaic_of_one_colour(pattern: str, bits: int) -> None:
    levels = {"r": 200, "g": 120, "b": 40}
    tile = np.array([levels[letter] for letter in pattern], dtype=f"u{bits // 8}").reshape(2, 2) * (
        257 if bits == 16 else 1
    )
    image = read(np.tile(tile, (6, 6)), f"bayer_{pattern}{bits}")
    np.testing.assert_allclose(image, np.broadcast_to([40, 120, 200], (12, 12, 3)), atol=1)


@pytest.mark.parametrize(
    ("encoding", "order"),
    [
        ("uyvy", (90, 81, 240, 81)),
        ("yuv422", (90, 81, 240, 81)),
        ("yuyv", (81, 90, 81, 240)),
        ("yuv422_yuy2", (81, 90, 81, 240)),
    ],
)
def test_half_width_colour(encoding: str, order: tuple[int, ...]) -> None:
    pixels = np.tile(np.array(order, dtype=np.uint8), (4, 3)).reshape(4, 6, 2)  # the BT.601 code of pure red
    np.testing.assert_allclose(read(pixels, encoding, pad=5), np.broadcast_to([0, 0, 255], (4, 6, 3)), atol=3)


def test_every_encoding_gives_grey_or_bgr_pixels_of_its_own_depth() -> None:
    for encoding, kind in ENCODINGS.items():
        depth = np.uint8 if kind.dtype == "u1" else np.uint16
        pixels = np.zeros((int(4 * kind.rows), 6, kind.channels), dtype=depth)
        image = decode_raw(pixels.tobytes(), encoding, 6, 4, 6 * kind.channels * depth().itemsize)
        grey = kind.channels == 1 and not kind.target
        assert (image.shape, image.dtype) == ((4, 6) if grey else (4, 6, 3), depth), encoding
        assert (three_channels(image).shape, three_channels(image).dtype) == ((4, 6, 3), depth), encoding


@pytest.mark.parametrize("encoding", ["nv12", "nv21"])
def test_half_height_colour_planes(encoding: str) -> None:
    luma = np.full((4, 6), 81, dtype=np.uint8)
    chroma = np.tile(np.array([90, 240] if encoding == "nv12" else [240, 90], dtype=np.uint8), (2, 3))
    planes = np.concatenate([luma, chroma])  # the BT.601 code of pure red
    image = decode_raw(planes.tobytes(), encoding, 6, 4, 6)
    assert image.shape == (4, 6, 3)
    np.testing.assert_allclose(image[0, 0], [0, 0, 255], atol=3)


@pytest.mark.parametrize(
    ("encoding", "width", "height", "step", "size", "match"),
    [
        ("sepia", 2, 2, 6, 12, "'sepia' cannot be read; it may be one of .*bgr8"),
        ("", 2, 2, 6, 12, "'' cannot be read"),
        ("bgr8", 0, 2, 6, 12, r"The image is empty \(0x2 px\)"),
        ("bgr8", 2, 2, 5, 12, "needs rows of 6 bytes or more and 2 rows; found a step of 5 and 12 bytes"),
        ("bgr8", 2, 2, 6, 11, "found a step of 6 and 11 bytes"),
        ("nv12", 2, 2, 2, 4, "3 rows; found a step of 2 and 4 bytes"),
        ("yuv422", 3, 2, 6, 12, "cannot be converted to BGR"),
    ],
)
def test_fields_that_do_not_fit(encoding: str, width: int, height: int, step: int, size: int, match: str) -> None:
    with pytest.raises(InputError, match=match):
        decode_raw(bytes(size), encoding, width, height, step)


def test_compressed_png_is_exact_and_jpeg_near() -> None:
    png = cv2.imencode(".png", BGR)[1].tobytes()
    np.testing.assert_array_equal(decode_compressed(png, "bgr8; png compressed bgr8"), BGR)
    smooth = np.full((16, 16, 3), (30, 90, 150), dtype=np.uint8)
    jpeg = cv2.imencode(".jpg", smooth)[1].tobytes()
    np.testing.assert_allclose(decode_compressed(jpeg, "jpeg"), smooth, atol=3)


def test_grey_jpeg_has_three_channels() -> None:
    jpeg = cv2.imencode(".jpg", np.full((16, 16), 90, dtype=np.uint8))[1].tobytes()
    assert decode_compressed(jpeg, "mono8; jpeg compressed mono8").shape == (16, 16, 3)


@pytest.mark.parametrize("keep", [0, 3, 200, -3])
def test_a_jpeg_cut_off_is_refused_and_never_filled_with_grey(keep: int) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (48, 64, 3), dtype=np.uint8)
    data = cv2.imencode(".jpg", noise)[1].tobytes()[:keep]
    assert decode_still(np.frombuffer(data, dtype=np.uint8)) is None
    with pytest.raises(InputError, match=r"The compressed image \('jpeg', \d+ bytes\) is cut off, or no JPEG or PNG"):
        decode_compressed(data, "jpeg")


def test_an_image_of_floating_point_numbers_is_named() -> None:
    tiff = cv2.imencode(".tif", np.zeros((4, 6), np.float32))[1]
    with pytest.raises(InputError, match=r"8 or 16 bits per channel .*found float32"):
        decode_still(tiff)


def test_bytes_after_a_jpeg_are_padding() -> None:
    data = cv2.imencode(".jpg", np.full((16, 16, 3), 90, dtype=np.uint8))[1].tobytes()
    assert decode_compressed(data + bytes(100), "jpeg").shape == (16, 16, 3)


def test_depth_is_told() -> None:
    with pytest.raises(InputError, match="'16UC1; compressedDepth', which is depth"):
        decode_compressed(bytes(20), "16UC1; compressedDepth")


def _photo(height: int = 120, width: int = 160) -> np.ndarray:
    noise = np.random.default_rng(3).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return cv2.GaussianBlur(noise, (0, 0), 2)


def _with_thumbnail(jpeg: bytes) -> bytes:
    """Put a whole JPEG, end mark and all, into a segment in front of the picture, as EXIF does."""
    thumbnail = cv2.imencode(".jpg", _photo(24, 32))[1].tobytes()
    return jpeg[:2] + b"\xff\xe1" + (len(thumbnail) + 2).to_bytes(2, "big") + thumbnail + jpeg[2:]


@pytest.mark.parametrize(
    "behind", [bytes(5000), bytes(160 * 120 * 2), b"\x00\x00\x00\x18ftypmp42" + bytes(range(200)) * 300]
)
@pytest.mark.parametrize("thumbnail", [False, True])
def test_what_lies_behind_a_jpeg_does_not_matter(behind: bytes, thumbnail: bool) -> None:
    jpeg = cv2.imencode(".jpg", _photo())[1].tobytes()
    jpeg = _with_thumbnail(jpeg) if thumbnail else jpeg
    np.testing.assert_array_equal(decode_compressed(jpeg + behind, "jpeg"), decode_compressed(jpeg, "jpeg"))


@pytest.mark.parametrize("options", [[], [cv2.IMWRITE_JPEG_PROGRESSIVE, 1], [cv2.IMWRITE_JPEG_RST_INTERVAL, 2]])
def test_a_jpeg_is_whole_or_refused_wherever_it_is_cut(options: list[int]) -> None:
    jpeg = _with_thumbnail(cv2.imencode(".jpg", _photo(), options)[1].tobytes())
    assert decode_still(np.frombuffer(jpeg, dtype=np.uint8)) is not None
    for end in range(200, len(jpeg) - 1, 97):
        for padding in (b"", bytes(6000)):
            assert decode_still(np.frombuffer(jpeg[:end] + padding, dtype=np.uint8)) is None


def test_a_packet_of_a_video_is_no_still_image() -> None:
    with pytest.raises(InputError, match="'h264', which is a packet of a video"):
        decode_compressed(b"\x00\x00\x00\x01\x67" + bytes(40), "h264")
