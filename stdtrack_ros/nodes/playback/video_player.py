# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Plays a bag or a video file as a camera, in its own time, and may start a target on its first image."""

from __future__ import annotations

import contextlib
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import rclpy
from builtin_interfaces.msg import Time
from rclpy.executors import ExternalShutdownException
from rclpy.node import Node
from rclpy.qos import QoSProfile
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import CameraInfo, CompressedImage, Image

from stdtrack_ros.errors import StdtrackError
from stdtrack_ros.geometry import Box, parse_box
from stdtrack_ros.msg import TargetInit, TrackedBox
from stdtrack_ros.nodes.parameters import SettingsNode
from stdtrack_ros.nodes.process import keep_freed_memory
from stdtrack_ros.sequences.recordings.bags import COMPRESSED, RAW
from stdtrack_ros.sequences.recordings.image_bag import (
    CAMERA_INFO,
    CameraMessage,
    CameraRecording,
    open_camera,
    restamped,
)
from stdtrack_ros.sequences.timeline import Pace
from stdtrack_ros.settings import SettingGroup, setting

CHANNELS = {
    RAW: (Image, "image"),
    COMPRESSED: (CompressedImage, "image/compressed"),
    CAMERA_INFO: (CameraInfo, "camera_info"),
}
INIT_DELAY_S, INIT_AGAIN_S, INIT_TRIES = 0.1, 2.0, 5
"""The target is asked for once the first image had time to arrive, and again while no result shows it."""

SETTLE_S = 2.0
"""Subscribers, also those of the results, may learn of their publishers this much later; what comes before is lost."""
LAST_IMAGE_S = 0.5
"""Time for the delivery of the last image before the publisher goes."""


class PlayerSettings(SettingGroup):
    """Parameters of `video_player`."""

    source: str = setting("", "Bag (folder, .mcap, .db3) or video file to play.", read_only=True)
    source_topic: str = setting("", "Image topic in the bag; empty: the only one.", read_only=True)
    rate: float = setting(1.0, "Speed; 0.5 plays at half of it.", ge=0.01, le=100.0, read_only=True)
    loop: bool = setting(False, "Play again and again, with stamps that go on.", read_only=True)
    clock: bool = setting(False, "Publish /clock from the recording's stamps.", read_only=True)
    init: str = setting(
        "",
        "Start a target on this box of the first image that can be read: x,y,width,height.",
        unit="px",
        read_only=True,
    )
    wait: float = setting(
        60.0,
        "Longest wait for the first subscriber before the playing starts.",
        unit="s",
        ge=0.0,
        le=3600.0,
        read_only=True,
    )


