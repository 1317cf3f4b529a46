# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What the page knows of the robot, and what it may ask of it. Subscribed only while somebody looks."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

from builtin_interfaces.msg import Time
from diagnostic_msgs.msg import DiagnosticArray
from rclpy.clock import Clock, ClockType
from rclpy.node import Node
from rclpy.qos import QoSProfile, ReliabilityPolicy
from rclpy.subscription import Subscription
from std_msgs.msg import Header
from std_srvs.srv import SetBool, Trigger

from stdtrack_ros.errors import SettingError
from stdtrack_ros.msg import TrackedBox
from stdtrack_ros.nodes.camera.transports import TRANSPORTS, Transport
from stdtrack_ros.nodes.operator.operator_settings import OperatorSettings
from stdtrack_ros.nodes.operator.picture_feed import Picture, PictureFeed
from stdtrack_ros.nodes.operator.protocol import Command, Enable, Hold, Start, Stop
from stdtrack_ros.nodes.throttled_logger import ThrottledLogger
from stdtrack_ros.srv import StartTarget, StopTarget
from stdtrack_ros.tracker.result import Status

CHECK_S = 0.25
"""How often it is looked whether the tracker and the camera are there."""
SILENT_S = 2.0
"""Time without an image after which another topic is tried."""
AUTO = ("compressed", "raw", "ffmpeg", "foxglove")
"""Image transports, the one first that costs least to show."""
RECENT = 32
"""Frames whose boxes are kept for their pictures."""
FORGOTTEN_S = 3.0
"""A target of which nothing is said for so long, not even in the diagnostics, is gone."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the robot answers to a command."""

    accepted: bool
    message: str
    target_id: str = ""


