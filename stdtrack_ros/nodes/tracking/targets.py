# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Targets of one node: started, stepped and forgotten by name. No ROS in here."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import cv2
import numpy as np

from stdtrack_ros.errors import InputError
from stdtrack_ros.geometry import Box, Image
from stdtrack_ros.nodes.camera.frame_slot import Frame
from stdtrack_ros.settings import TrackerSettings
from stdtrack_ros.tracker.box_proposal import propose_box
from stdtrack_ros.tracker.result import Status, TrackResult
from stdtrack_ros.tracker.tracker import Tracker, track_together

DEFAULT_ID = "target-1"
"""The target that an empty `target_id` means."""


@dataclass(slots=True)
class Target:
    """One target and where it stands in the stream of frames.

    Attributes:
        width, height: of the images it was started on, in px; later images are brought to this size.
        start_index, last_index: of the frame it was started on, and of the last one it has processed.
        processed: frames since the start.
        frames_to_catch_up: frames it may still run through to be live; 0: it is live.
        header: of the last frame it was seen or looked for in.
        last_message: the last message published about it.
        output_s, last_published_s: monotonic times of its last result (or its start) and of its last message.
    """

    target_id: str
    tracker: Tracker
    width: int
    height: int
    start_index: int
    last_index: int
    header: Any = field(repr=False)
    processed: int = 0
    frames_to_catch_up: int = 0
    status: Status = Status.NONE
    quality: float = float("nan")
    last_message: Any = None
    output_s: float = field(default_factory=time.monotonic)
    last_published_s: float = field(default_factory=time.monotonic)

    @property
    def dropped(self) -> int:
        """Frames that arrived and were not processed since the start."""
        return self.last_index - self.start_index - self.processed

    def note(self, frame: Frame, result: TrackResult) -> None:
        """Keep what is told about the target between two frames."""
        self.last_index, self.header = frame.index, frame.message.header
        self.processed += 1
        self.status, self.quality = result.status, result.quality
        self.output_s = self.last_published_s = time.monotonic()


Found = list[tuple[Target, TrackResult]]


class Targets:
    """All targets of a node, each with its tracker over the one model."""

    def __init__(self, new_tracker: Callable[[], Tracker]) -> None:
        self._new_tracker = new_tracker
        self._targets: dict[str, Target] = {}

    def start(self, target_id: str, frame: Frame, image: Image, box: Box, most: int) -> Target:
        """Start a target, or start it again; on any error all targets stay as they were.

        Raises:
            InputError: a box that no target can be started on, or more than `most` targets.
        """
        name = target_id or DEFAULT_ID
        known = self._targets.get(name)
        if known is None and len(self._targets) >= most:
            raise InputError(
                f"There are {len(self._targets)} targets already ({', '.join(self._targets)}) and max_targets is "
                f"{most}; target '{name}' is not started."
            )
        tracker = known.tracker if known else self._new_tracker()
        tracker.initialize(image, box, frame.stamp_s)
        height, width = image.shape[:2]
        target = Target(name, tracker, width, height, frame.index, frame.index, frame.message.header)
        self._targets[name] = target
        return target

    def box_around(self, image: Image, x: float, y: float) -> Box:
        """(4,) box of the thing at a point of the image, as far as the image tells.

        Raises:
            InputError: the point lies outside the image.
        """
        return propose_box(self._new_tracker().model, image, x, y)

    def step(self, targets: list[Target], frame: Frame, image: Image) -> tuple[Found, list[str]]:
        """Track some of the targets in one frame, in as few runs of the network as their image sizes allow.

        Returns:
            What was found, in pixels of that frame, and a sentence for each target that had to be forgotten.
        """
        found: Found = []
        refusals: list[str] = []
        for (width, height), members in _by_size(targets).items():
            try:
                scaled, scale = _resized(image, width, height)
            except InputError as error:
                refusals += [f"{error} Target '{target.target_id}' is forgotten." for target in members]
                for target in members:
                    self.forget(target.target_id)
                continue
            results = track_together([target.tracker for target in members], scaled, frame.stamp_s)
            for target, result in zip(members, results, strict=True):
                target.note(frame, result)
                found.append((target, _in_image(result, scale)))
        return found, refusals

    def forget(self, target_id: str | None = None) -> int:
        """Forget one target, or all of them; how many there were."""
        before = len(self._targets)
        if target_id is None:
            self._targets.clear()
        else:
            self._targets.pop(target_id, None)
        return before - len(self._targets)

    def change_settings(self, settings: TrackerSettings) -> None:
        """Give every tracker new settings; its state stays."""
        for target in self._targets.values():
            target.tracker.configure(settings)

    def live(self) -> list[Target]:
        """Targets that take the newest frame."""
        return [target for target in self._targets.values() if not target.frames_to_catch_up]

    def catching_up(self) -> list[Target]:
        """Targets that still run through past frames."""
        return [target for target in self._targets.values() if target.frames_to_catch_up]

    def all(self) -> list[Target]:
        """All targets in the order of their first start."""
        return list(self._targets.values())

    def __len__(self) -> int:
        return len(self._targets)


def _by_size(targets: list[Target]) -> dict[tuple[int, int], list[Target]]:
    groups: dict[tuple[int, int], list[Target]] = {}
    for target in targets:
        groups.setdefault((target.width, target.height), []).append(target)
    return groups


def _resized(image: Image, width: int, height: int) -> tuple[Image, Box]:
    """The image at the size its targets were started on, and the factors (4,) that lead back."""
    found_height, found_width = image.shape[:2]
    scale_x, scale_y = found_width / width, found_height / height
    scale = np.array([scale_x, scale_y, scale_x, scale_y])
    if (found_width, found_height) == (width, height):
        return image, scale
    if not 0.98 < scale_x / scale_y < 1.02:
        raise InputError(
            f"The image changed from {width}x{height} to {found_width}x{found_height} px, which is another shape; "
            "start the target again."
        )
    resized: Image = cv2.resize(
        image, (width, height), interpolation=cv2.INTER_AREA if scale_x > 1 else cv2.INTER_LINEAR
    )
    return resized, scale


def _in_image(result: TrackResult, scale: Box) -> TrackResult:
    return replace(
        result,
        box=result.box * scale,
        covariance=result.covariance * np.outer(scale, scale),
        velocity=result.velocity * scale[:2],
    )


def pixel_box(x: float, y: float, width: float, height: float, normalized: bool, image: Image) -> Box:
    """(4,) box in pixels of the image from a box in pixels or in fractions of it."""
    box = np.array([x, y, width, height], dtype=np.float64)
    if normalized:
        box *= np.tile([image.shape[1], image.shape[0]], 2)
    return box
