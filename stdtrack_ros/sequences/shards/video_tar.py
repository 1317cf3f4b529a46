# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Annotated video in tars of video files.

    <clip>.mp4    the frames; a key frame every few frames makes random access cheap
    <clip>.txt    one "x,y,w,h" per frame, in pixels; nan,nan,nan,nan: absent
    index*.csv    optional, beside the tar: columns clip, and any of group, video, label, fps, tags (separated by "|")

Clips whose label is `pseudo` carry that attribute, as those of a `pseudo` folder in a shard of images do.
"""

from __future__ import annotations

import csv
import io
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from stdtrack_ros.errors import SequenceError
from stdtrack_ros.geometry import Box, Image
from stdtrack_ros.outputs import beside
from stdtrack_ros.sequences.origin import Origin, origin_from_name
from stdtrack_ros.sequences.shards.tar_shards import ASSUMED_FPS, PSEUDO, TarredFile, parse_boxes
from stdtrack_ros.video_packets import import_av

if TYPE_CHECKING:
    import av

VIDEO_SUFFIX, BOXES_SUFFIX = ".mp4", ".txt"
INDEX_COLUMNS = ("clip", "video", "group", "label", "fps")
CRF = 25
"""x264's constant rate factor of clips for training, about as good as a JPEG of quality 85."""
_OPEN_DECODERS = 16
"""Videos that a process keeps open; a decoder takes about 4 MB."""
_RECENT_FRAMES = 8
"""Decoded frames that a decoder keeps, so that walking backward costs no more than walking forward."""


@dataclass(frozen=True)
class TarredVideo:
    """A `Sequence` of the frames of a video file inside a tar, and the boxes of one target.

    Attributes:
        file: the video file.
        fps: frame rate, in frames per second.
        origin: source video, group and kind of label.
    """

    name: str
    file: TarredFile
    boxes: Box
    fps: float
    origin: Origin
    attributes: frozenset[str] = frozenset()
    notes: tuple[str, ...] = ()

    @property
    def stamps_s(self) -> NDArray[np.float64]:
        """See `Sequence`."""
        return np.arange(len(self.boxes)) / self.fps

    def __len__(self) -> int:
        return len(self.boxes)

    def frame(self, index: int) -> Image:
        """See `Sequence`; decodes from the last key frame on, unless the frame before was the last one decoded."""
        if not 0 <= index < len(self):
            raise IndexError(f"frame {index} of {len(self)}")
        decoder = _decoder_of(self.file)
        if decoder.frames != len(self):
            raise SequenceError(f"{self.file.name} has {decoder.frames} frames, but {len(self)} boxes beside it.")
        return decoder.frame(index)


def videos_of(path: Path, members: Mapping[str, TarredFile]) -> list[TarredVideo]:
    """Return the clips among the members of a tar: each video file that has a box file of the same name beside it.

    Raises:
        SequenceError: a box file or the index beside the tar cannot be read.
    """
    facts = _read_index(path.parent)
    found = []
    for file, member in sorted(members.items()):
        texts = members.get(file.removesuffix(VIDEO_SUFFIX) + BOXES_SUFFIX)
        if not file.endswith(VIDEO_SUFFIX) or texts is None:
            continue
        name = file.rpartition("/")[2].removesuffix(VIDEO_SUFFIX)
        fact = facts.get(name, {})
        guess = origin_from_name(name)
        label = fact.get("label", "")
        tags = {tag for tag in fact.get("tags", "").split("|") if tag} | ({PSEUDO} if label == PSEUDO else set())
        boxes = parse_boxes(bytes(texts.read()).decode(), texts.name)
        origin = Origin(fact.get("video") or guess.video, fact.get("group") or guess.group, label)
        found.append(TarredVideo(name, member, boxes, float(fact.get("fps") or ASSUMED_FPS), origin, frozenset(tags)))
    return found


def encode_clip(frames: Iterable[Image], fps: float) -> bytes:
    """Encode (H, W, 3) uint8 BGR frames of even sides as an MP4 whose frames are cheap to read in any order.

    H.264 with a key frame every 8 frames and none that refers forward, as `TarredVideo` reads it.

    Raises:
        SequenceError: PyAV is not installed.
    """
    av = import_av()
    file = io.BytesIO()
    rules = "keyint=8:min-keyint=8:scenecut=0:bframes=0:open-gop=0"
    with av.open(file, "w", format="mp4") as container:
        rate = Fraction(fps).limit_denominator(1000)
        stream = container.add_stream("libx264", rate=rate, options={"crf": str(CRF), "x264-params": rules})
        stream.codec_context.thread_count = 1
        for index, pixels in enumerate(frames):
            if not index:
                (stream.height, stream.width), stream.pix_fmt = pixels.shape[:2], "yuv420p"
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="bgr24")))
        container.mux(stream.encode())
    return file.getvalue()


