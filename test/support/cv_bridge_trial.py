# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Every encoding over DDS, decoded without cv_bridge, as the node does with it, and by cv_bridge alone.

    tools/install_ros_sources.sh .venv CHECKOUTS && python test/support/cv_bridge_trial.py

Prints one line per encoding: whether the pixels are the same, and the CPU time per 1280x720 image. Ends with 1 if the
node's pixels differ anywhere.
"""

from __future__ import annotations

import array
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import rclpy
from encoded_images import encode
from numpy.typing import NDArray
from rclpy.qos import QoSProfile
from sensor_msgs.msg import Image

from stdtrack_ros.errors import InputError
from stdtrack_ros.images import ENCODINGS, PlainImage, decode_message, rosbags_converter
from stdtrack_ros.nodes.camera.image_messages import CvBridge, cv_bridge_converter

WIDTH, HEIGHT, ROUNDS = 1280, 720, 15
WAIT_S = 20.0


def cv_bridge_alone(image: PlainImage, target: str) -> NDArray[np.generic]:
    """Convert by cv_bridge, whatever the encoding."""
    try:
        converted: NDArray[np.generic] = CvBridge().imgmsg_to_cv2(image, target or "passthrough")
    except Exception as error:
        raise InputError(str(error)) from error
    return converted


class Relay:
    """A publisher and a subscriber of one topic."""

    def __init__(self) -> None:
        self.node = rclpy.create_node("cv_bridge_trial")
        self.received: list[Image] = []
        self.node.create_subscription(Image, "trial", self.received.append, QoSProfile(depth=5))
        self.publisher = self.node.create_publisher(Image, "trial", QoSProfile(depth=5))

    def send(self, message: Image) -> Image:
        """Publish a message and return it as it arrives."""
        self.received.clear()
        self.publisher.publish(message)
        until = time.monotonic() + WAIT_S
        while not self.received:
            if time.monotonic() > until:
                raise TimeoutError(f"The {message.encoding} image did not arrive in {WAIT_S:g} s.")
            rclpy.spin_once(self.node, timeout_sec=0.1)
        return self.received[0]


def message_of(picture: NDArray[np.uint8], encoding: str) -> Image:
    """Make a message of a BGR picture."""
    data, step = encode(picture, encoding, 0)
    return Image(height=HEIGHT, width=WIDTH, encoding=encoding, step=step, data=array.array("B", data))


def decoded(message: Image, convert: Callable[..., Any]) -> tuple[NDArray[np.generic] | None, float]:
    """Return the pixels, None if they are refused, and the CPU time in ms, the least of several."""
    times, pixels = [], None
    for _ in range(ROUNDS):
        begun = time.process_time()
        try:
            pixels = decode_message(message, convert)
        except InputError:
            return None, float("nan")
        times.append(1e3 * (time.process_time() - begun))
    return pixels, min(times)


def main() -> int:
    """Run the trial; return the exit status."""
    if CvBridge is None:
        print("cv_bridge is not installed; tools/install_ros_sources.sh says how.", file=sys.stderr)
        return 2
    rclpy.init()
    relay, picture = Relay(), np.random.default_rng(1).integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)
    different = 0
    print(f"{'encoding':14} {'node':>8} {'alone':>8} {'without ms':>11} {'node ms':>8} {'alone ms':>9}")
    for encoding in ENCODINGS:
        message = relay.send(message_of(picture, encoding))
        without, without_ms = decoded(message, rosbags_converter)
        words, times = [], [without_ms]
        for convert in (cv_bridge_converter, cv_bridge_alone):
            pixels, took_ms = decoded(message, convert)
            words.append("refused" if pixels is None else "same" if np.array_equal(pixels, without) else "differs")
            times.append(took_ms)
        different += words[0] != "same"
        print(f"{encoding:14} {words[0]:>8} {words[1]:>8} {times[0]:11.2f} {times[1]:8.2f} {times[2]:9.2f}")
    rclpy.shutdown()
    return int(different > 0)


if __name__ == "__main__":
    sys.exit(main())
