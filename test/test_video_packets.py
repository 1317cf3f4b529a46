# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Packets of video codecs become pictures, one by one, from the first key frame on."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from video_packets_made import encoded

from stdtrack_ros.errors import InputError
from stdtrack_ros.video_packets import PacketDecoder, codec_of, to_image

SHADES = [np.full((48, 64, 3), 40 + 8 * index, np.uint8) for index in range(12)]


def test_each_packet_gives_its_picture_at_once() -> None:
    decoder = PacketDecoder("h264")
    for number, packet in enumerate(encoded(SHADES)):
        ((found, frame),) = decoder.decode(packet, 1000 + number)
        assert found == 1000 + number
        assert to_image(frame).mean() == pytest.approx(40 + 8 * number, abs=4)
    assert decoder.flush() == []


def test_pictures_begin_with_a_key_frame() -> None:
    decoder, packets = PacketDecoder("h264"), encoded(SHADES)
    for number in (2, 3, 4):
        with pytest.raises(InputError, match="no key frame yet"):
            decoder.decode(packets[number], number)
    assert [found for found, _ in decoder.decode(packets[5], 5)] == [5]


def test_a_damaged_packet_is_named_and_the_stream_goes_on() -> None:
    decoder, packets = PacketDecoder("h264"), encoded(SHADES)
    decoder.decode(packets[0], 0)
    with pytest.raises(InputError, match="damaged"):
        decoder.decode(bytes(50), 1)
    assert [found for found, _ in decoder.decode(packets[5], 5)] == [5]


def test_a_codec_that_is_not_known_is_refused() -> None:
    with pytest.raises(InputError, match="'unknown' cannot be decoded here"):
        PacketDecoder("unknown")


@pytest.mark.parametrize(
    ("message", "codec"),
    [
        ({"format": "h264", "timestamp": 0}, "h264"),
        ({"format": "h265", "timestamp": 0}, "hevc"),
        ({"format": "theora", "timestamp": 0}, "unknown"),
        ({"encoding": "libx264", "pts": 0}, "h264"),
        ({"encoding": "hevc_nvenc;yuv420p;bgr8;bgr8", "pts": 0}, "hevc"),
        ({"format": "h264", "header": 0}, "h264"),
        ({"format": "bgr8; jpeg compressed bgr8", "header": 0}, ""),
        ({"encoding": "bgr8", "header": 0}, ""),
    ],
)
def test_the_codec_is_told_by_the_message(message: dict[str, object], codec: str) -> None:
    assert codec_of(SimpleNamespace(**message)) == codec
