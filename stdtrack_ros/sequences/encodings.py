# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Bytes of ROS image messages to BGR images. No ROS in here: bags and the node read their pictures through it alike."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from rosbags.image import ImageError, image_to_cvimage

from stdtrack_ros.errors import InputError
from stdtrack_ros.geometry import Image
from stdtrack_ros.tracker.images import to_bgr8

_JPEG_START, _JPEG_END = b"\xff\xd8", b"\xff\xd9"


@dataclass(frozen=True, slots=True)
class Encoding:
    """How the pixels of one `sensor_msgs/Image` encoding lie in memory.

    Attributes:
        dtype: of one channel, "u1" or "u2".
        channels: numbers a pixel.
        target: the encoding to convert to; empty where it is BGR, BGRA or grey already.
        rows: rows of data a row of the picture; 1.5 where a half-height plane of colour follows.
    """

    dtype: str
    channels: int
    target: str = ""
    rows: float = 1.0


def _table() -> dict[str, Encoding]:
    table = {name: Encoding("u1", 2, "bgr8") for name in ("yuv422", "uyvy", "yuv422_yuy2", "yuyv")}
    table |= {name: Encoding("u1", 1, "bgr8", 1.5) for name in ("nv12", "nv21")}
    for bits, dtype in (("8", "u1"), ("16", "u2")):
        table[f"mono{bits}"] = Encoding(dtype, 1)
        table[f"bgr{bits}"] = Encoding(dtype, 3)
        table[f"bgra{bits}"] = Encoding(dtype, 4)
        table[f"rgb{bits}"] = Encoding(dtype, 3, f"bgr{bits}")
        table[f"rgba{bits}"] = Encoding(dtype, 4, f"bgr{bits}")
        for pattern in ("rggb", "bggr", "gbrg", "grbg"):
            table[f"bayer_{pattern}{bits}"] = Encoding(dtype, 1, f"bgr{bits}")
        for channels in (1, 3, 4):
            table[f"{bits}UC{channels}"] = Encoding(dtype, channels)
    return table


ENCODINGS = _table()
"""Every encoding of `sensor_msgs/Image` that can be read, by its name."""


@dataclass(frozen=True, slots=True)
class PlainImage:
    """The fields of a `sensor_msgs/Image` without padding, as conversion libraries read them."""

    encoding: str
    width: int
    height: int
    step: int
    is_bigendian: bool
    data: NDArray[np.uint8]


Converter = Callable[[PlainImage, str], NDArray[np.generic]]
"""From an image to an array in the named encoding; an empty name leaves the pixels as they are."""


def rosbags_converter(image: PlainImage, target: str) -> NDArray[np.generic]:
    """Conversion by rosbags-image. It takes every row for as long as its pixels, so padding has to be gone."""
    converted: NDArray[np.generic] = image_to_cvimage(image, target or None)  # type: ignore[arg-type]
    return converted


def raw_to_bgr(
    data: bytes | bytearray | memoryview | NDArray[np.uint8],
    encoding: str,
    width: int,
    height: int,
    step: int,
    is_bigendian: bool = False,
    convert: Converter = rosbags_converter,
) -> Image:
    """The picture of a `sensor_msgs/Image` from its fields, (H, W, 3) uint8 BGR; rows may be padded (`step`).

    Raises:
        InputError: an encoding that is not known, or fewer bytes than the fields say.
    """
    kind = ENCODINGS.get(encoding)
    if kind is None:
        raise InputError(f"The image encoding '{encoding}' cannot be read; it may be one of {', '.join(ENCODINGS)}.")
    if width < 1 or height < 1:
        raise InputError(f"The image is empty ({width}x{height} px); publish images of at least 1x1 px.")
    rows, used = int(height * kind.rows), width * kind.channels * np.dtype(kind.dtype).itemsize
    flat = np.frombuffer(data, dtype=np.uint8)
    if step < used or flat.size < rows * step:
        raise InputError(
            f"The {encoding} image of {width}x{height} px needs rows of {used} bytes or more and {rows} rows; "
            f"found a step of {step} and {flat.size} bytes."
        )
    pixels = np.ascontiguousarray(flat[: rows * step].reshape(rows, step)[:, :used]).reshape(-1)
    try:
        converted = convert(PlainImage(encoding, width, rows, used, is_bigendian, pixels), kind.target)
    except (cv2.error, ImageError) as error:  # an odd width of a 4:2:2 image, an odd height of a 4:2:0 one
        raise InputError(f"The {encoding} image of {width}x{height} px cannot be converted to BGR.") from error
    return to_bgr8(converted)


def compressed_to_bgr(data: bytes | bytearray | memoryview | NDArray[np.uint8], format: str) -> Image:
    """The picture of a `sensor_msgs/CompressedImage` from its fields, (H, W, 3) uint8 BGR.

    Raises:
        InputError: bytes that are no complete JPEG, PNG or other still that OpenCV knows.
    """
    if "compressedDepth" in format:
        raise InputError(f"The compressed image has the format '{format}', which is depth; a JPEG or PNG is needed.")
    flat = np.frombuffer(data, dtype=np.uint8)
    decoded = decode_still(flat)
    if decoded is None:
        raise InputError(f"The compressed image ('{format}', {flat.size} bytes) is cut off, or no JPEG or PNG.")
    return decoded


def decode_still(data: NDArray[np.uint8]) -> Image | None:
    """(H, W, 3) uint8 BGR of an image file's bytes (N,); None where they are damaged, cut off or no image.

    The picture stays as the sensor saw it: an EXIF mark does not turn it against the boxes.
    """
    if data.size < 4 or (data[:2].tobytes() == _JPEG_START and data[-4096:].tobytes().rfind(_JPEG_END) < 0):
        return None  # OpenCV would fill the missing part of a JPEG with grey and say nothing
    try:
        decoded = cv2.imdecode(data, cv2.IMREAD_COLOR | cv2.IMREAD_ANYDEPTH | cv2.IMREAD_IGNORE_ORIENTATION)
    except cv2.error:  # a header that asks for more pixels than OpenCV allows
        return None
    return None if decoded is None else to_bgr8(decoded)