class RobotLink:
    """Subscriptions and service clients; every method may be called from any thread.

    Args:
        changed: called when a picture is ready or a target's state has changed.

    Raises:
        SettingError: the image_transport that is asked for needs something that is not installed.
    """

    def __init__(self, node: Node, settings: Callable[[], OperatorSettings], changed: Callable[[], None]) -> None:
        self._node, self._settings, self._changed = node, settings, changed
        self._lock = threading.Lock()
        self._feed = PictureFeed()
        self._boxes: dict[str, tuple[TrackedBox, float]] = {}
        self._recent: dict[int | None, dict[str, TrackedBox]] = {}
        self._report: dict[str, str] = {}
        self._report_s = -math.inf
        self._image_s: float | None = None
        self._watched_since_s = 0.0
        self._wanted = False
        self._present = False
        self._subscriptions: list[Subscription] = []
        self._image: Subscription | None = None
        self._topic = ""
        chosen = settings().image_transport
        if chosen != "auto" and (missing := TRANSPORTS[chosen].missing()):
            raise SettingError(missing)
        self._warn = ThrottledLogger(node.get_logger().warning)
        tracker = settings().tracker
        self._name = node.resolve_topic_name(tracker).lstrip("/")
        self._start = node.create_client(StartTarget, f"{tracker}/start_target")
        self._stop = node.create_client(StopTarget, f"{tracker}/stop_target")
        self._reset = node.create_client(Trigger, f"{tracker}/reset")
        self._enable = node.create_client(SetBool, f"{tracker}/enable")
        self._hold = node.create_publisher(Time, f"{tracker}/hold_frame", 10)
        # Subscriptions come and go in the executor's thread: this wakes it, from whatever thread.
        self._woken = node.create_guard_condition(self._apply)
        node.create_timer(CHECK_S, self._check, clock=Clock(clock_type=ClockType.STEADY_TIME))

    def watch(self, wanted: bool) -> None:
        """Subscribe to the camera and the results, or leave them."""
        self._wanted = wanted
        self._woken.trigger()

    def newest_picture(self) -> tuple[int, Picture] | None:
        """Return the newest picture and its number."""
        return self._feed.newest()

    def hold(self, message: Hold) -> None:
        """Have the tracker keep an image for a start on it."""
        self._hold.publish(_time(message.stamp))

    def ask(self, command: Command) -> Future[Answer]:
        """Ask the tracker; the answer comes when it has answered."""
        if isinstance(command, Start):
            header = Header(stamp=_time(command.stamp))
            request = StartTarget.Request(header=header, target_id=command.target_id, normalized=True)
            request.x, request.y, request.width, request.height = command.x, command.y, command.width, command.height
            return self._call(self._start, request, lambda r: Answer(r.accepted, r.message, r.target_id))
        if isinstance(command, Stop):
            request = StopTarget.Request(target_id=command.target_id)
            return self._call(self._stop, request, lambda r: Answer(r.success, r.message, command.target_id))
        if isinstance(command, Enable):
            return self._call(self._enable, SetBool.Request(data=command.value), lambda r: Answer(r.success, r.message))
        return self._call(self._reset, Trigger.Request(), lambda r: Answer(r.success, r.message))

    def statuses(self) -> tuple[Any, ...]:
        """Return what is sent to the viewers at once when it changes."""
        with self._lock:
            targets = tuple((name, box.status) for name, (box, _) in self._boxes.items())
            return targets, self._present, self._report.get("state"), self._report.get("last refusal")

    def state(self, stamp_ns: int | None = None) -> dict[str, Any]:
        """Return all that a page shows, ready for JSON; times in s or ms as named, boxes in fractions of the picture.

        Args:
            stamp_ns: of the picture that goes with it, whose boxes are taken if they are known; None: the newest.
        """
        now = time.monotonic()
        with self._lock:
            same = self._recent.get(stamp_ns, {})
            report = self._report if now - self._report_s < FORGOTTEN_S else {}
            silent_s = now - (self._image_s or self._watched_since_s)
            return {
                "targets": [_target(same.get(name, box)) for name, (box, _) in self._boxes.items()],
                "tracker": {
                    "name": self._name,
                    "present": self._present,
                    "message": report.get("message", ""),
                    "enabled": "disabled" not in report.get("state", ""),
                    "rate_in_hz": _number(report.get("rate in [Hz]")),
                    "rate_out_hz": _number(report.get("rate out [Hz]")),
                    "latency_p95_ms": _number(report.get("latency p95 [ms]")),
                    "dropped": _number(report.get("dropped")),
                    "refusal": report.get("last refusal", "none"),
                },
                "camera": {"topic": self._topic, "seen": self._image_s is not None, "silent_s": round(silent_s, 1)},
            }

    def _call(self, client: Any, request: Any, read: Callable[[Any], Answer]) -> Future[Answer]:
        answer: Future[Answer] = Future()
        if not client.service_is_ready():
            answer.set_result(Answer(False, f"The tracker {self._name} does not answer; is it running?"))
            return answer

        def done(future: Any) -> None:
            if answer.set_running_or_notify_cancel():
                answer.set_result(read(future.result()))

        client.call_async(request).add_done_callback(done)
        return answer

    def _apply(self) -> None:
        """Make the subscriptions as they are wanted."""
        if self._wanted and not self._subscriptions:
            results = QoSProfile(depth=10, reliability=ReliabilityPolicy.RELIABLE)
            self._subscriptions = [
                self._node.create_subscription(TrackedBox, "tracked_box", self._on_box, results),
                self._node.create_subscription(DiagnosticArray, "/diagnostics", self._on_diagnostics, 10),
            ]
            self._watched_since_s = time.monotonic()
            self._subscribe_image()
        elif not self._wanted and self._subscriptions:
            for subscription in filter(None, (*self._subscriptions, self._image)):
                self._node.destroy_subscription(subscription)
            self._subscriptions, self._image, self._topic, self._image_s = [], None, "", None
            self._feed.clear()
            with self._lock:
                self._boxes.clear()

    def _subscribe_image(self) -> None:
        """Subscribe to the camera; called again when nothing comes, it tries the camera's other topic."""
        transport, topic = self._source()
        if topic == self._topic:
            return
        if self._image is not None:
            self._node.destroy_subscription(self._image)
        reliability = self._settings().image_reliability
        self._image = transport.subscribe(self._node, topic, reliability, self._on_image, self._warn)
        self._topic, self._watched_since_s = topic, time.monotonic()

    def _source(self) -> tuple[Transport, str]:
        raw = self._node.resolve_topic_name("image")
        sources = {
            name: (transport, self._node.resolve_topic_name(f"{raw}{transport.suffix}"))
            for name, transport in TRANSPORTS.items()
        }
        chosen = self._settings().image_transport
        if chosen != "auto":
            return sources[chosen]
        usable = [sources[name] for name in AUTO if not TRANSPORTS[name].missing()]
        offered = [source for source in usable if self._node.count_publishers(source[1])]
        others = [source for source in offered if source[1] != self._topic]
        return next(iter(others or offered), sources["raw"])

    def _check(self) -> None:
        if not self._subscriptions:
            return
        present = self._start.service_is_ready()
        now = time.monotonic()
        with self._lock:
            self._present = present
            told = self._report.get("targets", "")
            self._boxes = {
                name: (box, arrived_s)
                for name, (box, arrived_s) in self._boxes.items()
                if now - arrived_s < FORGOTTEN_S or (present and f"{name} " in told)
            }
        if now - max(self._image_s or 0.0, self._watched_since_s) > SILENT_S:
            self._subscribe_image()
        self._changed()

    def _on_image(self, message: Any) -> None:
        self._image_s = time.monotonic()
        picture = self._settings().picture
        if self._feed.add(Picture(message, _stamp_ns(message.header.stamp), picture.width, picture.jpeg_quality)):
            self._changed()

    def _on_box(self, box: TrackedBox) -> None:
        stamp_ns = _stamp_ns(box.header.stamp)
        with self._lock:
            if box.status == TrackedBox.STATUS_NONE:
                self._boxes.clear()
            else:
                self._boxes[box.target_id] = box, time.monotonic()
                self._recent.setdefault(stamp_ns, {})[box.target_id] = box
                while len(self._recent) > RECENT:
                    del self._recent[next(iter(self._recent))]
        self._feed.add_boxes(stamp_ns)
        self._changed()

    def _on_diagnostics(self, array: DiagnosticArray) -> None:
        for status in array.status:
            if status.name == self._name:
                values = {value.key: value.value for value in status.values} | {"message": status.message}
                with self._lock:
                    self._report, self._report_s = values, time.monotonic()


