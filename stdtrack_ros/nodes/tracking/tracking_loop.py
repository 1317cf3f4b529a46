# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The worker: takes the newest frame, converts it, steps the targets and hands the results on."""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from stdtrack_ros.errors import InputError
from stdtrack_ros.geometry import Box
from stdtrack_ros.images import to_bgr8
from stdtrack_ros.msg import TargetInit
from stdtrack_ros.nodes.camera.frame_slot import HOLD_S, NEAR_STAMP_S, Frame, FrameRing, FrameSlot
from stdtrack_ros.nodes.camera.image_messages import decode_image, view_image
from stdtrack_ros.nodes.parameters import TrackerNodeSettings
from stdtrack_ros.nodes.tracking.messages import seconds
from stdtrack_ros.nodes.tracking.targets import DEFAULT_ID, Found, Target, Targets, pixel_box
from stdtrack_ros.srv import StartTarget
from stdtrack_ros.tracker.box_proposal import propose_box
from stdtrack_ros.tracker.frame_view import CameraImage
from stdtrack_ros.tracker.result import Status

IDLE_S = 0.05
"""Longest wait for a frame before the worker looks at the clock again."""
EARLY_S = 1.0
"""How long a start waits for a frame that has not come yet."""

StartRequest: TypeAlias = TargetInit | StartTarget.Request
"""What asks for a target: the message and the service's request have the same fields."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What became of a request.

    Attributes:
        message: what was done, or why nothing was.
        box: (4,) px that a target was started on; None if none was.
    """

    accepted: bool
    target_id: str
    message: str
    box: Box | None = None


@dataclass(frozen=True, slots=True)
class _Start:
    request: StartRequest
    asked_s: float
    reply: Callable[[Reply], None]

    @property
    def target_id(self) -> str:
        return self.request.target_id or DEFAULT_ID


class ResultSink(Protocol):
    """Where the worker's results go; called from its thread."""

    def results(self, frame: Frame, image: CameraImage, found: Found) -> None:
        """Take the targets in one frame; an empty list if there is no target at all."""

    def stale(self, target: Target, silent_s: float) -> None:
        """Take note that nothing was processed for `silent_s`: the target counts as LOST."""

    def refused(self, sentence: str) -> None:
        """Take note that something that came in cannot be used; the state is as it was."""

    def failed(self, error: Exception) -> None:
        """Report that the tracker failed on a frame; the next one is tried all the same."""


