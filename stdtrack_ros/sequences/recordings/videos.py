# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Video files as sequences, and network streams and cameras as plain flows of frames.

Files and streams are read by PyAV, whatever their container; cameras of this machine by OpenCV.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from stdtrack_ros.errors import SequenceError
from stdtrack_ros.geometry import Box, Image
from stdtrack_ros.images import to_bgr8
from stdtrack_ros.sequences.datasets.ground_truth import Notes, clean_boxes, place_rows, read_ground_truth_csv
from stdtrack_ros.sequences.frames import SameSize
from stdtrack_ros.sequences.timeline import MISSING, Timeline, repair_unrecorded
from stdtrack_ros.video_packets import import_av, to_image

_NAMES = "mp4 avi mkv mov webm m4v mpg mpeg ts m2ts mts wmv asf flv 3gp 3g2 ogv mxf vob h264 264 hevc h265 265"
SUFFIXES = frozenset(f".{name}" for name in [*_NAMES.split(), "mjpeg", "mjpg", "y4m"])
"""Endings of the files that are taken as videos when a folder is searched; a file that is named may have any other."""

_FRAME_RATE = 30.0  # if a file declares none
_NO_VIDEO = frozenset({"ansi", "bintext", "xbin", "idf"})  # FFmpeg draws text files as pictures
_ATTACHED_PIC = 0x400  # FFmpeg's AV_DISPOSITION_ATTACHED_PIC
_STREAM_OPTIONS = {"rtsp_transport": "tcp"}
_STREAM_TIMEOUT_S = 10.0


def is_video(path: Path) -> bool:
    """Tell whether PyAV finds a video in a file, whatever its name.

    Raises:
        InputError: PyAV is not installed.
    """
    av = import_av()
    try:
        with av.open(str(path)) as container:
            return bool(_video_streams(container))
    except (OSError, ValueError):  # all that PyAV raises is one of these
        return False


def _video_streams(container: Any) -> list[Any]:
    """Return the streams of moving pictures; the cover of an audio file and text drawn as pictures are none."""
    return [
        stream
        for stream in container.streams.video
        if stream.codec_context is not None
        and stream.codec_context.name not in _NO_VIDEO
        and not int(stream.disposition) & _ATTACHED_PIC
    ]


class VideoReader:
    """The frames of a file or stream in the order of showing, from its start; damaged ones are passed over.

    Args:
        source: path, or address of a stream.

    Raises:
        SequenceError: the source is missing, damaged or no video.
    """

    def __init__(self, source: str) -> None:
        self.source = source
        is_address = "://" in source
        if not is_address and not Path(source).exists():
            raise SequenceError(f"The video {source} does not exist.")
        av = import_av()
        options = _STREAM_OPTIONS if is_address else {}
        try:
            self._container: Any = av.open(source, options=options, timeout=_STREAM_TIMEOUT_S if is_address else None)
        except (OSError, ValueError) as error:
            what = "is there a camera, and is it reachable" if is_address else "it is damaged, or no video"
            raise SequenceError(f"The video {source} cannot be opened: {what} ({_reason(error)}).") from None
        streams = _video_streams(self._container)
        if not streams:
            self._container.close()
            raise SequenceError(f"The file {source} holds no video; it is of the kind {self._container.format.name}.")
        self._stream = streams[0]
        self._stream.thread_type = "AUTO"
        self.damaged = 0
        self.broken_off = ""

    @property
    def is_live(self) -> bool:
        """Whether the source has no end: a camera on the network."""
        return "://" in self.source and not self._container.duration

    @property
    def rate(self) -> float:
        """Frames per second that the source declares; 30 if it declares none."""
        rate = float(self._stream.guessed_rate or self._stream.average_rate or 0.0)
        return rate if 0.1 <= rate <= 1000.0 else _FRAME_RATE

    def promise(self, stamps_ns: NDArray[np.int64]) -> str:
        """Return a sentence if the header promises more frames, or a longer video, than these stamps; else nothing."""
        found, declared = len(stamps_ns), int(self._stream.frames or 0)
        if declared > found + 1:  # headers are often one too many
            return f"The video says {declared} frames, {found} can be decoded: it may be cut off."
        known = stamps_ns[stamps_ns != MISSING]
        if self._stream.duration:
            length_s = float(self._stream.duration * self._stream.time_base)
        elif self._container.duration and len(self._container.streams) == 1:
            length_s = self._container.duration * 1e-6
        else:
            return ""
        last_s = float(known.max()) * 1e-9 if len(known) else (found - 1) / self.rate
        if length_s - last_s > max(1.0, 0.05 * length_s, 3 * last_s / max(found, 1)):
            return f"The video says {length_s:.1f} s, its last frame is at {last_s:.1f} s: it may be cut off."
        return ""

    def frames(self) -> Iterator[Any]:
        """Yield the frames as PyAV has them, not yet converted; what cannot be decoded is counted in `damaged`."""
        packets = self._container.demux(self._stream)
        while True:
            try:
                packet = next(packets)
            except StopIteration:
                return
            except (OSError, ValueError) as error:
                self.broken_off = _reason(error)
                return
            try:
                yield from packet.decode()
            except (OSError, ValueError):
                self.damaged += packet.size > 0

    def stamp_ns(self, frame: Any) -> int:
        """Return a frame's stamp, counted from the start of the stream; MISSING if it has none."""
        if frame.pts is None:
            return int(MISSING)
        base = frame.time_base or self._stream.time_base
        return int(round((frame.pts - (self._stream.start_time or 0)) * base * 10**9))  # noqa: RUF046 (PyAV is untyped)

    def close(self) -> None:
        """Close the file now: the container and its streams refer to each other."""
        self._container.close()


