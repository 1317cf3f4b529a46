# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What exists only while the node is active: the camera's subscriptions, the frames, the targets and the worker."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, cast

from rclpy.clock import ROSClock
from rclpy.node import Node

from stdtrack_ros.nodes.camera.camera_input import CameraInput
from stdtrack_ros.nodes.camera.camera_rates import CameraRates
from stdtrack_ros.nodes.camera.frame_slot import Frame, FrameRing, FrameSlot
from stdtrack_ros.nodes.camera.timestamps import TimestampMonitor, TimestampStatus
from stdtrack_ros.nodes.parameters import TrackerNodeSettings
from stdtrack_ros.nodes.throttled_logger import ThrottledLogger
from stdtrack_ros.nodes.tracking.diagnostics import Health
from stdtrack_ros.nodes.tracking.messages import seconds
from stdtrack_ros.nodes.tracking.result_publisher import ResultPublisher
from stdtrack_ros.nodes.tracking.targets import Target, Targets
from stdtrack_ros.nodes.tracking.tracking_loop import Reply, StartRequest, TrackingLoop
from stdtrack_ros.tracker.models.model import Model
from stdtrack_ros.tracker.multi_tracker import MultiTargetTracker

END_S = 10.0
"""How long the frame in hand may take when the session ends."""


