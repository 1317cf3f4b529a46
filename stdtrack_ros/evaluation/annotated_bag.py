# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A bag to a bag: the tracker's boxes and pictures beside the original messages, with the images' own stamps."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from stdtrack_ros.errors import InputError, SequenceError
from stdtrack_ros.geometry import Box, Image
from stdtrack_ros.images import decode_message
from stdtrack_ros.sequences.recordings.bag_copy import BagCopy
from stdtrack_ros.sequences.recordings.bag_file import TRACKED_BOX_TYPE, BagFile
from stdtrack_ros.sequences.recordings.bags import COMPRESSED, BagSequence, full_name, seconds, stamp_ns
from stdtrack_ros.sequences.recordings.box_messages import BoxMessages, given_result
from stdtrack_ros.tracker.drawing import draw_target
from stdtrack_ros.tracker.result import Status, TrackResult
from stdtrack_ros.tracker.tracker import Tracker

TARGET_ID = "target-1"


@dataclass(frozen=True, slots=True)
class Start:
    """Where the target starts.

    Attributes:
        box: (4,) px.
        stamp_ns: stamp of the image that the box belongs to, or when it was recorded where it has none; None: the
            first image.
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
    """

    image: str
    boxes: str = "/stdtrack/tracked_box"
    pictures: str = "/stdtrack/image_annotated/compressed"

    def added(self) -> dict[str, str]:
        """The topics that are added, with their types."""
        pictures = {full_name(self.pictures): COMPRESSED} if self.pictures else {}
        return {full_name(self.boxes): TRACKED_BOX_TYPE} | pictures


@dataclass(slots=True)
class Outcome:
    """What was done.

    Attributes:
        images: images of the topic, tracked or not.
        statuses: how many boxes of each status were written.
        unreadable: sentences on images that could not be used; their frames have no box.
        interrupted: the user ended it; what is written is complete up to there.
    """

    images: int = 0
    statuses: Counter[Status] = field(default_factory=Counter)
    unreadable: list[str] = field(default_factory=list)
    interrupted: bool = False


def start_on_ground_truth(sequence: BagSequence) -> Start:
    """The first frame with a ground-truth box.

    Raises:
        SequenceError: there is none.
    """
    known = np.isfinite(sequence.boxes).all(axis=1)
    if not known.any():
        raise SequenceError(f"No frame of {sequence.topic} in {sequence.bag.path} has a ground-truth box to start on.")
    index = int(known.argmax())
    return Start(sequence.boxes[index], stamp_ns(sequence.message(index)) or sequence.recorded_ns(index))


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
        SequenceError: the source is damaged, or the bag cannot be written; then nothing is left at `out`.
        InputError: no target can be started on that box.
    """
    annotator = _Annotator(tracker, start)
    outcome = annotator.outcome
    try:
        with BagCopy(source, out, topics.added(), storage) as copy:
            messages = BoxMessages(copy.types)
            for connection, recorded_ns, data in copy.copied():
                progress()
                if connection.topic != topics.image:
                    continue
                original = source.decode(data, connection.msgtype)
                image, result = annotator.step(original, recorded_ns)
                if image is None:
                    continue
                header = messages.header(original.header)
                box = messages.tracked_box(header, image, TARGET_ID, result) if result else None
                copy.add(full_name(topics.boxes), box or messages.no_target(header, image), recorded_ns)
                if topics.pictures:
                    picture = messages.jpeg(header, _drawn(image, result), jpeg_quality)
                    copy.add(full_name(topics.pictures), picture, recorded_ns)
            if not tracker.initialized:
                raise SequenceError(f"No image of {topics.image} in {source.path} was the one to start on.")
    except KeyboardInterrupt:
        outcome.interrupted = True
    return outcome


class _Annotator:
    """The tracker over the images of a bag, as it runs over those of a camera."""

    def __init__(self, tracker: Tracker, start: Start) -> None:
        self.outcome = Outcome()
        # Rounded as TargetInit carries a box: the node would start on just this one.
        self._tracker, self._start = tracker, Start(start.box.astype(np.float32).astype(np.float64), start.stamp_ns)
        tracker.reset()

    def step(self, message: Any, recorded_ns: int) -> tuple[Image | None, TrackResult | None]:
        """The picture (None where it cannot be used) and the result (None before the target's start)."""
        self.outcome.images += 1
        try:
            image = decode_message(message)
        except InputError as error:
            self.outcome.unreadable.append(f"Image {self.outcome.images - 1}: {error}")
            return None, None
        result = self._track(image, stamp_ns(message) or recorded_ns)
        self.outcome.statuses[Status.NONE if result is None else result.status] += 1
        return image, result

    def _track(self, image: Image, stamp: int) -> TrackResult | None:
        stamp_s = float(seconds(np.array(stamp)))
        if self._tracker.initialized:
            return self._tracker.track(image, stamp_s)
        if self._start.stamp_ns not in (None, stamp):
            return None
        self._tracker.initialize(image, self._start.box, stamp_s)
        return given_result(self._start.box)


def _drawn(image: Image, result: TrackResult | None) -> Image:
    picture = image.copy()
    if result is not None:
        draw_target(picture, result.box, result.status, result.quality, result.velocity)
    return picture