def _time(stamp: str) -> Time:
    return Time(sec=int(stamp) // 10**9, nanosec=int(stamp) % 10**9)


def _stamp_ns(stamp: Time) -> int:
    return int(stamp.sec) * 10**9 + int(stamp.nanosec)


def _target(box: TrackedBox) -> dict[str, Any]:
    size = max(box.image_width, 1), max(box.image_height, 1)
    corners = (box.x / size[0], box.y / size[1], box.width / size[0], box.height / size[1])
    return {
        "id": box.target_id,
        "status": Status(box.status).name,
        "quality": _finite(box.quality),
        "box": [round(number, 6) for number in corners] if all(map(math.isfinite, corners)) else None,
        "latency_ms": round(1e3 * box.latency.sec + 1e-6 * box.latency.nanosec, 1),
        "unseen_s": round(box.time_since_seen.sec + 1e-9 * box.time_since_seen.nanosec, 1),
        "dropped": int(box.dropped_frames),
        "stamp": str(_stamp_ns(box.header.stamp)),
    }


def _finite(number: float) -> float | None:
    """Return the value, or None if it is not finite: JSON knows no NaN."""
    return round(float(number), 4) if math.isfinite(number) else None


def _number(text: str | None) -> float | None:
    try:
        return _finite(float(text or "nan"))
    except ValueError:
        return None