class TrackingSession:
    """From activation to deactivation. Its callbacks run in the executor and only pass things on to the worker."""

    def __init__(
        self,
        node: Node,
        model: Model,
        publisher: ResultPublisher,
        health: Health,
        settings: TrackerNodeSettings,
        refuse: Callable[[str], None],
    ) -> None:
        self._node, self._publisher, self._health, self._refuse = node, publisher, health, refuse
        self._settings = settings
        self._slot = FrameSlot()
        self._ring = FrameRing(settings.ring.frames, settings.ring.megabytes)
        self._targets = Targets(MultiTargetTracker(model, settings))
        self._loop = TrackingLoop(self._slot, self._ring, self._targets, publisher, settings)
        self._timestamps = TimestampMonitor()
        self._arrived = 0
        self._last_arrival_s: float | None = None
        self._silence = (False, "")
        self._no_rotation = False
        self._began_s, self._told_bearings = time.monotonic(), False
        self._log_fault = ThrottledLogger(node.get_logger().warning, repeat_s=60.0)
        self.enabled = True
        self._loop.begin()
        try:
            if settings.camera_rates.message != "none":
                publisher.camera_rates = CameraRates(node, lambda: self._settings.camera_rates, refuse)
            self.camera = CameraInput(node, settings, self._on_image, publisher.take_camera_info, refuse)
        except Exception:
            self._leave_rates()
            self._loop.end(END_S)
            raise

    def end(self) -> bool:
        """Leave the topics and stop the worker; False if the worker hangs."""
        self.camera.destroy()
        self._leave_rates()
        stopped = self._loop.end(END_S)
        self._slot.clear()
        self._ring.clear()
        return stopped

    def start_target(self, request: StartRequest, reply: Callable[[Reply], None] = lambda _: None) -> None:
        """Start a target; a refusal goes to log and diagnostics, and to `reply`, which any thread may call."""
        if not self.enabled:
            sentence = "A target was to start while the node is disabled; call ~/enable with true and ask again."
            self._refuse(sentence)
            reply(Reply(False, request.target_id, sentence))
            return
        self._loop.start_target(request, reply)

    def stop_target(self, target_id: str, reply: Callable[[Reply], None]) -> None:
        """Forget one target; the worker calls `reply`."""
        self._loop.stop_target(target_id, reply)

    def hold_frame(self, stamp_s: float) -> None:
        """Keep the frame of that stamp for a start on it; 0: let it go."""
        if stamp_s:
            self._ring.hold(stamp_s)
        else:
            self._ring.let_go()

    def reset(self) -> None:
        """Forget all targets."""
        self._loop.forget_all()

    def enable(self, enabled: bool) -> None:
        """Process images, or let them pass; targets are kept."""
        self.enabled = enabled
        self._slot.clear()
        self._ring.clear()  # a start must not land on an image from before the pause
        self._loop.pause(not enabled)

    def change_settings(self, settings: TrackerNodeSettings) -> None:
        """Take new settings from the next frame on."""
        self._settings = settings
        self._loop.change_settings(settings)

    def targets(self) -> list[Target]:
        """Return the targets as they are now."""
        return self._targets.all()

    @property
    def dropped(self) -> int:
        """Frames that came and had to give way to newer ones."""
        return self._slot.dropped

    @property
    def busy_s(self) -> float:
        """How long the worker has been at its present frame."""
        return self._loop.busy_s

    def bearings(self) -> str:
        """Return whether there are bearings, or why not; logged once, after images have come for a while."""
        sentence = self._publisher.bearings(self.camera.missing_info)
        waited_s = time.monotonic() - self._began_s
        due = self._arrived and waited_s > self._settings.no_image_after and not self._told_bearings
        if due and sentence.startswith("no: "):
            self._told_bearings = True
            self._node.get_logger().warning(f"There are no bearings ({sentence.removeprefix('no: ')}).")
        return sentence

    def rotation(self) -> str:
        """Return whether predictions know how the camera turns: off, yes, or no and why, which the log hears too."""
        rates = self._publisher.camera_rates
        if rates is None:
            return "off"
        words = rates.words()
        missing = words.startswith("no")
        if missing != self._no_rotation and time.monotonic() - self._began_s > self._settings.no_image_after:
            self._no_rotation = missing
            log = self._node.get_logger()
            if missing:
                log.warning(f"Predictions do without the camera's rotation: {words.removeprefix('no: ')}")
            else:
                log.info("Predictions take the camera's rotation again.")
        return words

    def silence(self) -> str:
        """Return a sentence if images are missing, else ''; the log hears of it when it begins and when it ends."""
        if not self.enabled:
            return ""
        sentence, cause = self.camera.silence(self._last_arrival_s, self._settings)
        if (bool(sentence), cause) != self._silence:
            log = self._node.get_logger()
            if sentence:
                log.warning(sentence)
            else:
                log.info(f"Images come on {self.camera.topic} again.")
            self._silence = bool(sentence), cause
        return sentence

    def input_fault(self) -> str:
        """Return what is odd about the images that come, as sentences, else empty; the log hears of each new one."""
        faults = [*self.camera.faults(), *self._publisher.faults()]
        if self._timestamps.fault:
            faults.append(
                f"On {self.camera.topic} {self._timestamps.fault}: the times of arrival are used instead"
                " (for a recording or a simulation, set use_sim_time and publish /clock)."
            )
        faults += [f"Target '{each.target_id}': {each.start_doubt}" for each in self.targets() if each.start_doubt]
        for fault in faults:
            self._log_fault(fault)
        return " ".join(faults)

    def _leave_rates(self) -> None:
        rates, self._publisher.camera_rates = self._publisher.camera_rates, None
        if rates is not None:
            rates.destroy()

    def _on_image(self, message: Any) -> None:
        now_s = time.monotonic()
        clock_s = self._node.get_clock().now().nanoseconds * 1e-9
        stamp_s = seconds(message.header.stamp)
        self._last_arrival_s = now_s
        self._health.arrived(clock_s - (stamp_s or clock_s))
        self.camera.watch_frame_id(message.header.frame_id)
        if not self.enabled:
            return
        self._arrived += 1
        simulated = clock_s > 0.0 and cast(ROSClock, self._node.get_clock()).ros_time_is_active
        if not self._in_time(stamp_s, clock_s if simulated else now_s):
            return
        frame = Frame(message, self._arrived, now_s, stamp_s or clock_s, self._timestamps.time_s)
        self._ring.append(frame)
        self._slot.put(frame)

    def _in_time(self, stamp_s: float, now_s: float) -> bool:
        status = self._timestamps.check(stamp_s, now_s, self._settings.clock_jump)
        if status is TimestampStatus.WRONG:
            self._refuse(
                f"The stamp {stamp_s:.3f} s of an image on {self.camera.topic} does not follow the one before."
            )
        if status is TimestampStatus.BACK:
            self._slot.clear()
            self._ring.clear()
            self._loop.forget_all(
                f"The stamps of {self.camera.topic} went back to {stamp_s:.3f} s (a bag that begins again, or "
                "simulated time): all targets are forgotten; start them again."
            )
        return status is not TimestampStatus.WRONG
