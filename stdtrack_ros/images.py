# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Decoding of images: ROS image messages, JPEG and PNG bytes, and arrays, in; BGR pixels out.

The one way in for bags, image folders, the camera's topic and callers of the library. No ROS in here: messages are read
by their fields, so those of rclpy and of rosbags serve alike.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from rosbags.image import ImageError, image_to_cvimage

from stdtrack_ros.errors import InputError
from stdtrack_ros.geometry import Image, Pixels
from stdtrack_ros.intensity import IntensityRange

Bytes = bytes | bytearray | memoryview | NDArray[np.uint8]

_JPEG_START = b"\xff\xd8"
_END_OF_IMAGE = 0xD9
_FRAME_HEADERS = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_MARKER = re.compile(rb"\xff[^\x00\x01\xd0-\xd8\xff]")
"""A JPEG marker with a length behind it, or the end mark: no stuffed byte, no fill byte, no restart marker."""
_READ = {
    1: cv2.IMREAD_COLOR | cv2.IMREAD_ANYDEPTH,
    2: cv2.IMREAD_REDUCED_COLOR_2,
    4: cv2.IMREAD_REDUCED_COLOR_4,
    8: cv2.IMREAD_REDUCED_COLOR_8,
}
"""How OpenCV reads an image, by reduction."""


@dataclass(frozen=True, slots=True)
class Encoding:
    """How the pixels of one `sensor_msgs/Image` encoding lie in memory.

    Attributes:
        dtype: of one channel, "u1" or "u2".
        channels: numbers per pixel.
        target: the encoding to convert to; empty if the pixels are BGR, BGRA or grey already.
        rows: rows of data per row of the image; 1.5 if a half-height plane of colour follows.
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
"""Every encoding of `sensor_msgs/Image` that can be read, by name."""


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
    """Convert by rosbags-image, which takes every row to be as long as its pixels: padding has to be gone."""
    converted: NDArray[np.generic] = image_to_cvimage(image, target or None)
    return converted


def as_pixels(image: NDArray[np.generic]) -> Pixels:
    """Check an array that a caller gives as an image, and drop an alpha channel.

    Args:
        image: (H, W), (H, W, 1), (H, W, 3) or (H, W, 4), uint8 or uint16, BGR.

    Raises:
        InputError: another shape or type, or an image without pixels.
    """
    array = np.asarray(image)
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[:, :, 0]
    if array.ndim not in (2, 3) or array.size == 0 or (array.ndim == 3 and array.shape[2] not in (3, 4)):
        raise InputError(f"An image is (H, W), (H, W, 3) or (H, W, 4) with pixels in it, found shape {array.shape}.")
    if array.dtype not in (np.uint8, np.uint16):
        raise InputError(f"An image has 8 or 16 bits per channel (uint8, uint16), found {array.dtype}.")
    if array.ndim == 3 and array.shape[2] == 4:
        array = cv2.cvtColor(array, cv2.COLOR_BGRA2BGR)  # slicing costs thirty times as much
    pixels: Pixels = array
    return pixels


def three_channels(pixels: Pixels) -> Pixels:
    """Return grey pixels as (H, W, 3) of three equal channels, of the same depth; BGR pixels as they are."""
    if pixels.ndim == 3:
        return pixels
    repeated: Pixels = cv2.cvtColor(pixels, cv2.COLOR_GRAY2BGR)
    return repeated


def to_bgr8(image: NDArray[np.generic], intensity: IntensityRange | None = None) -> Image:
    """Convert any grey, BGR or BGRA array of 8 or 16 bits to (H, W, 3) uint8 BGR.

    Args:
        image: see `as_pixels`.
        intensity: what is shown as black and as white; None: 8 bits as they are, of 16 bits what the image uses.

    Raises:
        InputError: another shape or type, or an image without pixels.
    """
    pixels = as_pixels(image)
    if intensity is None and pixels.dtype == np.uint16:
        intensity = IntensityRange.measure(pixels)
    eight = pixels if intensity is None else intensity.to_8_bits(pixels)
    if eight.ndim == 2:
        return np.asarray(cv2.cvtColor(eight, cv2.COLOR_GRAY2BGR), dtype=np.uint8)
    return np.ascontiguousarray(eight, dtype=np.uint8)


def decode_message(message: Any, convert: Converter = rosbags_converter) -> Pixels:
    """Decode a `sensor_msgs` Image or CompressedImage, of rclpy or of rosbags, to grey or BGR pixels of its own depth.

    Raises:
        InputError: the message holds no complete picture of a known encoding, with what was found and is allowed.
    """
    if hasattr(message, "format"):
        return decode_compressed(message.data, message.format)
    big_endian = bool(message.is_bigendian)
    return decode_raw(message.data, message.encoding, message.width, message.height, message.step, big_endian, convert)


def decode_raw(
    data: Bytes,
    encoding: str,
    width: int,
    height: int,
    step: int,
    is_bigendian: bool = False,
    convert: Converter = rosbags_converter,
) -> Pixels:
    """Decode the fields of a `sensor_msgs/Image` to grey or BGR pixels; rows may be padded (`step`).

    Raises:
        InputError: the encoding is unknown, or there are fewer bytes than the fields say.
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
    return as_pixels(converted)


