# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A camera that films the moving scene and sends the packets of a video, as plugins of image_transport do."""

from __future__ import annotations

from typing import Any

from moving_scene import Scene
from node_bench import Bench
from rclpy.qos import QoSProfile
from std_msgs.msg import Header
from stdtrack_ros.msg import TrackedBox
from video_packets_made import encoded

from stdtrack_ros.nodes.camera.transports import TRANSPORTS


def packet_message(transport: str, data: bytes, at: Header) -> Any:
    """Make the message of a packet of H.264, as the plugin of that transport does."""
    kind = TRANSPORTS[transport].kind
    assert kind is not None
    if transport == "ffmpeg":
        return kind(header=at, width=320, height=240, encoding="libx264;yuv420p;bgr8;bgr8", data=data)
    return kind(timestamp=at.stamp, frame_id=at.frame_id, format="h264", data=data)


class VideoCamera:
    """Sends a packet a frame; one in `key_every` is a key frame."""

    def __init__(self, bench: Bench, scene: Scene, transport: str, frames: int = 40, key_every: int = 10) -> None:
        self._bench, self._transport = bench, transport
        self.packets = encoded([scene.image(index) for index in range(frames)], key_every=key_every)
        self.publisher = bench.create_publisher(TRANSPORTS[transport].kind, f"image/{transport}", QoSProfile(depth=50))

    def show(self, index: int) -> Header:
        """Send the packet of a frame of the scene; its header."""
        at = self._bench.header()
        self.publisher.publish(packet_message(self._transport, self.packets[index], at))
        return at

    def answer(self, index: int) -> TrackedBox:
        """Send a frame and wait for its result."""
        return self._bench.answer_to(self.show(index))
