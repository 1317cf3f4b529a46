# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Targets of one node: started, stepped and forgotten by name. No ROS in here."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from stdtrack_ros.errors import InputError
from stdtrack_ros.geometry import Box, Pixels
from stdtrack_ros.intensity import IntensityRange
from stdtrack_ros.nodes.camera.frame_slot import Frame
from stdtrack_ros.settings import TrackerSettings
from stdtrack_ros.tracker.frame_view import CameraImage
from stdtrack_ros.tracker.multi_tracker import MultiTargetTracker
from stdtrack_ros.tracker.result import Status, TrackResult

DEFAULT_ID = "target-1"
"""The target that an empty `target_id` means."""


@dataclass(slots=True)
class Target:
    """One target and where it stands in the stream of frames.

    Attributes:
        width, height: of the image it was started on, in px.
        start_index, last_index: of the frame it was started on, and of the last one it has processed.
        processed: frames since the start.
        frames_to_catch_up: frames it may still run through to be live; 0: it is live.
        header: of the last frame it was seen or looked for in.
        last_message: the last message published about it.
        start_doubt: why it is UNCERTAIN since its start; empty if it is not.
        output_s, last_published_s: monotonic times of its last result (or its start) and of its last message.
    """

    target_id: str
    width: int
    height: int
    start_index: int
    last_index: int
    header: Any = field(repr=False)
    processed: int = 0
    frames_to_catch_up: int = 0
    status: Status = Status.NONE
    quality: float = float("nan")
    intensity: IntensityRange | None = None
    last_message: Any = None
    start_doubt: str = ""
    output_s: float = field(default_factory=time.monotonic)
    last_published_s: float = field(default_factory=time.monotonic)

    @property
    def dropped(self) -> int:
        """Frames that arrived and were not processed since the start."""
        return self.last_index - self.start_index - self.processed

    def note(self, frame: Frame, result: TrackResult) -> None:
        """Keep what is reported of the target between two frames."""
        self.last_index, self.header = frame.index, frame.message.header
        self.processed += 1
        self.status, self.quality, self.intensity = result.status, result.quality, result.intensity
        self.output_s = self.last_published_s = time.monotonic()


Found = list[tuple[Target, TrackResult]]


class Targets:
    """All targets of a node, tracked over one model.

    Args:
        tracker: tracks them, by the same ids.
    """

    def __init__(self, tracker: MultiTargetTracker) -> None:
        self._tracker = tracker
        self._targets: dict[str, Target] = {}

    def start(self, target_id: str, frame: Frame, image: Pixels, box: Box, most: int) -> Target:
        """Start a target, or start it again; on any error all targets stay as they were.

        Raises:
            InputError: a box that no target can be started on, or more than `most` targets.
        """
        name = target_id or DEFAULT_ID
        if name not in self._targets and len(self._targets) >= most:
            raise InputError(
                f"There are {len(self._targets)} targets already ({', '.join(self._targets)}) and max_targets is "
                f"{most}; target '{name}' is not started."
            )
        self._tracker.initialize(name, image, box, frame.taken_s)
        height, width = image.shape[:2]
        target = Target(name, width, height, frame.index, frame.index, frame.message.header)
        target.start_doubt = self._tracker.start_doubt(name)
        self._targets[name] = target
        return target

    def step(self, targets: list[Target], frame: Frame, image: CameraImage) -> tuple[Found, list[str]]:
        """Track some of the targets in one frame.

        Returns:
            What was found, in pixels of that frame, and a sentence for each target that had to be forgotten.
        """
        by_id = {target.target_id: target for target in targets}
        answer = self._tracker.track(image, frame.taken_s, by_id)
        for target_id in answer.forgotten:
            self.forget(target_id)
        found: Found = [(by_id[target_id], result) for target_id, result in answer.results.items()]
        for target, result in found:
            target.note(frame, result)
            target.start_doubt = self._tracker.start_doubt(target.target_id)
        return found, [f"{why} Target '{target_id}' is forgotten." for target_id, why in answer.forgotten.items()]

    def finish(self, spare_s: float) -> None:
        """Remember the last frame, after its results were published; the next one is due in `spare_s`."""
        self._tracker.finish(spare_s)

    def forget(self, target_id: str | None = None) -> int:
        """Forget one target, or all of them; return how many there were."""
        before = len(self._targets)
        self._tracker.forget(target_id)
        if target_id is None:
            self._targets.clear()
        else:
            self._targets.pop(target_id, None)
        return before - len(self._targets)

    def change_settings(self, settings: TrackerSettings) -> None:
        """Give every tracker new settings; its state stays."""
        self._tracker.settings = settings

    def live(self) -> list[Target]:
        """Return the targets that take the newest frame."""
        return [target for target in self._targets.values() if not target.frames_to_catch_up]

    def catching_up(self) -> list[Target]:
        """Return the targets that still run through past frames."""
        return [target for target in self._targets.values() if target.frames_to_catch_up]

    def all(self) -> list[Target]:
        """Return all targets in the order of their first start."""
        return list(self._targets.values())

    def __len__(self) -> int:
        """Return the number of targets."""
        return len(self._targets)


def pixel_box(x: float, y: float, width: float, height: float, normalized: bool, image: Pixels) -> Box:
    """Return the (4,) box in pixels of the image, from a box in pixels or in fractions of the image."""
    box = np.array([x, y, width, height], dtype=np.float64)
    if normalized:
        box *= np.tile([image.shape[1], image.shape[0]], 2)
    return box
