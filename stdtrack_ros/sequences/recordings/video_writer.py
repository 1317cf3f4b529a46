# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Pictures into an MP4 that every browser plays (H.264, 4:2:0), and into a small animated GIF."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any

import cv2
import numpy as np

from stdtrack_ros.errors import SequenceError
from stdtrack_ros.geometry import Image

QUALITY_CRF = 20
"""x264's constant rate factor: smaller is better and larger; 18 looks lossless."""
GIF_COLORS = 64


class VideoWriter:
    """An MP4 file, open while in a `with` statement.

    Args:
        path: file to write; one that exists is replaced.
        rate: frames a second.

    Raises:
        SequenceError: PyAV is not installed, or the file cannot be written.
    """

    def __init__(self, path: Path, rate: float) -> None:
        try:
            import av
        except ImportError:
            raise SequenceError("Writing a video needs PyAV, which is not installed: pip install av.") from None
        self.path = path
        self._frame_type = av.VideoFrame
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._container: Any = av.open(str(path), "w", options={"movflags": "faststart"})
        except (OSError, ValueError) as error:
            raise SequenceError(f"The video {path} cannot be written: {error}.") from error
        self._rate = Fraction(rate).limit_denominator(1001)
        self._stream: Any = None

    def write(self, image: Image) -> None:
        """Append an (H, W, 3) uint8 BGR picture; all have the size of the first, less an odd last row or column."""
        height, width = image.shape[0] // 2 * 2, image.shape[1] // 2 * 2  # 4:2:0 has colour for pairs of pixels
        if self._stream is None:
            options = {"crf": str(QUALITY_CRF), "preset": "fast"}
            self._stream = self._container.add_stream("libx264", rate=self._rate, options=options)
            self._stream.width, self._stream.height, self._stream.pix_fmt = width, height, "yuv420p"
        frame = self._frame_type.from_ndarray(np.ascontiguousarray(image[:height, :width]), format="bgr24")
        self._container.mux(self._stream.encode(frame))

    def __enter__(self) -> VideoWriter:
        """The writer."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Write what is left and close the file."""
        if self._stream is not None:
            self._container.mux(self._stream.encode(None))
        self._container.close()


def write_gif(path: Path, images: Iterable[Image], rate: float, width: int) -> None:
    """An endless GIF of (H, W, 3) uint8 BGR pictures, `width` px wide, at `rate` frames a second.

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
    path.parent.mkdir(parents=True, exist_ok=True)
    frames[0].save(path, save_all=True, append_images=frames[1:], duration=round(1000 / rate), loop=0, optimize=True)
