# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Start a target on a running tracker_node and act on its boxes: `python start_target.py x y width height`.

The four numbers are fractions of the image. It ends when the target has been seen 10 times, or is lost.
"""

import sys

import rclpy
from rclpy.node import Node
from stdtrack_ros.msg import TrackedBox
from stdtrack_ros.srv import StartTarget

ENOUGH = 10
ANSWER_S = 15.0  # the node answers within 10 s


class Follower(Node):
    """Asks for a target, then reads its boxes."""

    def __init__(self) -> None:
        super().__init__("start_target_example")
        self.seen = 0
        self.done = False
        self.target_id = ""
        self._start = self.create_client(StartTarget, "tracker_node/start_target")
        self.create_subscription(TrackedBox, "tracked_box", self._on_box, 10)

    def start(self, x: float, y: float, width: float, height: float) -> StartTarget.Response:
        """Start the target on the newest image; the answer says on what, or why not."""
        self._start.wait_for_service()
        box = {"x": x, "y": y, "width": width, "height": height, "normalized": True}
        answer = None
        while answer is None:  # an answer to a client that the node had not yet discovered is lost: ask again
            future = self._start.call_async(StartTarget.Request(target_id="followed", **box))
            rclpy.spin_until_future_complete(self, future, timeout_sec=ANSWER_S)
            answer = future.result()
        self.target_id = answer.target_id
        return answer

    def _on_box(self, box: TrackedBox) -> None:
        if box.target_id != self.target_id:
            return
        if box.status == TrackedBox.STATUS_TRACKING:  # the only status to act on
            self.seen += 1
            print(f"({box.x:.0f}, {box.y:.0f}) {box.width:.0f} x {box.height:.0f} px, quality {box.quality:.2f}")
        self.done = self.seen >= ENOUGH or box.status == TrackedBox.STATUS_LOST


def main() -> None:
    """Start on the box of the command line; exit code 1 if the node refuses it."""
    rclpy.init()
    node = Follower()
    answer = node.start(*map(float, sys.argv[1:5]))
    print(answer.message)
    while answer.accepted and not node.done:
        rclpy.spin_once(node)
    node.destroy_node()
    rclpy.shutdown()
    sys.exit(not answer.accepted)


if __name__ == "__main__":
    main()
