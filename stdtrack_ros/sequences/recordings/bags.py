# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Sequences from ROS 2 bags: an image topic, with ground truth from a topic, from a CSV file, or without.

One pass over the images when opened notes their stamps; each frame is read and decoded when asked for, so the memory
needed does not grow with the bag beyond some 16 bytes per frame.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stdtrack_ros.errors import InputError, SequenceError
from stdtrack_ros.geometry import Box, Pixels
from stdtrack_ros.images import decode_message, three_channels
from stdtrack_ros.sequences.datasets.ground_truth import Notes, clean_boxes, place_rows, read_ground_truth_csv
from stdtrack_ros.sequences.frames import SameSize
from stdtrack_ros.sequences.recordings.bag_file import BagFile
from stdtrack_ros.sequences.recordings.bag_ground_truth import box_topics, read_ground_truth
from stdtrack_ros.sequences.recordings.packet_pictures import packet_pictures
from stdtrack_ros.sequences.timeline import Timeline, repair_recorded, seconds
from stdtrack_ros.video_packets import VIDEO_TYPES, stamp_and_frame_id

RAW, COMPRESSED = "sensor_msgs/msg/Image", "sensor_msgs/msg/CompressedImage"
IMAGE_TYPES = (RAW, COMPRESSED, *VIDEO_TYPES)

_MOST_SKIPPED = 2  # images ahead that are quicker to read over than to look up


def image_topic(bag: BagFile, topic: str | None) -> str:
    """Return the full name of an image topic of a bag; None: the only one.

    Raises:
        SequenceError: there is none, or no such one, or several to choose from; the message lists the bag's topics.
    """
    images = sorted(name for name, msgtype in bag.topics.items() if msgtype in IMAGE_TYPES)
    if topic is None:
        if len(images) == 1:
            return images[0]
        if images:
            raise SequenceError(
                f"The bag {bag.path} has {len(images)} image topics; choose one of {', '.join(images)} (--topic)."
            )
        raise SequenceError(f"The bag {bag.path} has no image topic; its topics are {bag.describe_topics()}.")
    name = full_name(topic)
    if name not in bag.topics:
        raise SequenceError(f"The bag {bag.path} has no topic {name}; its topics are {bag.describe_topics()}.")
    if name not in images:
        raise SequenceError(
            f"The topic {name} of {bag.path} is {bag.topics[name]}; images are {', '.join(IMAGE_TYPES)}."
        )
    return name


def full_name(topic: str) -> str:
    """Return a topic's name with its leading slash."""
    return topic if topic.startswith("/") else f"/{topic}"


def stamp_ns(message: Any) -> int:
    """Return the stamp of a message in nanoseconds: that of its header, or its own."""
    stamp, _ = stamp_and_frame_id(message)
    return int(stamp.sec) * 10**9 + int(stamp.nanosec)


def recorded_timeline(bag: BagFile, topic: str) -> Timeline:
    """Return the timeline of an image topic, as far as the bag can be read.

    Raises:
        SequenceError: the bag is damaged before the first image, or its stamps make no sense.
    """
    header_ns: list[int] = []
    log_ns: list[int] = []
    try:
        for connection, recorded_ns, data in bag.messages(bag.connections(topic)):
            header_ns.append(stamp_ns(bag.decode(data, connection.msgtype)))
            log_ns.append(recorded_ns)
    except SequenceError:
        if not log_ns:
            raise
    if not log_ns:
        raise SequenceError(f"The topic {topic} of {bag.path} has no messages.")
    pictures = packet_pictures(bag, bag.connections(topic))
    shown = np.arange(len(log_ns)) if pictures is None else np.array(pictures.numbers())
    return _timeline(np.array(header_ns), np.array(log_ns), shown, bag.path)


def _timeline(header_ns: NDArray[np.int64], log_ns: NDArray[np.int64], shown: NDArray[np.intp], path: Path) -> Timeline:
    """Return the timeline of the messages that give a picture, with its frames counted among all messages."""
    timeline = repair_recorded(header_ns[shown], log_ns[shown], str(path))
    missing = len(header_ns) - len(shown)
    notes = (f"{missing} packets of the video give no picture: they are damaged, or no key frame came before.",)
    return Timeline(timeline.stamps_ns, shown[timeline.kept], (notes if missing else ()) + timeline.notes)