class VideoPlayer(SettingsNode[PlayerSettings], Node):
    """Publishes a recorded camera: image (or image/compressed), camera_info, and /clock if asked for."""

    def __init__(self) -> None:
        super().__init__("video_player")
        self.declare_settings(PlayerSettings)
        self._box: Box | None = parse_box(self.settings.init) if self.settings.init else None
        # Reliable suits every subscriber; the depth bounds what a slow one can hold up.
        self._publishers_by_kind = {
            kind: self.create_publisher(message_type, topic, QoSProfile(depth=5))
            for kind, (message_type, topic) in CHANNELS.items()
        }
        self._clock_publisher = self.create_publisher(Clock, "/clock", 10) if self.settings.clock else None
        self._init_publisher = self.create_publisher(TargetInit, "target_init", 10)
        self._target_seen = threading.Event()
        self._starter: threading.Thread | None = None
        self.create_subscription(TrackedBox, "tracked_box", self._on_tracked_box, 10)

    def play(self) -> int:
        """Play the whole recording, again and again if it loops; the number of images that were published.

        Raises:
            SequenceError: the recording cannot be read.
        """
        recording, pace = open_camera(Path(self.settings.source), self.settings.source_topic), Pace()
        for note in recording.notes:
            self.get_logger().warning(note)
        images, began, moment_ns, box = 0, None, 0, self._box
        for message in self._looped(recording):
            if began is None:
                self._wait_for_subscriber(message.kind)
                began = time.monotonic()
            if message.kind != CAMERA_INFO:
                moment_ns, note = pace.next(message.recorded_ns)
                if note:
                    self.get_logger().warning(note)
            _sleep_until(began + moment_ns / 1e9 / self.settings.rate)
            if not rclpy.ok():
                break
            self._publish(message)
            if message.kind != CAMERA_INFO:
                images += 1
                if box is not None and message.is_readable():
                    given = box, message.stamp_ns()
                    self._starter = threading.Thread(target=self._start_target, args=given, daemon=True)
                    self._starter.start()
                    box = None
        self._finish_start()
        return images

    def _looped(self, recording: CameraRecording) -> Iterator[CameraMessage]:
        """Yield the recording; if it loops, each round begins one mean interval after the end of the last."""
        shift_ns = 0
        while True:
            recorded_ns: list[int] = []
            for message in recording.messages:
                recorded_ns.append(message.recorded_ns)
                cdr = restamped(message.cdr, shift_ns) if shift_ns else message.cdr
                yield CameraMessage(message.kind, message.recorded_ns + shift_ns, cdr)
            if not self.settings.loop or len(recorded_ns) < 2:
                return
            length_ns = recorded_ns[-1] - recorded_ns[0]
            shift_ns += length_ns + length_ns // (len(recorded_ns) - 1)
            recording = open_camera(Path(self.settings.source), self.settings.source_topic)

    def _wait_for_subscriber(self, kind: str) -> None:
        deadline = time.monotonic() + self.settings.wait
        publisher = self._publishers_by_kind[RAW if kind == CAMERA_INFO else kind]
        while publisher.get_subscription_count() == 0 and time.monotonic() < deadline and rclpy.ok():
            time.sleep(0.05)
        time.sleep(SETTLE_S)

    def _publish(self, message: CameraMessage) -> None:
        if self._clock_publisher is not None:
            self._clock_publisher.publish(Clock(clock=_time(message.recorded_ns)))
        self._publishers_by_kind[message.kind].publish(message.cdr)

    def _start_target(self, box: Box, stamp_ns: int) -> None:
        request = TargetInit(x=box[0], y=box[1], width=box[2], height=box[3])
        request.header.stamp = _time(stamp_ns)
        time.sleep(INIT_DELAY_S)
        for _ in range(INIT_TRIES):
            self._init_publisher.publish(request)
            if self._target_seen.wait(INIT_AGAIN_S):
                return
        self.get_logger().warning("No tracker has taken the target; is one running on these topics?")

    def _finish_start(self) -> None:
        """Wait until the target is there or was asked for in vain: discovery may take longer than a short recording."""
        while self._starter is not None and self._starter.is_alive() and rclpy.ok():
            self._starter.join(0.1)

    def _on_tracked_box(self, message: TrackedBox) -> None:
        if message.status != TrackedBox.STATUS_NONE:
            self._target_seen.set()


def _time(stamp_ns: int) -> Time:
    return Time(sec=stamp_ns // 1_000_000_000, nanosec=stamp_ns % 1_000_000_000)


def _sleep_until(moment_s: float) -> None:
    while (left := moment_s - time.monotonic()) > 0 and rclpy.ok():
        time.sleep(min(left, 0.1))


def main() -> None:
    """Run the node `video_player`."""
    keep_freed_memory()
    rclpy.init()
    spinner = None
    try:
        player = VideoPlayer()
        spinner = threading.Thread(target=_spin, args=(player,))
        spinner.start()
        player.get_logger().info(f"playing {player.settings.source}")
        player.get_logger().info(f"played {player.play()} images")
        time.sleep(LAST_IMAGE_S)
    except StdtrackError as error:
        rclpy.logging.get_logger("video_player").fatal(str(error))
        sys.exit(2)
    except (KeyboardInterrupt, ExternalShutdownException):
        pass
    finally:
        rclpy.try_shutdown()
        if spinner is not None:
            spinner.join()


def _spin(node: Node) -> None:
    with contextlib.suppress(ExternalShutdownException):
        rclpy.spin(node)


if __name__ == "__main__":
    main()
