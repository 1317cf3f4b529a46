# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The operator's page: a web page that shows the camera and the boxes, and starts and stops targets."""

from __future__ import annotations

from typing import Any

from rclpy.node import Node

from stdtrack_ros.errors import SettingError
from stdtrack_ros.nodes.operator.operator_settings import OperatorSettings
from stdtrack_ros.nodes.operator.robot_link import RobotLink
from stdtrack_ros.nodes.parameters import SettingsNode
from stdtrack_ros.nodes.process import run_node
from stdtrack_ros.nodes.throttled_logger import ThrottledLogger

try:
    from stdtrack_ros.nodes.operator.page_server import PageServer
except ModuleNotFoundError as error:
    if error.name != "aiohttp":
        raise
    PageServer = None  # type: ignore[assignment, misc]


class OperatorPage(SettingsNode[OperatorSettings], Node):
    """Serves the page. Subscribes to the camera and the results only while somebody looks.

    Raises:
        SettingError: a parameter that is not allowed, an address that cannot be used, or aiohttp is not installed.
    """

    def __init__(self, **node_options: Any) -> None:
        super().__init__("operator_page", **node_options)
        self.declare_settings(OperatorSettings)
        if PageServer is None:
            raise SettingError("The operator's page needs aiohttp (python3-aiohttp, or from PyPI).")
        self._robot = RobotLink(self, lambda: self.settings, self._on_change)
        self._server = PageServer(lambda: self.settings, self._robot, ThrottledLogger(self.get_logger().warning))
        self._server.start()
        self.get_logger().info(f"The operator's page is at {self.address}")

    @property
    def address(self) -> str:
        """Where a browser finds the page, with the token if there is one."""
        return self._server.address

    def close(self) -> None:
        """Close every page and leave."""
        self._server.stop()

    def _on_change(self) -> None:
        self._server.changed()


def main(args: list[str] | None = None) -> None:
    """Run the node `operator_page`."""
    run_node(OperatorPage, OperatorPage.close, args)


if __name__ == "__main__":
    main()
