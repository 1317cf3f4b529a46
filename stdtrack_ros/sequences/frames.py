# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Frames from image files, and the one rule for all sources: every frame of a sequence has the size of the first."""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from stdtrack_ros.errors import InputError, SequenceError
from stdtrack_ros.geometry import Pixels
from stdtrack_ros.images import decode_still

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".webp", ".pgm", ".ppm"})
"""Endings of the image files that are taken as frames."""


def list_images(folder: Path) -> list[Path]:
    """Return the image files of a folder in the order of the numbers in their names (`2.jpg` before `10.jpg`)."""
    if not folder.is_dir():
        return []
    found = [path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES and not path.name.startswith(".")]
    return sorted(found, key=number_key)


def number_key(path: Path) -> list[tuple[Decimal, str]]:
    """Return a key that sorts names by the numbers in them; a time such as 1699999999.25 is one number."""
    parts = re.split(r"(\d{9,10}\.\d+|\d+)", path.name)
    return [(Decimal(part), "") if part[0].isdecimal() else (Decimal(-1), part) for part in parts if part]


def stamps_in_names(images: Sequence[Path]) -> NDArray[np.int64] | None:
    """Return the (N,) ns that the names of images state, if all of them are times since 1970 and grow; else None.

    Times are seconds with a fraction (1305031102.175304.png), or whole micro- or nanoseconds (1403636579763555584.png).
    """
    stamps = []
    for path in images:
        match = re.fullmatch(r"(\d{9,10}\.\d+)|(\d{16})|(\d{19})", path.stem)
        if match is None:
            return None
        factor = (10**9, 10**3, 1)[match.lastindex - 1]  # type: ignore[operator]  # one of the three has matched
        stamps.append(int(Decimal(match[0]) * factor))
    stamps_ns = np.array(stamps, dtype=np.int64)
    return stamps_ns if len(stamps) > 1 and (np.diff(stamps_ns) > 0).all() else None


def read_image(path: Path) -> Pixels:
    """Read an image file as (H, W, 3) BGR, uint8 or uint16, as stored: no EXIF mark turns it against the boxes.

    Raises:
        SequenceError: the file is missing, damaged or no image.
    """
    try:
        data = np.fromfile(path, dtype=np.uint8)
    except OSError as error:
        raise SequenceError(f"The frame {path} cannot be read: {error.strerror or error}.") from error
    try:
        decoded = decode_still(data)
    except InputError as error:
        raise SequenceError(f"The frame {path} cannot be used. {error}") from None
    if decoded is None:
        raise SequenceError(f"The frame {path} ({data.size} bytes) is damaged, cut off or no image.")
    return decoded


class SameSize:
    """Holds all frames of a sequence to one size: boxes in pixels mean nothing across two pixel grids."""

    def __init__(self) -> None:
        self._first: tuple[int, int] | None = None

    def check(self, width: int, height: int, frame: str) -> None:
        """Compare a frame with the first one seen.

        Raises:
            SequenceError: the sizes differ; `frame` names the frame in the message.
        """
        if self._first is None:
            self._first = width, height
        elif self._first != (width, height):
            first_width, first_height = self._first
            raise SequenceError(
                f"{frame} has {width}x{height} px, the frames before it {first_width}x{first_height} px; all frames of "
                "a sequence must have one size, so cut it there."
            )