def _reason(error: Exception) -> str:
    return str(getattr(error, "strerror", None) or error).rstrip(".")


class VideoSequence:
    """A video file, or one behind an address. One pass when opened counts its frames and reads their stamps.

    Raises:
        SequenceError: the file is missing, damaged or no video.
    """

    attributes: frozenset[str] = frozenset()

    def __init__(self, name: str, path: Path | str, ground_truth_csv: Path | None = None) -> None:
        self.name = name
        self.path = path
        self.timeline = _index(str(path))
        self.stamps_s = self.timeline.stamps_s
        self.boxes, more = self._ground_truth(ground_truth_csv)
        self.notes: Notes = self.timeline.notes + more
        self._size = SameSize()
        self._reader = VideoReader(str(path))
        self._upcoming: tuple[int, Iterator[Any]] = 0, self._reader.frames()

    def __len__(self) -> int:
        """Return the number of frames."""
        return len(self.stamps_s)

    def frame(self, index: int) -> Image:
        """Return (H, W, 3) uint8 BGR. Forward steps are quick; a step back reads the file from its start.

        Raises:
            SequenceError: the frame cannot be decoded, or its size is not that of the frames before.
        """
        if not 0 <= index < len(self):
            raise IndexError(f"frame {index} of {len(self)}")
        upcoming, frames = self._upcoming
        if index < upcoming:  # seeking lands on other frames in some codecs: read on from the start
            self._reader.close()
            self._reader = VideoReader(str(self.path))
            upcoming, frames = 0, self._reader.frames()
        found = next(islice(frames, index - upcoming, None), None)
        self._upcoming = (len(self) if found is None else index) + 1, frames
        where = f"Frame {index} of the video {self.path}"
        if found is None:
            raise SequenceError(f"{where} cannot be decoded.")
        image = to_image(found)
        self._size.check(image.shape[1], image.shape[0], where)
        return image

    def _ground_truth(self, csv: Path | None) -> tuple[Box, Notes]:
        if csv is None:
            return clean_boxes(np.full((len(self), 4), np.nan))
        return place_rows(read_ground_truth_csv(csv), self.stamps_s, str(csv))


def _index(source: str) -> Timeline:
    """Decode all frames once for their stamps: the headers of videos are not to be trusted."""
    reader = VideoReader(source)
    try:
        stamps = np.array([reader.stamp_ns(frame) for frame in reader.frames()], dtype=np.int64)
        notes = [reader.promise(stamps)] if len(stamps) else []
        rate = reader.rate
    finally:
        reader.close()
    if not len(stamps):
        raise SequenceError(f"The video {source} has no frame that can be decoded.")
    if reader.damaged:
        notes.append(f"{reader.damaged} packets of the video are damaged; their frames are missing or disturbed.")
    if reader.broken_off:
        notes.append(f"The video breaks off after {len(stamps)} frames ({reader.broken_off}).")
    timeline = repair_unrecorded(stamps, rate)
    return Timeline(timeline.stamps_ns, timeline.kept, (*filter(None, notes), *timeline.notes))


class CameraFrames:
    """The newest frame of a camera (number or device file) or of a network stream, again and again.

    A thread reads the frames as they come and stamps them then, so that neither the stamps nor the age of a frame
    depend on how long the one before was worked on. Iterating yields stamp (seconds since 1970) and (H, W, 3) uint8
    BGR until the stream ends.

    Attributes:
        passed_over: frames that came while another was worked on.

    Raises:
        SequenceError: at the first frame: the source cannot be opened.
    """

    def __init__(self, source: str) -> None:
        self.passed_over = 0
        self._source = source
        self._changed = threading.Condition()
        self._newest: tuple[float, Image] | None = None
        self._error: Exception | None = None
        self._ended = self._left = False

    def __iter__(self) -> Iterator[tuple[float, Image]]:
        """Open the source and yield its newest frame until it ends."""
        thread = threading.Thread(target=self._read, daemon=True)
        thread.start()
        try:
            while True:
                with self._changed:
                    self._changed.wait_for(lambda: self._ended or self._newest is not None)
                    newest, self._newest = self._newest, None
                if newest is None:
                    break
                yield newest
        finally:
            self._left = True
        if self._error is not None:
            raise self._error

    def _read(self) -> None:
        try:
            for image in _camera_images(self._source):
                with self._changed:
                    self.passed_over += self._newest is not None
                    self._newest = time.time(), image
                    self._changed.notify()
                if self._left:
                    break
        except Exception as error:  # raised where the frames are taken
            self._error = error
        with self._changed:
            self._ended = True
            self._changed.notify()


def _camera_images(source: str) -> Iterator[Image]:
    if "://" in source:
        reader = VideoReader(source)
        try:
            yield from map(to_image, reader.frames())
        finally:
            reader.close()
        return
    capture = cv2.VideoCapture(int(source) if source.isdecimal() else source)
    if not capture.isOpened():
        raise SequenceError(f"The camera {source} cannot be opened: it is not there, or in use.")
    try:
        while True:
            good, image = capture.read()
            if not good:
                return
            yield to_bgr8(image)
    finally:
        capture.release()


def spread(stamps_s: NDArray[np.float64]) -> float:
    """Return the mean frame rate of stamps, in frames per second; 30 if there is only one."""
    span = float(stamps_s[-1] - stamps_s[0]) if len(stamps_s) else 0.0
    return (len(stamps_s) - 1) / span if span > 0 else _FRAME_RATE
