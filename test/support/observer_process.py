# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A reliable subscriber to tracked_box in a process of its own, to be stopped in the middle of its work."""

from __future__ import annotations

import sys

import rclpy
from stdtrack_ros.msg import TrackedBox


def main() -> None:
    """Subscribe for ever."""
    rclpy.init(args=sys.argv)
    node = rclpy.create_node("observer")
    node.create_subscription(TrackedBox, "tracked_box", lambda message: None, 10)
    rclpy.spin(node)


if __name__ == "__main__":
    main()
