# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The parameters of tracker_node without the rest of it."""

from __future__ import annotations

from rclpy.node import Node
from rclpy.parameter import Parameter

from stdtrack_ros.nodes.parameters import SettingsNode, TrackerNodeSettings


class ParameterNode(SettingsNode[TrackerNodeSettings], Node):
    """The parameters of tracker_node without the rest of it."""

    def __init__(self, **given: object) -> None:
        overrides = [Parameter(name.replace("__", "."), value=value) for name, value in given.items()]
        super().__init__("parameter_node", parameter_overrides=overrides)
        self.changes = 0
        self.declare_settings(TrackerNodeSettings)

    def settings_changed(self) -> None:
        self.changes += 1
