# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The ways in which a camera's images travel: their topics beside the image's, their types, their subscriptions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from rclpy.node import Node
from rclpy.qos import HistoryPolicy, QoSProfile, ReliabilityPolicy
from rclpy.subscription import Subscription
from sensor_msgs.msg import CompressedImage, Image

from stdtrack_ros.errors import InputError, SettingError
from stdtrack_ros.nodes.camera.video_stream import VideoStream
from stdtrack_ros.video_packets import COMPRESSED_VIDEO, FFMPEG_PACKET, import_av

try:
    from ffmpeg_image_transport_msgs.msg import FFMPEGPacket
except ImportError:  # an optional package, not among the wheels
    FFMPEGPacket = None
try:
    from foxglove_msgs.msg import CompressedVideo
except ImportError:
    CompressedVideo = None

PACKETS = 30
"""Packets that may wait: a picture builds on those before it, so none may be passed over as an image may."""


@dataclass(frozen=True, slots=True)
class Transport:
    """One way, as plugins of `image_transport` have it.

    Attributes:
        suffix: of the topic, behind that of the raw image.
        type_name: of the messages.
        kind: class of the messages; None: their package is not installed.
        video: the messages carry packets of a video and no picture each.
    """

    suffix: str
    type_name: str
    kind: type | None
    video: bool = False

    def missing(self) -> str:
        """Return what is not installed that it needs, as a sentence; empty if nothing is missing."""
        if self.kind is None:
            package = self.type_name.partition("/")[0]
            return (
                f"The image_transport {self.suffix[1:]} needs {package}, which is not installed: apt install "
                f"ros-$ROS_DISTRO-{package.replace('_', '-')}."
            )
        try:
            if self.video:
                import_av()
        except InputError as error:
            return str(error)
        return ""

    def subscribe(
        self,
        node: Node,
        topic: str,
        reliability: str,
        on_image: Callable[[Any], None],
        refuse: Callable[[str], None],
        **options: Any,
    ) -> Subscription:
        """Subscribe to images, of which only the newest waits, or to packets, of which `on_image` gets the pictures.

        Args:
            on_image: takes an Image, a CompressedImage or a `DecodedPicture`.
            refuse: takes a sentence on a packet that gives no picture.

        Raises:
            SettingError: something is not installed that it needs.
        """
        if missing := self.missing():
            raise SettingError(f"{topic} cannot be read. {missing}")
        depth = PACKETS if self.video else 1
        callback = VideoStream(on_image, refuse).take if self.video else on_image
        return node.create_subscription(self.kind, topic, callback, camera_qos(reliability, depth), **options)


TRANSPORTS: dict[str, Transport] = {
    "raw": Transport("", "sensor_msgs/msg/Image", Image),
    "compressed": Transport("/compressed", "sensor_msgs/msg/CompressedImage", CompressedImage),
    "ffmpeg": Transport("/ffmpeg", FFMPEG_PACKET, FFMPEGPacket, video=True),
    "foxglove": Transport("/foxglove", COMPRESSED_VIDEO, CompressedVideo, video=True),
}


def camera_qos(reliability: str, depth: int = 1) -> QoSProfile:
    """Return the QoS of a camera's topic; with depth 1 no old message waits."""
    return QoSProfile(history=HistoryPolicy.KEEP_LAST, depth=depth, reliability=ReliabilityPolicy[reliability.upper()])
