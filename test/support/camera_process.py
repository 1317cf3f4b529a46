# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A camera in a process of its own: the moving scene at a rate, until it is killed. Arguments: rate, first frame."""

from __future__ import annotations

import sys
import time

import rclpy
from moving_scene import Scene
from node_bench import header
from rclpy.qos import qos_profile_sensor_data
from sensor_msgs.msg import Image

from stdtrack_ros.nodes.camera.image_messages import raw_message


def main() -> None:
    """Publish for ever."""
    rate, index = float(sys.argv[1]), int(sys.argv[2])
    rclpy.init(args=sys.argv)
    node = rclpy.create_node("camera")
    publisher = node.create_publisher(Image, "image", qos_profile_sensor_data)
    scene = Scene()
    while rclpy.ok():
        publisher.publish(raw_message(scene.image(index), header(time.time())))
        index += 1
        time.sleep(1 / rate)


if __name__ == "__main__":
    main()
