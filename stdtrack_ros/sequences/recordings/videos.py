# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Video files as sequences, and video files, cameras and streams as plain flows of frames; both through OpenCV."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from stdtrack_ros.errors import SequenceError
from stdtrack_ros.geometry import Box, Image
from stdtrack_ros.images import to_bgr8
from stdtrack_ros.sequences.datasets.ground_truth import Notes, clean_boxes, place_rows, read_ground_truth_csv

SUFFIXES = frozenset({".mp4", ".avi", ".mkv", ".mov", ".webm", ".m4v", ".mpg", ".mpeg", ".ts", ".wmv"})
"""Endings of the files that are taken as videos."""

_FRAME_RATE = 30.0  # where a file says none


def live_frames(source: str) -> Iterator[tuple[float, Image]]:
    """Stamp in seconds and (H, W, 3) uint8 BGR of each frame of a video file, a camera or a network stream.

    A file's stamps are its own; a camera's are the time of arrival, in seconds since 1970.

    Args:
        source: path of a file, number of a camera ("0"), device file, or address (rtsp://...).

    Raises:
        SequenceError: the source cannot be opened.
    """
    is_file = Path(source).is_file()
    capture = _open(int(source) if source.isdecimal() and not is_file else source)
    try:
        while True:
            good, image = capture.read()
            if not good:
                return
            # Only after the frame is read the position is that frame's.
            stamp_s = capture.get(cv2.CAP_PROP_POS_MSEC) * 1e-3 if is_file else time.time()
            yield stamp_s, to_bgr8(image)
    finally:
        capture.release()


class VideoSequence:
    """A video file. One pass when opened counts its frames and reads their stamps, for the headers tell lies.

    Raises:
        SequenceError: the file is missing, damaged or no video.
    """

    attributes: frozenset[str] = frozenset()

    def __init__(self, name: str, path: Path, ground_truth_csv: Path | None = None) -> None:
        self.name = name
        self.path = path
        self.stamps_s, notes = _stamps(path)
        self.boxes, ground_truth_notes = self._ground_truth(ground_truth_csv)
        self.notes: Notes = notes + ground_truth_notes
        self._capture = _open(str(path))
        self._next = 0

    def __len__(self) -> int:
        """Number of frames."""
        return len(self.stamps_s)

    def frame(self, index: int) -> Image:
        """(H, W, 3) uint8 BGR. Forward steps are quick; a step back reads the file from its start.

        Raises:
            SequenceError: the frame cannot be decoded.
        """
        if not 0 <= index < len(self):
            raise IndexError(f"frame {index} of {len(self)}")
        if index < self._next:  # seeking by number lands on other frames in some codecs: read on from the start
            self._capture.release()
            self._capture, self._next = _open(str(self.path)), 0
        while self._next < index and self._capture.grab():
            self._next += 1
        good, image = self._capture.read()
        if not good:
            raise SequenceError(f"Frame {index} of the video {self.path} cannot be decoded.")
        self._next = index + 1
        return to_bgr8(image)

    def _ground_truth(self, csv: Path | None) -> tuple[Box, Notes]:
        if csv is None:
            return clean_boxes(np.full((len(self), 4), np.nan))
        return place_rows(read_ground_truth_csv(csv), self.stamps_s, str(csv))


def _open(source: str | int) -> cv2.VideoCapture:
    if isinstance(source, str) and "://" not in source and not Path(source).exists():
        raise SequenceError(f"The video {source} does not exist.")
    capture = cv2.VideoCapture(source)
    if not capture.isOpened():
        what = f"camera {source}" if isinstance(source, int) else f"video {source}"
        raise SequenceError(
            f"The {what} cannot be opened: it is damaged, in use, or of a kind that OpenCV cannot read."
        )
    return capture


def _stamps(path: Path) -> tuple[NDArray[np.float64], Notes]:
    """(N,) seconds of all frames, and a note where they had to be made up."""
    capture = _open(str(path))
    rate = capture.get(cv2.CAP_PROP_FPS) or _FRAME_RATE
    expected = int(capture.get(cv2.CAP_PROP_FRAME_COUNT))
    stamps_ms = []
    while capture.grab():
        stamps_ms.append(capture.get(cv2.CAP_PROP_POS_MSEC))
    capture.release()
    if not stamps_ms:
        raise SequenceError(f"The video {path} has no frame that can be decoded.")
    notes: Notes = ()
    if expected > len(stamps_ms) + 1:  # headers are often one too many
        notes = (f"The video says {expected} frames, {len(stamps_ms)} can be decoded: it may be cut off.",)
    stamps_s = np.array(stamps_ms) * 1e-3
    if len(stamps_s) > 1 and not (np.diff(stamps_s) > 0).all():
        notes += (f"The video's stamps do not grow: {rate:g} frames a second are assumed.",)
        stamps_s = np.arange(len(stamps_s)) / rate
    return stamps_s, notes
