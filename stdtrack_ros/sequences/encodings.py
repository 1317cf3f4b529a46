# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Bytes of ROS image messages to BGR images. No ROS in here: bags and the node read their pictures through it alike."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

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
        conversion: OpenCV's code to BGR; None where it is BGR, BGRA or grey already.
        rows: rows of data a row of the picture; 1.5 where a half-height plane of colour follows.
    """

    dtype: str
    channels: int
    conversion: int | None = None
    rows: float = 1.0


def _table() -> dict[str, Encoding]:
    table = {
        "yuv422": Encoding("u1", 2, cv2.COLOR_YUV2BGR_UYVY),
        "uyvy": Encoding("u1", 2, cv2.COLOR_YUV2BGR_UYVY),
        "yuv422_yuy2": Encoding("u1", 2, cv2.COLOR_YUV2BGR_YUYV),
        "yuyv": Encoding("u1", 2, cv2.COLOR_YUV2BGR_YUYV),
        "nv12": Encoding("u1", 1, cv2.COLOR_YUV2BGR_NV12, 1.5),
        "nv21": Encoding("u1", 1, cv2.COLOR_YUV2BGR_NV21, 1.5),
    }
    # OpenCV names a Bayer pattern by its second row, ROS by its first: hence the other letters.
    bayer = {"rggb": "BG", "bggr": "RG", "gbrg": "GR", "grbg": "GB"}
    for bits, dtype in (("8", "u1"), ("16", "u2")):
        table[f"mono{bits}"] = Encoding(dtype, 1)
        table[f"bgr{bits}"] = Encoding(dtype, 3)
        table[f"bgra{bits}"] = Encoding(dtype, 4)
        table[f"rgb{bits}"] = Encoding(dtype, 3, cv2.COLOR_RGB2BGR)
        table[f"rgba{bits}"] = Encoding(dtype, 4, cv2.COLOR_RGBA2BGR)
        for pattern, letters in bayer.items():
            table[f"bayer_{pattern}{bits}"] = Encoding(dtype, 1, getattr(cv2, f"COLOR_Bayer{letters}2BGR"))
        for channels in (1, 3, 4):
            table[f"{bits}UC{channels}"] = Encoding(dtype, channels)
    return table


ENCODINGS = _table()
"""Every encoding of `sensor_msgs/Image` that can be read, by its name."""


def raw_to_bgr(
    data: bytes | bytearray | memoryview | NDArray[np.uint8],
    encoding: str,
    width: int,
    height: int,
    step: int,
    is_bigendian: bool = False,
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
    dtype = np.dtype(kind.dtype).newbyteorder(">" if is_bigendian else "<")
    rows, used = int(height * kind.rows), width * kind.channels * dtype.itemsize
    flat = np.frombuffer(data, dtype=np.uint8)
    if step < used or flat.size < rows * step:
        raise InputError(
            f"The {encoding} image of {width}x{height} px needs rows of {used} bytes or more and {rows} rows; "
            f"found a step of {step} and {flat.size} bytes."
        )
    lines = np.ascontiguousarray(flat[: rows * step].reshape(rows, step)[:, :used]).view(dtype)
    pixels = lines.astype(dtype.newbyteorder("="), copy=False)
    if kind.channels > 1:
        pixels = pixels.reshape(rows, width, kind.channels)
    return to_bgr8(_convert(pixels, kind.conversion, encoding))


def _convert(pixels: NDArray[np.generic], conversion: int | None, encoding: str) -> NDArray[np.generic]:
    if conversion is None:
        return pixels
    try:
        converted: NDArray[np.generic] = cv2.cvtColor(pixels, conversion)
    except cv2.error as error:  # an odd width of a 4:2:2 image, an odd height of a 4:2:0 one
        height, width = pixels.shape[:2]
        raise InputError(
            f"The {encoding} image with {height} rows of {width} px cannot be converted to BGR."
        ) from error
    return converted


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
    decoded = cv2.imdecode(data, cv2.IMREAD_COLOR | cv2.IMREAD_ANYDEPTH | cv2.IMREAD_IGNORE_ORIENTATION)
    return None if decoded is None else to_bgr8(decoded)
