# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Decoding of video codecs packet by packet (H.264, H.265, ...), as cameras and image transports send them.

One decoder per stream serves bags and live topics alike. No ROS in here: messages are read by their fields.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from stdtrack_ros.errors import InputError
from stdtrack_ros.geometry import Image

COMPRESSED_VIDEO = "foxglove_msgs/msg/CompressedVideo"
FFMPEG_PACKET = "ffmpeg_image_transport_msgs/msg/FFMPEGPacket"
VIDEO_TYPES = (COMPRESSED_VIDEO, FFMPEG_PACKET)
"""Message types that carry packets; a `sensor_msgs/CompressedImage` may carry them, too, by its format."""

_CODECS = {"264": "h264", "avc": "h264", "265": "hevc", "hevc": "hevc", "vp8": "vp8", "vp9": "vp9", "av1": "libdav1d"}
"""FFmpeg's decoder by a part of the names that are in use for encodings: h264, libx264, hevc_nvenc, H265, ..."""


def import_av() -> Any:
    """Return PyAV, which still images do without.

    Raises:
        InputError: it is not installed.
    """
    try:
        import av
    except ImportError:
        raise InputError("Reading or writing a video needs PyAV, which is not installed: pip install av.") from None
    return av


def codec_of(message: Any) -> str:
    """Return FFmpeg's decoder for the packet that a message carries; empty if the message is no packet."""
    if hasattr(message, "encoding") and hasattr(message, "pts"):
        return _codec(message.encoding.partition(";")[0]) or "unknown"
    if hasattr(message, "format"):
        found = _codec(message.format)
        return found or ("unknown" if hasattr(message, "timestamp") else "")
    return ""


def _codec(name: str) -> str:
    return next((codec for part, codec in _CODECS.items() if part in name.lower()), "")


def stamp_and_frame_id(message: Any) -> tuple[Any, str]:
    """Return stamp and frame_id of an image or a packet: a CompressedVideo has no header, but fields of its own."""
    if hasattr(message, "header"):
        return message.header.stamp, message.header.frame_id
    return message.timestamp, message.frame_id


def to_image(frame: Any) -> Image:
    """Convert a frame of PyAV to (H, W, 3) uint8 BGR, turned as its rotation mark says."""
    image: NDArray[np.uint8] = frame.to_ndarray(format="bgr24")
    turns = round(frame.rotation / 90) % 4  # counterclockwise
    return np.ascontiguousarray(np.rot90(image, turns)) if turns else image


class PacketDecoder:
    """The decoder of one stream of packets; pictures may come some packets late, if the encoder reordered them.

    Args:
        codec: FFmpeg's name of the decoder, as `codec_of` gives it.

    Raises:
        InputError: PyAV is not installed, or has no such decoder.
    """

    def __init__(self, codec: str) -> None:
        self._av = import_av()
        self.codec = codec
        self._waiting = True
        try:
            self._context: Any = self._av.CodecContext.create(codec, "r")
        except (OSError, ValueError):
            raise InputError(
                f"The video codec '{codec}' cannot be decoded here; send h264, h265, vp8, vp9 or av1."
            ) from None
        self._context.thread_count = 1  # several threads answer some packets late
        self._context.flags |= self._av.codec.context.Flags.low_delay

    def decode(self, data: bytes | bytearray | memoryview | NDArray[np.uint8], number: int) -> list[tuple[int, Any]]:
        """Decode one packet.

        Args:
            data: the packet, with start codes (Annex B) for H.264 and H.265.
            number: of the packet, such as its stamp in ns.

        Returns:
            Number and frame of PyAV (see `to_image`) of the pictures that are complete now; none before a key frame.

        Raises:
            InputError: the packet is damaged, or the stream has not come to a key frame yet.
        """
        packet = self._av.Packet(bytes(data))
        packet.pts = packet.dts = number
        try:
            frames = [frame for frame in self._context.decode(packet) if not frame.is_corrupt]
        except (OSError, ValueError) as error:
            if self._waiting:
                raise InputError(f"The {self.codec} stream has no key frame yet: pictures begin with one.") from None
            raise InputError(f"A packet of the {self.codec} stream is damaged ({error}).") from None
        self._waiting = self._waiting and not frames
        return [(int(frame.pts), frame) for frame in frames]

    def flush(self) -> list[tuple[int, Any]]:
        """Return the pictures that the decoder still holds back, at the end of a stream."""
        return [(int(frame.pts), frame) for frame in self._context.decode(None)]
