# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Pictures from a topic of video packets, each with the stamp of its packet."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from builtin_interfaces.msg import Time
from std_msgs.msg import Header

from stdtrack_ros.errors import InputError
from stdtrack_ros.geometry import Image
from stdtrack_ros.video_packets import PacketDecoder, codec_of, stamp_and_frame_id, to_image


@dataclass(frozen=True, slots=True)
class DecodedPicture:
    """A picture of a video, in the place of an image message; its pixels are converted when they are asked for.

    Attributes:
        encoding: the codec that it came in.
        frame: of PyAV.
    """

    header: Header
    encoding: str
    frame: Any

    @property
    def size_bytes(self) -> int:
        """Memory of its pixels."""
        return sum(plane.buffer_size for plane in self.frame.planes)

    def image(self) -> Image:
        """Return (H, W, 3) uint8 BGR."""
        return to_image(self.frame)


class VideoStream:
    """The decoder of one topic. It has to see every packet: a picture is told as what changed since those before it.

    Args:
        on_picture: takes each picture as it is complete.
        refuse: takes a sentence on a packet that gives none.
    """

    def __init__(self, on_picture: Callable[[DecodedPicture], None], refuse: Callable[[str], None]) -> None:
        self._on_picture, self._refuse = on_picture, refuse
        self._decoder: PacketDecoder | None = None

    def take(self, message: Any) -> None:
        """Decode the packet of a CompressedVideo or FFMPEGPacket message."""
        codec = codec_of(message)
        try:
            if self._decoder is None or self._decoder.codec != codec:
                self._decoder = PacketDecoder(codec)
            stamp, frame_id = stamp_and_frame_id(message)
            pictures = self._decoder.decode(message.data, stamp.sec * 10**9 + stamp.nanosec)
        except InputError as error:
            self._refuse(str(error))
            return
        for stamp_ns, frame in pictures:
            stamp = Time(sec=stamp_ns // 10**9, nanosec=stamp_ns % 10**9)
            self._on_picture(DecodedPicture(Header(stamp=stamp, frame_id=frame_id), codec, frame))