def write_index(path: Path, rows: Iterable[Mapping[str, object]]) -> None:
    """Write the facts of clips (columns `clip`, `video`, `group`, `label`, `fps`) as `videos_of` reads them."""
    with beside(path) as part, part.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, INDEX_COLUMNS)
        writer.writeheader()
        writer.writerows(rows)


def _read_index(folder: Path) -> dict[str, dict[str, str]]:
    """Read rows by clip from all `index*.csv` of a folder that have a column `clip`."""
    facts: dict[str, dict[str, str]] = {}
    for path in sorted(folder.glob("index*.csv")):
        try:
            with path.open(encoding="utf-8", newline="") as file:
                rows = csv.DictReader(file)
                if "clip" in (rows.fieldnames or ()):
                    facts |= {row["clip"]: row for row in rows}
        except (OSError, UnicodeDecodeError, csv.Error) as error:
            raise SequenceError(f"The index {path} beside the tar cannot be read: {error}.") from None
    return facts


_decoders: OrderedDict[TarredFile, _Decoder] = OrderedDict()
"""The open videos of this process; the one used last comes last."""


def _decoder_of(file: TarredFile) -> _Decoder:
    if file not in _decoders:
        _decoders[file] = _Decoder(file)
        if len(_decoders) > _OPEN_DECODERS:
            _decoders.popitem(last=False)[1].close()
    _decoders.move_to_end(file)
    return _decoders[file]


class _Decoder:
    """Frames of a video file by their number.

    Raises:
        SequenceError: PyAV is not installed, or the file is no video.
    """

    def __init__(self, file: TarredFile) -> None:
        try:
            import av
        except ImportError:
            raise SequenceError(f"Reading {file.name} needs PyAV, which is not installed: pip install av.") from None
        self._name, self._errors = file.name, (av.FFmpegError, IndexError)
        try:
            self._container: Any = av.open(io.BytesIO(file.read().tobytes()))
            self._stream = self._container.streams.video[0]
            self._stream.codec_context.thread_count = 1
            packets = [packet for packet in self._container.demux(self._stream) if packet.pts is not None]
        except self._errors as error:
            raise SequenceError(f"{file.name} is damaged or no video ({error}); get the tar again.") from None
        packets.sort(key=lambda packet: packet.pts)
        self._stamps: list[int] = [packet.pts for packet in packets]
        self._keys = [number for number, packet in enumerate(packets) if packet.is_keyframe]
        self._recent: OrderedDict[int, av.VideoFrame] = OrderedDict()
        self._next = len(packets)

    def close(self) -> None:
        """Free the memory now: the container and its streams refer to each other."""
        self._recent.clear()
        self._container.close()

    @property
    def frames(self) -> int:
        """Number of frames."""
        return len(self._stamps)

    def frame(self, index: int) -> Image:
        """Return a frame as (H, W, 3) uint8 BGR."""
        if index not in self._recent:
            self._decode_to(index)
        pixels: Image = self._recent[index].to_ndarray(format="bgr24")
        return pixels

    def _decode_to(self, index: int) -> None:
        key = self._keys[max(bisect_right(self._keys, index) - 1, 0)] if self._keys else 0
        if not key <= self._next <= index:
            self._container.seek(self._stamps[key], stream=self._stream, backward=True)
        try:
            for frame in self._container.decode(self._stream):
                number = bisect_right(self._stamps, frame.pts) - 1
                self._next = number + 1
                self._recent[number] = frame
                self._recent.move_to_end(number)
                while len(self._recent) > _RECENT_FRAMES:
                    self._recent.popitem(last=False)
                if number >= index:
                    break
        except self._errors as error:
            raise SequenceError(f"Frame {index} of {self._name} cannot be decoded: {error}.") from None
        if index not in self._recent:
            raise SequenceError(f"Frame {index} of {self._name} cannot be decoded; get the tar again.")
