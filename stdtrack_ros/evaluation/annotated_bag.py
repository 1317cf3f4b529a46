# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A bag to a bag: the tracker's boxes and pictures beside the original messages, with the images' own stamps."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from stdtrack_ros.errors import InputError, SequenceError
from stdtrack_ros.geometry import Box, Image, Pixels
from stdtrack_ros.images import decode_message, to_bgr8
from stdtrack_ros.sequences.recordings.bag_copy import BagCopy
from stdtrack_ros.sequences.recordings.bag_file import TRACKED_BOX_TYPE, BagFile
from stdtrack_ros.sequences.recordings.bags import COMPRESSED, BagSequence, full_name, recorded_timeline
from stdtrack_ros.sequences.recordings.box_messages import BoxMessages, given_result
from stdtrack_ros.sequences.recordings.image_annotations import IMAGE_ANNOTATIONS
from stdtrack_ros.sequences.recordings.packet_pictures import PacketPictures, packet_pictures
from stdtrack_ros.sequences.timeline import Timeline, seconds
from stdtrack_ros.tracker.drawing import draw_target
from stdtrack_ros.tracker.result import Status, TrackResult
from stdtrack_ros.tracker.tracker import Tracker

TARGET_ID = "target-1"


@dataclass(frozen=True, slots=True)
class Start:
    """Where the target starts.

    Attributes:
        box: (4,) px.
        stamp_ns: stamp of the image that the box belongs to, as the bag's timeline has it; None: the first image.
    """

    box: Box
    stamp_ns: int | None = None


@dataclass(frozen=True, slots=True)
class Topics:
    """Topics of an annotated bag.

    Attributes:
        image: the images to track in.
        boxes: where the boxes go.
        pictures: where the annotated JPEGs go; empty: nowhere.
        annotations: where the boxes go as Foxglove draws them over the images; empty: nowhere.
    """

    image: str
    boxes: str = "/stdtrack/tracked_box"
    pictures: str = "/stdtrack/image_annotated/compressed"
    annotations: str = "/stdtrack/image_annotations"

    def added(self) -> dict[str, str]:
        """Return the topics that are added, with their types."""
        types = {self.boxes: TRACKED_BOX_TYPE, self.pictures: COMPRESSED, self.annotations: IMAGE_ANNOTATIONS}
        return {full_name(topic): kind for topic, kind in types.items() if topic}


@dataclass(slots=True)
class Outcome:
    """What was done.

    Attributes:
        images: images of the topic, tracked or not.
        statuses: how many boxes of each status were written.
        unreadable: sentences on images that could not be used; their frames have no box.
        notes: sentences on what was repaired in the stamps.
        interrupted: the user ended it; what is written is complete up to there.
        broken_off: why the copy ends early; empty if it does not. What is written is complete up to there.
    """

    images: int = 0
    statuses: Counter[Status] = field(default_factory=Counter)
    unreadable: list[str] = field(default_factory=list)
    notes: tuple[str, ...] = ()
    interrupted: bool = False
    broken_off: str = ""


def start_on_ground_truth(sequence: BagSequence) -> Start:
    """Return the first frame with a ground-truth box.

    Raises:
        SequenceError: there is none.
    """
    known = np.isfinite(sequence.boxes).all(axis=1)
    if not known.any():
        raise SequenceError(f"No frame of {sequence.topic} in {sequence.bag.path} has a ground-truth box to start on.")
    index = int(known.argmax())
    return Start(sequence.boxes[index], int(sequence.timeline.stamps_ns[index]))


def annotate_bag(
    source: BagFile,
    out: Path,
    tracker: Tracker,
    start: Start,
    topics: Topics,
    *,
    storage: str = "mcap",
    jpeg_quality: int = 80,
    progress: Callable[[], None] = lambda: None,
) -> Outcome:
    """Copy a bag and track through its images on the way.

    Args:
        progress: called after each message of the source.

    Raises:
        SequenceError: the source is damaged before the target starts, or the bag cannot be written; then nothing is
            left at `out`. Damage after the start ends the copy there, and the outcome says so.
        InputError: no target can be started on that box.
    """
    timeline = recorded_timeline(source, topics.image)
    annotator = _Annotator(tracker, start, timeline, packet_pictures(source, source.connections(topics.image)))
    outcome = annotator.outcome
    try:
        with BagCopy(source, out, topics.added(), storage) as copy:
            messages = BoxMessages(copy.types)
            for connection, recorded_ns, data in _until_damage(copy.copied(), tracker, outcome):
                progress()
                if connection.topic != topics.image:
                    continue
                original = source.decode(data, connection.msgtype)
                image, result = annotator.step(original)
                if image is None:
                    continue
                header = messages.header(original)
                box = messages.tracked_box(header, image, TARGET_ID, result) if result else None
                box = box or messages.no_target(header, image)
                copy.add(full_name(topics.boxes), box, recorded_ns)
                if topics.annotations:
                    copy.add(full_name(topics.annotations), messages.annotations(box), recorded_ns)
                if topics.pictures:
                    picture = messages.jpeg(header, _drawn(image, result), jpeg_quality)
                    copy.add(full_name(topics.pictures), picture, recorded_ns)
            if not tracker.initialized:
                raise SequenceError(f"No image of {topics.image} in {source.path} was the one to start on.")
    except KeyboardInterrupt:
        outcome.interrupted = True
    return outcome


def _until_damage(
    messages: Iterator[tuple[Any, int, bytes]], tracker: Tracker, outcome: Outcome
) -> Iterator[tuple[Any, int, bytes]]:
    """Yield messages up to the end or, once a target is tracked, to the place where the source is damaged."""
    try:
        yield from messages
    except SequenceError as error:
        if not tracker.initialized:
            raise
        outcome.broken_off = str(error)


class _Annotator:
    """The tracker over the images of a bag, as it runs over those of a camera."""

    def __init__(self, tracker: Tracker, start: Start, timeline: Timeline, pictures: PacketPictures | None) -> None:
        self.outcome = Outcome(notes=timeline.notes)
        self._pictures = pictures
        self._stamps_ns = dict(zip(timeline.kept.tolist(), timeline.stamps_ns.tolist(), strict=True))
        # Rounded as TargetInit carries a box: the node would start on just this one.
        self._tracker, self._start = tracker, Start(start.box.astype(np.float32).astype(np.float64), start.stamp_ns)
        tracker.reset()

    def step(self, message: Any) -> tuple[Pixels | None, TrackResult | None]:
        """Return the picture (None if it cannot be used) and the result (None before the target's start)."""
        number = self.outcome.images
        self.outcome.images += 1
        if number not in self._stamps_ns:  # its stamp goes back, or it gives no picture: a note says so
            return None, None
        try:
            image = decode_message(message) if self._pictures is None else self._pictures.picture(number)
        except (InputError, SequenceError) as error:
            self.outcome.unreadable.append(f"Image {number}: {error}")
            return None, None
        result = self._track(image, self._stamps_ns[number])
        self.outcome.statuses[Status.NONE if result is None else result.status] += 1
        return image, result

    def _track(self, image: Pixels, stamp: int) -> TrackResult | None:
        stamp_s = float(seconds(np.array(stamp)))
        if self._tracker.initialized:
            return self._tracker.track(image, stamp_s)
        if self._start.stamp_ns not in (None, stamp):
            return None
        self._tracker.initialize(image, self._start.box, stamp_s)
        return given_result(self._start.box)


def _drawn(image: Pixels, result: TrackResult | None) -> Image:
    picture = to_bgr8(image).copy()
    if result is not None:
        draw_target(picture, result.box, result.status, result.quality, result.velocity)
    return picture
