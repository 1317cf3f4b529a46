# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Pictures into an MP4 that every browser plays (H.264, 4:2:0), and into a small animated GIF."""

from __future__ import annotations

import math
from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any

import cv2
import numpy as np

from stdtrack_ros.errors import SequenceError
from stdtrack_ros.geometry import Image
from stdtrack_ros.outputs import beside
from stdtrack_ros.video_packets import import_av

QUALITY_CRF = 20
"""x264's constant rate factor: smaller is better and larger; 18 looks lossless."""
GIF_COLORS = 64
SUFFIXES = (".mp4", ".m4v", ".mov", ".mkv")
"""Endings of files that hold H.264 and that players open by their ending."""
CLOCK_HZ = 90_000
MAX_GAP_S = 5.0
"""Longest time that one picture is shown: nobody waits for a hole in a recording to end."""


class VideoWriter:
    """An MP4 file, open while in a `with` statement.

    It is written beside its place and moved there at the end, also if the body fails: what was written so far is kept,
    and a file that was there before is replaced only by one with frames in it.

    Args:
        path: file to write.
        rate: frames per second of pictures that are written without stamps.

    Raises:
        InputError: PyAV is not installed.
        SequenceError: the file's ending is of no container for H.264, or the file cannot be
            written.
    """

    def __init__(self, path: Path, rate: float = 30.0) -> None:
        if path.suffix.lower() not in SUFFIXES:
            raise SequenceError(
                f"A video is written as H.264, which a file named '{path.name}' cannot hold; "
                f"name one that ends in {', '.join(SUFFIXES)}."
            )
        self.path = path
        av = import_av()
        self._frame_type = av.VideoFrame
        self._part = path.with_name(f".{path.stem}.part{path.suffix}")
        self._rate = rate
        self._stream: Any = None
        self._next = self._last = 0
        self._last_s = float("nan")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._container: Any = av.open(str(self._part), "w", options={"movflags": "faststart"})
        except (OSError, ValueError) as error:
            raise self._unwritable(error) from None

    def write(self, image: Image, stamp_s: float | None = None) -> None:
        """Append an (H, W, 3) uint8 BGR picture; all have the size of the first, less an odd last row or column.

        Args:
            image: the picture.
            stamp_s: when it is shown, in seconds of any clock; None: at the writer's rate. A gap longer than
                MAX_GAP_S is shortened.

        Raises:
            SequenceError: the picture cannot be encoded, or the disk is full.
        """
        height, width = image.shape[:2]
        # 4:2:0 has colour for pairs of pixels; a picture of one row or column is doubled.
        image = np.repeat(np.repeat(image, 2 if height == 1 else 1, axis=0), 2 if width == 1 else 1, axis=1)
        height, width = image.shape[0] // 2 * 2, image.shape[1] // 2 * 2
        try:
            if self._stream is None:
                options = {"crf": str(QUALITY_CRF), "preset": "fast"}
                rate = Fraction(self._rate).limit_denominator(1001)
                self._stream = self._container.add_stream("libx264", rate=rate, options=options)
                self._stream.width, self._stream.height, self._stream.pix_fmt = width, height, "yuv420p"
                self._stream.codec_context.time_base = Fraction(1, CLOCK_HZ)
            frame = self._frame_type.from_ndarray(np.ascontiguousarray(image[:height, :width]), format="bgr24")
            frame.time_base, frame.pts = Fraction(1, CLOCK_HZ), self._pts(stamp_s)
            self._container.mux(self._stream.encode(frame))
        except (OSError, ValueError) as error:
            raise self._unwritable(error) from None

    def _pts(self, stamp_s: float | None) -> int:
        """Return when the next picture is shown, in ticks since the first: always later than the one before."""
        if stamp_s is not None and not math.isnan(self._last_s):
            self._next = self._last + max(round(min(stamp_s - self._last_s, MAX_GAP_S) * CLOCK_HZ), 1)
        self._last, self._last_s = self._next, float("nan") if stamp_s is None else stamp_s
        self._next = self._last + round(CLOCK_HZ / self._rate)
        return self._last

    def _unwritable(self, error: Exception) -> SequenceError:
        reason = getattr(error, "strerror", None) or error
        return SequenceError(f"The video {self.path} cannot be written: {reason}; name another file.")

    def __enter__(self) -> VideoWriter:
        """Return the writer."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Write what is left, close the file and move it to its place."""
        try:
            if self._stream is not None:
                self._container.mux(self._stream.encode(None))
            self._container.close()
            if self._stream is not None:
                self._part.replace(self.path)
        except (OSError, ValueError) as failure:
            if error is None:
                raise self._unwritable(failure) from None
        finally:
            self._part.unlink(missing_ok=True)


def write_gif(path: Path, images: Iterable[Image], rate: float, width: int) -> None:
    """Write an endless GIF of (H, W, 3) uint8 BGR pictures, `width` px wide, at `rate` frames per second.

    One palette serves all frames and nothing is dithered: still parts stay still, and the file stays small.
    """
    from PIL import Image as Pillow

    pictures = []
    for image in images:
        size = width, round(image.shape[0] * width / image.shape[1])
        small = cv2.cvtColor(cv2.resize(image, size, interpolation=cv2.INTER_AREA), cv2.COLOR_BGR2RGB)
        pictures.append(Pillow.fromarray(small))
    palette = pictures[len(pictures) // 2].quantize(GIF_COLORS, method=Pillow.Quantize.MEDIANCUT)
    frames = [picture.quantize(palette=palette, dither=Pillow.Dither.NONE) for picture in pictures]
    with beside(path) as part:
        frames[0].save(
            part, save_all=True, append_images=frames[1:], duration=round(1000 / rate), loop=0, optimize=True
        )
