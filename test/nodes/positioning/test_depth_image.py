# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Depth images: both encodings of REP 118, padding, byte order, holes and broken messages."""

from __future__ import annotations

import numpy as np
import pytest
from sensor_msgs.msg import Image

from stdtrack_ros.errors import InputError
from stdtrack_ros.nodes.positioning.depth_image import metres


def message(pixels: np.ndarray, encoding: str, padding: int = 0, big: bool = False) -> Image:
    data = pixels.astype(pixels.dtype.newbyteorder(">" if big else "<"))
    rows = np.pad(np.ascontiguousarray(data).view(np.uint8).reshape(len(data), -1), ((0, 0), (0, padding)))
    return Image(
        height=len(data),
        width=data.shape[1],
        encoding=encoding,
        step=rows.shape[1],
        is_bigendian=big,
        data=rows.tobytes(),
    )


@pytest.mark.parametrize("padding", [0, 6])
@pytest.mark.parametrize("big", [False, True])
def test_millimetres_and_metres_are_read_alike(padding: int, big: bool) -> None:
    expected = np.array([[1.5, 2.25, np.nan], [0.001, 65.535, 4.0]], dtype=np.float32)
    whole = np.nan_to_num(expected * 1000, nan=0).round().astype(np.uint16)
    for pixels, encoding in ((whole, "16UC1"), (whole, "mono16"), (expected, "32FC1")):
        assert metres(message(pixels, encoding, padding, big)) == pytest.approx(expected, nan_ok=True)


def test_a_part_is_that_part() -> None:
    pixels = np.arange(1, 13, dtype=np.float32).reshape(3, 4)
    assert metres(message(pixels, "32FC1"), slice(1, 3), slice(2, 4)).tolist() == [[7, 8], [11, 12]]


def test_what_is_no_depth_is_a_hole() -> None:
    pixels = np.array([[0.0, -1.0, np.inf, -np.inf, np.nan]], dtype=np.float32)
    assert np.isnan(metres(message(pixels, "32FC1"))).all()


def test_a_colour_image_is_refused() -> None:
    with pytest.raises(InputError, match="'bgr8'; depth is 16UC1"):
        metres(Image(height=1, width=1, encoding="bgr8", step=3, data=b"abc"))


@pytest.mark.parametrize(
    ("height", "width", "step", "size"), [(2, 2, 4, 7), (2, 2, 3, 8), (0, 0, 0, 0), (1, 2**31, 4, 4)]
)
def test_a_message_that_is_cut_off_is_refused(height: int, width: int, step: int, size: int) -> None:
    with pytest.raises(InputError, match="depth image of"):
        metres(Image(height=height, width=width, encoding="16UC1", step=step, data=bytes(size)))