class TrackingLoop:
    """One thread that owns all targets; the node talks to it through the slot and `submit`."""

    def __init__(
        self, slot: FrameSlot, ring: FrameRing, targets: Targets, sink: ResultSink, settings: TrackerNodeSettings
    ) -> None:
        self.settings = settings
        self._slot, self._ring, self._targets, self._sink = slot, ring, targets, sink
        self._commands: deque[Callable[[], None]] = deque()
        self._pending_starts: list[_Start] = []
        self._last_taken = 0
        self._last_times = (0.0, 0.0)  # when that frame was taken, and when it arrived
        self._interval_s = 0.0
        self._busy_since_s: float | None = None
        self._paused = False
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="tracking", daemon=True)

    def begin(self) -> None:
        """Start the thread."""
        self._thread.start()

    def end(self, timeout_s: float) -> bool:
        """Stop the thread; False if it did not stop in time (the network hangs)."""
        self._stopping.set()
        self._slot.wake()
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def submit(self, command: Callable[[], None]) -> None:
        """Run a command in the thread, between two frames, in the order of the calls."""
        self._commands.append(command)
        self._slot.wake()

    def start_target(self, request: StartRequest, reply: Callable[[Reply], None] = lambda _: None) -> None:
        """Start a target on the frame that the request names; `reply` is called from the worker's thread."""
        start = _Start(request, time.monotonic(), reply)
        self.submit(lambda: self._start(start))

    def stop_target(self, target_id: str, reply: Callable[[Reply], None]) -> None:
        """Forget one target; `reply` is called from the worker's thread."""
        name = target_id or DEFAULT_ID

        def stop() -> None:
            self._drop_pending(f"Target '{name}' was stopped before its frame came.", name)
            known = [target.target_id for target in self._targets.all()]
            if self._targets.forget(name):
                reply(Reply(True, name, f"Target '{name}' is forgotten."))
            else:
                reply(Reply(False, name, f"There is no target '{name}'; there is {', '.join(known) or 'none'}."))

        self.submit(stop)

    def forget_all(self, sentence: str = "") -> None:
        """Forget every target; a sentence says why if nobody asked for it."""

        def forget() -> None:
            self._drop_pending(sentence or "All targets were forgotten before its frame came.")
            if self._targets.forget() and sentence:
                self._sink.refused(sentence)

        self.submit(forget)

    def pause(self, paused: bool) -> None:
        """Stop watching for silence while the node is disabled."""

        def set_paused() -> None:
            self._paused = paused
            for target in self._targets.all():
                target.output_s = target.last_published_s = time.monotonic()

        self.submit(set_paused)

    def change_settings(self, settings: TrackerNodeSettings) -> None:
        """Take new settings between two frames."""

        def change() -> None:
            self.settings = settings
            self._targets.change_settings(settings)

        self.submit(change)

    @property
    def busy_s(self) -> float:
        """How long the thread has been at its present turn."""
        since = self._busy_since_s
        return 0.0 if since is None else time.monotonic() - since

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self._iterate()
            except Exception as error:  # a thread that dies in silence is worse than any error
                self._sink.failed(error)
                self._stopping.wait(IDLE_S)
            self._busy_since_s = None
        self._drop_pending("The node was deactivated before the frame came.")

    def _iterate(self) -> None:
        frame = self._slot.take(0.0 if self._targets.catching_up() or self._commands else IDLE_S)
        self._busy_since_s = time.monotonic()
        while self._commands and not self._stopping.is_set():
            self._commands.popleft()()
        self._retry_pending_starts()
        if frame is not None:
            self._note_interval(frame)
            self._last_taken = frame.index
            self._process(frame)
        for target in self._targets.catching_up():
            self._catch_up(target)
        self._watch_silence()

    def _process(self, frame: Frame) -> None:
        live = self._targets.live()
        if live or not len(self._targets):
            self._step(frame, live)

    def _step(self, frame: Frame, targets: list[Target]) -> None:
        """Track the targets in one frame and hand the results on."""
        try:
            image = view_image(frame.message)
            found, refusals = self._targets.step(targets, frame, image)
        except InputError as error:
            self._sink.refused(str(error))
            return
        if self._stopping.is_set():  # it took so long that the node may have been given other work
            return
        for sentence in refusals:
            self._sink.refused(sentence)
        if found or not len(self._targets):
            self._sink.results(frame, image, found)
        self._targets.finish(0.0 if self._targets.catching_up() else self._spare_s(frame))

    def _note_interval(self, frame: Frame) -> None:
        """Measure the interval between frames: by their stamps, or by arrival if the stamps stand still."""
        times = (frame.taken_s, frame.arrived_s)
        if self._last_taken:
            passed = max(now - before for now, before in zip(times, self._last_times, strict=True))
            self._interval_s = passed / max(frame.index - self._last_taken, 1)
        self._last_times = times

    def _spare_s(self, frame: Frame) -> float:
        """Return the time until the frame after this one is due."""
        return frame.arrived_s + self._interval_s - time.monotonic()

    def _catch_up(self, target: Target) -> None:
        """Process one more of the frames that came before the target was live; evenly fewer if they are too many."""
        waiting = self._waiting(target)
        if waiting:
            stride = math.ceil(len(waiting) / target.frames_to_catch_up)
            frame = waiting[stride - 1]
            target.frames_to_catch_up = max(target.frames_to_catch_up - 1, 1)
            target.last_index = frame.index  # before the step: a frame that breaks the network is not tried again
            self._step(frame, [target])
        if not self._waiting(target):
            target.frames_to_catch_up = 0

    def _waiting(self, target: Target) -> list[Frame]:
        return [frame for frame in self._ring.newer(target.last_index) if frame.index <= self._last_taken]

    def _start(self, start: _Start) -> None:
        request = start.request
        try:
            frame = self._frame_of(start)
            if frame is None:
                self._pending_starts.append(start)
                return
            image = decode_image(frame.message)
            box = pixel_box(request.x, request.y, request.width, request.height, request.normalized, image)
            tapped = box[2] == box[3] == 0
            if tapped:
                box = propose_box(to_bgr8(image), float(box[0]), float(box[1]))
            target = self._targets.start(request.target_id, frame, image, box, self.settings.max_targets)
        except InputError as error:
            self._sink.refused(str(error))
            start.reply(Reply(False, start.target_id, str(error)))
            return
        if frame.index > self._last_taken:  # its turn in the slot is still to come
            target.start_index = target.last_index = frame.index - 1
        elif self._waiting(target):
            target.frames_to_catch_up = self.settings.catch_up_frames
        self._ring.let_go(frame)
        size = f"{box[2]:.0f}x{box[3]:.0f} px" + (" around the point" if tapped else "")
        done = f"Target '{start.target_id}' is started on {size}. {target.start_doubt}".rstrip()
        start.reply(Reply(True, start.target_id, done, box))

    def _frame_of(self, start: _Start) -> Frame | None:
        """Return the frame a start refers to, or None if it may still come.

        Raises:
            InputError: no image has come yet, or the frame is not kept any more.
        """
        newest, request = self._ring.newest, start.request
        name = f"Target '{request.target_id}'" if request.target_id else "The target"
        if newest is None:
            raise InputError(f"{name} cannot be started before the first image; send target_init again then.")
        stamp_s = seconds(request.header.stamp)
        if stamp_s == 0.0:
            return newest
        if stamp_s > newest.stamp_s + 1e-4 and time.monotonic() - start.asked_s < EARLY_S:
            return None
        nearest = self._ring.nearest(stamp_s)
        if nearest is None or abs(nearest.stamp_s - stamp_s) > NEAR_STAMP_S:
            frames = self._ring.frames()
            raise InputError(
                f"{name} cannot be started: no frame of the stamp {stamp_s:.3f} s is kept, only those from "
                f"{frames[0].stamp_s:.3f} to {frames[-1].stamp_s:.3f} s; ask for one of these, hold the frame "
                f"(~/hold_frame, for {HOLD_S:.0f} s at most), or raise ring.frames."
            )
        return nearest

    def _retry_pending_starts(self) -> None:
        pending, self._pending_starts = self._pending_starts, []
        for start in pending:
            self._start(start)

    def _drop_pending(self, sentence: str, target_id: str = "") -> None:
        """Answer the starts that still wait for their frame (of one target; empty: of all), and forget them."""
        for start in self._pending_starts:
            if target_id in ("", start.target_id):
                start.reply(Reply(False, start.target_id, sentence))
        self._pending_starts = [one for one in self._pending_starts if target_id not in ("", one.target_id)]

    def _watch_silence(self) -> None:
        now = time.monotonic()
        for target in self._targets.all():
            if self._paused or now - target.last_published_s <= self.settings.stale_after:
                continue
            target.last_published_s = now
            target.status, target.quality = Status.LOST, float("nan")
            self._sink.stale(target, now - target.output_s)
