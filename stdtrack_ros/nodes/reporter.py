# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A node's own line on /diagnostics: at once on a change, else once a second."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from rclpy.node import Node

from stdtrack_ros.nodes.throttled_logger import ThrottledLogger

PERIOD_S = 1.0


class Reporter:
    """Publishes what a node does, or why it does not; a new sentence also goes to the log."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._publisher = node.create_publisher(DiagnosticArray, "/diagnostics", 10)
        self._log = ThrottledLogger(node.get_logger().info)
        self._words = ""
        self._sent_s = 0.0

    def report(self, good: bool, sentence: str, values: Mapping[str, str]) -> None:
        """Report a state.

        Args:
            good: level OK; else WARN.
            sentence: what the node does, or the reason why it does not.
            values: figures by name.
        """
        words = re.sub(r"[\d.]+", "", sentence)  # figures that change are no news
        if words == self._words and time.monotonic() - self._sent_s < PERIOD_S:
            return
        if words != self._words:
            self._log(sentence)
        self._words, self._sent_s = words, time.monotonic()
        status = DiagnosticStatus(
            level=DiagnosticStatus.OK if good else DiagnosticStatus.WARN,
            name=self._node.get_fully_qualified_name().lstrip("/"),
            message=sentence,
            values=[KeyValue(key=key, value=value) for key, value in values.items()],
        )
        array = DiagnosticArray(status=[status])
        array.header.stamp = self._node.get_clock().now().to_msg()
        self._publisher.publish(array)
