# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The pictures of a bag's topic of video packets, by the number of the message that carried them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from stdtrack_ros.errors import InputError, SequenceError
from stdtrack_ros.geometry import Image
from stdtrack_ros.sequences.recordings.bag_file import BagFile
from stdtrack_ros.video_packets import PacketDecoder, codec_of, to_image


class PacketPictures:
    """Pictures in the order of showing; forward steps are quick, a step back reads the topic from its start."""

    def __init__(self, bag: BagFile, connections: list[Any], codec: str) -> None:
        self._bag, self._connections, self._codec = bag, connections, codec
        self._stream = self._frames()
        self._last = -1

    def numbers(self) -> list[int]:
        """Return the numbers of the messages whose packets give a picture, in the order of showing.

        Raises:
            SequenceError: not one does, with the reason.
        """
        reasons: list[str] = []
        numbers = [number for number, _ in self._frames(reasons)]
        if not numbers:
            reason = reasons[0] if reasons else "it holds no packets"
            raise SequenceError(f"No picture of the video in {self._bag.path} can be decoded: {reason}")
        return numbers

    def picture(self, number: int) -> Image:
        """Return the picture of a message, (H, W, 3) uint8 BGR.

        Raises:
            SequenceError: its packet gives none.
        """
        if number <= self._last:
            self._stream = self._frames()
        for found, frame in self._stream:
            self._last = found
            if found == number:
                return to_image(frame)
        self._last = number
        raise SequenceError(f"Packet {number} of the video in {self._bag.path} gives no picture.")

    def _frames(self, reasons: list[str] | None = None) -> Iterator[tuple[int, Any]]:
        """Yield number and frame of each picture; packets that cannot be decoded are passed over."""
        try:
            decoder = PacketDecoder(self._codec)
        except InputError as error:
            raise SequenceError(f"The video in {self._bag.path} cannot be read. {error}") from None
        for number, (connection, _, data) in enumerate(self._bag.messages(self._connections)):
            message = self._bag.decode(data, connection.msgtype)
            try:
                yield from decoder.decode(message.data, number)
            except InputError as error:
                if reasons is not None:
                    reasons.append(str(error))
        yield from decoder.flush()


def packet_pictures(bag: BagFile, connections: list[Any]) -> PacketPictures | None:
    """Return the pictures of a topic if its messages carry video packets, by the first of them; None for still images.

    Raises:
        SequenceError: the bag is damaged.
    """
    first = next(bag.messages(connections), None)
    codec = codec_of(bag.decode(first[2], first[0].msgtype)) if first is not None else ""
    return PacketPictures(bag, connections, codec) if codec else None