class BagSequence:
    """The frames of one image topic of a bag.

    Raises:
        SequenceError: the bag is damaged, lacks a topic, or its stamps or boxes make no sense.
    """

    attributes: frozenset[str] = frozenset()

    def __init__(
        self,
        name: str,
        path: Path,
        topic: str | None = None,
        ground_truth_topic: str | None = None,
        ground_truth_csv: Path | None = None,
    ) -> None:
        self.name = name
        self.bag = BagFile(path)
        self.topic = image_topic(self.bag, topic)
        self._connections = self.bag.connections(self.topic)
        self._size = SameSize()
        self._log_ns, header_ns, notes = self._index()
        self._pictures = packet_pictures(self.bag, self._connections)
        shown = np.arange(len(self._log_ns)) if self._pictures is None else np.array(self._pictures.numbers())
        self.timeline = _timeline(header_ns, self._log_ns, shown, path)
        self._kept, self.stamps_s = self.timeline.kept, self.timeline.stamps_s
        self.boxes, ground_truth_notes = self._ground_truth(ground_truth_topic, ground_truth_csv)
        self.notes: Notes = notes + self.timeline.notes + ground_truth_notes
        self._cursor: tuple[int, Iterator[tuple[Any, int, bytes]]] = 0, self.bag.messages(self._connections)

    def __len__(self) -> int:
        """Return the number of frames."""
        return len(self._kept)

    def frame(self, index: int) -> Pixels:
        """Return (H, W, 3) BGR, uint8 or uint16 as the messages are.

        Raises:
            SequenceError: the frame cannot be decoded, or its size is not that of the frames before.
        """
        where = f"Frame {index} of {self.topic} in {self.bag.path}"
        try:
            if self._pictures is not None:
                image: Pixels = self._pictures.picture(int(self._kept[index]))
            else:
                image = three_channels(decode_message(self.message(index)))
        except InputError as error:
            raise SequenceError(f"{where} cannot be used. {error}") from error
        self._size.check(image.shape[1], image.shape[0], where)
        return image

    @property
    def is_video(self) -> bool:
        """Whether the topic carries packets of a video codec."""
        return self._pictures is not None

    def message(self, index: int) -> Any:
        """Return the image message of a frame, decoded from CDR but with its pixels as recorded."""
        wanted = int(self._kept[index])
        upcoming, stream = self._cursor
        if not upcoming <= wanted <= upcoming + _MOST_SKIPPED:
            start = int(self._log_ns[wanted])
            stream = self.bag.messages(self._connections, start)
            # Before it come those of the same time, and of an overlapping file of the bag.
            upcoming = wanted - int((self._log_ns[:wanted] >= start).sum())
        found = next(islice(stream, wanted - upcoming, None), None)
        if found is None:
            raise SequenceError(f"Frame {index} of {self.topic} in {self.bag.path} is gone: the bag has changed.")
        self._cursor = wanted + 1, stream
        return self.bag.decode(found[2], found[0].msgtype)

    def recorded_ns(self, index: int) -> int:
        """Return when a frame was recorded."""
        return int(self._log_ns[self._kept[index]])

    def _index(self) -> tuple[NDArray[np.int64], NDArray[np.int64], Notes]:
        """Return times of recording and stamps (ns) of all images, and notes on what changes among them."""
        log_ns: list[int] = []
        header_ns: list[int] = []
        kinds: dict[str, int] = {}
        for connection, recorded_ns, data in self.bag.messages(self._connections):
            message = self.bag.decode(data, connection.msgtype)
            where = f"Frame {len(log_ns)} of {self.topic} in {self.bag.path}"
            if connection.msgtype == RAW:
                self._size.check(message.width, message.height, where)
            kinds.setdefault(message.format if hasattr(message, "format") else message.encoding, len(log_ns))
            log_ns.append(recorded_ns)
            header_ns.append(stamp_ns(message))
        if not log_ns:
            raise SequenceError(f"The topic {self.topic} of {self.bag.path} has no messages.")
        notes: Notes = ()
        if len(kinds) > 1:
            changes = ", ".join(f"'{kind}' from frame {first}" for kind, first in kinds.items())
            notes = (f"{self.topic} changes its encoding ({changes}): each frame is read in its own.",)
        return np.array(log_ns), np.array(header_ns), notes

    def _ground_truth(self, topic: str | None, csv: Path | None) -> tuple[Box, Notes]:
        if csv is not None:
            rows = read_ground_truth_csv(csv)
            if rows.stamps_s is not None:
                return place_rows(rows, self.stamps_s, str(csv))
            boxes, notes = place_rows(
                rows, seconds(self._log_ns), str(csv)
            )  # rows count all images, the left out ones too
            return boxes[self._kept], notes
        if topic is not None:
            rows, stamped, notes = read_ground_truth(self.bag, full_name(topic))
            frames_s = self.stamps_s if stamped else seconds(self._log_ns[self._kept])
            boxes, more = place_rows(rows, frames_s, full_name(topic))
            return boxes, notes + more
        boxes, notes = clean_boxes(np.full((len(self), 4), np.nan))
        offered = box_topics(self.bag)
        hint = (f"The bag has boxes on {', '.join(offered)}; name the topic that is the ground truth to score.",)
        return boxes, notes + (hint if offered else ())
