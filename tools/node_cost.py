#!/usr/bin/env python3
# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What the node itself costs a frame: everything but the network, in whose place stands a model that always nods.

    python tools/node_cost.py --size 1280x720 --rate 30

A camera and an observer in this process, `tracker_node` in another: the latency from the arrival of an image to the
message, the same from the publishing of the image to the arrival of the message here, processor time and page faults.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from stdtrack_ros.cli.node_processes import environment
from stdtrack_ros.geometry import Box, Image
from stdtrack_ros.tracker.frame_view import FrameView
from stdtrack_ros.tracker.models.model import ModelInfo, Prediction

TICK_S = 1.0 / os.sysconf("SC_CLK_TCK")
SETTLE_FRAMES = 30
WAIT_S = 60.0


class NoddingModel:
    """A model that finds the target in the middle of each window."""

    info = ModelInfo("none", "none", "none", "none", "", "", 128, 2.0, 192, 3.0, 4.0)

    def start(self, frame: FrameView, box: Box) -> None:
        """See `Model.start`: as for a real model, a crop is made."""
        frame.extract_around(box, self.info.template_factor, self.info.template_size)

    def step(self, states: Sequence[None], searches: Image, window_influences: Sequence[float]) -> list[Prediction]:
        """See `Model.step`."""
        side = self.info.search_size / self.info.search_factor
        box = np.array([(self.info.search_size - side) / 2] * 2 + [side, side])
        return [Prediction(box, 0.9, 0.9) for _ in searches]

    def remember(self, state: None, prediction: Prediction, frame: FrameView, box: Box) -> None:
        """See `Model.remember`."""

    def similarity(self, state: None, prediction: Prediction) -> tuple[float, float]:
        """See `Model.similarity`."""
        return 1.0, 1.0


@dataclass(frozen=True)
class Usage:
    """What a process has used: processor time in s, page faults."""

    seconds: float
    faults: int

    @classmethod
    def of(cls, pid: int) -> Usage:
        """Read it from Linux."""
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return cls((int(fields[11]) + int(fields[12])) * TICK_S, int(fields[7]))


def run_node() -> None:
    """Be the node, in a process of its own."""
    from stdtrack_ros.nodes.tracking.tracker_node import main as run

    run(load=lambda settings: NoddingModel())  # type: ignore[arg-type,return-value]


def measure(width: int, height: int, encoding: str, rate: float, frames: int) -> dict[str, Any]:
    """Show the node `frames` images; return what it cost."""
    import rclpy
    from rclpy.qos import qos_profile_sensor_data
    from sensor_msgs.msg import Image as ImageMessage
    from stdtrack_ros.msg import TargetInit, TrackedBox

    from stdtrack_ros.images import ENCODINGS

    variables = environment(Path(tempfile.gettempdir()))
    os.environ.update(variables)
    rclpy.init()
    node = rclpy.create_node("node_cost")
    camera = node.create_publisher(ImageMessage, "image", qos_profile_sensor_data)
    starter = node.create_publisher(TargetInit, "target_init", 10)
    latencies: list[float] = []
    ways: list[float] = []

    def take(message: TrackedBox) -> None:
        stamp = message.header.stamp
        ways.append(1e3 * (time.time() - stamp.sec - stamp.nanosec / 1e9))
        latencies.append(1e3 * (message.latency.sec + message.latency.nanosec / 1e9))

    node.create_subscription(TrackedBox, "tracked_box", take, 10)
    kind = ENCODINGS[encoding]
    step = width * kind.channels * np.dtype(kind.dtype).itemsize
    data = np.random.default_rng(0).integers(0, 256, int(height * kind.rows) * step, dtype=np.uint8).tobytes()
    image = ImageMessage(width=width, height=height, encoding=encoding, step=step)
    image.data.frombytes(data)

    def show() -> None:
        begin = time.monotonic()
        image.header.stamp = node.get_clock().now().to_msg()
        camera.publish(image)
        while (left := begin + 1.0 / rate - time.monotonic()) > 0:
            rclpy.spin_once(node, timeout_sec=left)

    command = [sys.executable, __file__, "--node"]
    process = subprocess.Popen(command, env=variables, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        end = time.monotonic() + WAIT_S
        while not ways and time.monotonic() < end:
            show()
        starter.publish(TargetInit(x=width / 2 - 45, y=height / 2 - 45, width=90.0, height=90.0))
        for _ in range(SETTLE_FRAMES):
            show()
        latencies.clear()
        ways.clear()
        before, own = Usage.of(process.pid), Usage.of(os.getpid())
        for _ in range(frames):
            show()
        after, own_after = Usage.of(process.pid), Usage.of(os.getpid())
    finally:
        process.terminate()
        process.wait()
        rclpy.shutdown()
    if not ways:
        raise SystemExit("The node has answered no image.")
    return {
        "answered": len(ways),
        "latency": np.percentile(latencies, (50, 95)),
        "way": np.percentile(ways, (50, 95)),
        "cpu_ms": 1e3 * (after.seconds - before.seconds) / frames,
        "faults": (after.faults - before.faults) / frames,
        "camera_cpu_ms": 1e3 * (own_after.seconds - own.seconds) / frames,
        "camera_faults": (own_after.faults - own.faults) / frames,
    }


def main() -> None:
    """Measure and print one line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", default="1280x720", help="of the images, WIDTHxHEIGHT (default 1280x720)")
    parser.add_argument("--encoding", default="bgr8", help="of the images (default bgr8)")
    parser.add_argument("--rate", type=float, default=30.0, help="images/s (default 30)")
    parser.add_argument("--frames", type=int, default=300, help="images to measure (default 300)")
    parser.add_argument("--node", action="store_true", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.node:
        run_node()
        return
    width, height = (int(number) for number in asked.size.split("x"))
    found = measure(width, height, asked.encoding, asked.rate, asked.frames)
    print(
        f"{asked.size} {asked.encoding}, {found['answered']} of {asked.frames} images: arrival to message "
        f"{found['latency'][0]:.2f} ms p50, {found['latency'][1]:.2f} p95; image to message and back "
        f"{found['way'][0]:.2f}, {found['way'][1]:.2f}; node {found['cpu_ms']:.2f} ms of processor and "
        f"{found['faults']:.0f} page faults a frame; "
        f"camera {found['camera_cpu_ms']:.2f} and {found['camera_faults']:.0f}"
    )


if __name__ == "__main__":
    main()