def decode_compressed(data: Bytes, format: str, reduction: int = 1) -> Pixels:
    """Decode the fields of a `sensor_msgs/CompressedImage` to BGR pixels of its own depth.

    Args:
        reduction: see `decode_still`.

    Raises:
        InputError: the bytes are no complete JPEG, PNG or other still image that OpenCV can read.
    """
    if "compressedDepth" in format:
        raise InputError(f"The compressed image has the format '{format}', which is depth; a JPEG or PNG is needed.")
    flat = np.frombuffer(data, dtype=np.uint8)
    decoded = decode_still(flat, reduction)
    if decoded is None and any(name in format.lower() for name in ("264", "265", "hevc", "av1", "vp8", "vp9")):
        raise InputError(
            f"The compressed image has the format '{format}', which is a packet of a video and no picture of its own; "
            "a JPEG or PNG is needed here."
        )
    if decoded is None:
        raise InputError(f"The compressed image ('{format}', {flat.size} bytes) is cut off, or no JPEG or PNG.")
    return decoded


def decode_still(data: NDArray[np.uint8], reduction: int = 1) -> Pixels | None:
    """Decode an image file's (N,) bytes to (H, W, 3) BGR pixels; None if they are damaged, cut off or no image.

    The pixels stay as the sensor delivered them: an EXIF orientation does not turn them against the boxes.

    Args:
        reduction: 1, or for a JPEG 2, 4 or 8: each pixel stands for a square of so many; what remains at the right and
            lower edge counts as one more.

    Raises:
        InputError: an image of another depth than 8 or 16 bits.
    """
    if data.size < 4 or (data[:2].tobytes() == _JPEG_START and not _jpeg_is_whole(data.tobytes())):
        return None  # OpenCV would fill the missing part of a JPEG with grey and say nothing
    try:
        decoded = cv2.imdecode(data, _READ[reduction] | cv2.IMREAD_IGNORE_ORIENTATION)
        if decoded is None:  # numbers of 32 bits are read only as they are
            decoded = cv2.imdecode(data, cv2.IMREAD_UNCHANGED)
    except cv2.error:  # a header that asks for more pixels than OpenCV allows
        return None
    return None if decoded is None else as_pixels(decoded)


def jpeg_size(data: Bytes) -> tuple[int, int] | None:
    """Return width and height that a JPEG's header tells, in pixels; None if the bytes are none."""
    head = bytes(data[: len(_JPEG_START)])
    for kind, segment in _jpeg_segments(bytes(data)) if head == _JPEG_START else ():
        if kind in _FRAME_HEADERS and len(segment) >= 5:
            height, width = (int.from_bytes(segment[start : start + 2], "big") for start in (1, 3))
            return (width, height) if width and height else None
    return None


def _jpeg_is_whole(data: bytes) -> bool:
    """Tell whether a JPEG has its end mark, by its structure.

    What lies behind the end mark (the rest of a camera's buffer, the film of a phone) does not matter, nor does the end
    mark of a thumbnail inside a segment.
    """
    return any(kind == _END_OF_IMAGE for kind, _ in _jpeg_segments(data))


def _jpeg_segments(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield the second byte of each marker of a JPEG, up to the end mark, and what its segment holds."""
    place = len(_JPEG_START)
    while (marker := _MARKER.search(data, place)) is not None:
        length = int.from_bytes(data[marker.end() : marker.end() + 2], "big")
        place = marker.end() + max(length, 2)  # behind the header of a scan comes its data, without markers
        yield data[marker.start() + 1], data[marker.end() + 2 : place]
        if data[marker.start() + 1] == _END_OF_IMAGE:
            return
