# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Write the documents' tables of parameters from the settings' own declarations: `python tools/parameter_table.py`."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from stdtrack_ros.nodes.following.control_law import FollowSettings
from stdtrack_ros.nodes.following.gimbal_law import GimbalSettings
from stdtrack_ros.nodes.mavlink.mavlink_camera import MavlinkCameraSettings
from stdtrack_ros.nodes.operator.operator_settings import OperatorSettings
from stdtrack_ros.nodes.parameters import TrackerNodeSettings
from stdtrack_ros.nodes.playback.box_recorder import RecorderSettings
from stdtrack_ros.nodes.playback.video_player import PlayerSettings
from stdtrack_ros.nodes.positioning.target_pose import PositionSettings
from stdtrack_ros.settings import SettingGroup, SettingInfo, describe

ROOT = Path(__file__).resolve().parents[1]
Nodes = Mapping[str, type[SettingGroup]]
PAGES: Mapping[str, Nodes] = {
    "docs/parameters.md": {
        "tracker_node": TrackerNodeSettings,
        "follow_controller": FollowSettings,
        "video_player": PlayerSettings,
        "box_recorder": RecorderSettings,
    },
    "docs/operator.md": {
        "operator_page": OperatorSettings,
    },
    "docs/robots.md": {
        "target_pose": PositionSettings,
        "mavlink_camera": MavlinkCameraSettings,
        "gimbal_follow": GimbalSettings,
    },
}
"""Document, and the nodes whose parameters it lists."""


def table(group: type[SettingGroup]) -> str:
    """Write a Markdown table with one row per parameter; those fixed once the node runs bear an asterisk."""
    rows = ["| parameter | default | allowed | meaning |", "| --- | --- | --- | --- |"]
    return "\n".join([*rows, *(_row(info) for info in describe(group))])


def with_tables(text: str, nodes: Nodes) -> str:
    """Return the text with each node's table between its marks renewed."""
    for node, group in nodes.items():
        begin, end = f"<!-- parameters of {node} -->", f"<!-- end of parameters of {node} -->"
        pattern = re.compile(f"{re.escape(begin)}.*?{re.escape(end)}", re.DOTALL)
        if not pattern.search(text):
            sys.exit(f"The document has no place for the parameters of {node}: {begin} ... {end}")
        block = f"{begin}\n{table(group)}\n{end}"
        text = pattern.sub(lambda _, block=block: block, text)
    return text


def _row(info: SettingInfo) -> str:
    default = str(info.default).lower() if info.kind is bool else f"{info.default}"
    mark = r" \*" if info.read_only else ""
    cells = [f"`{info.name}`{mark}", f"`{default}`" if default else "empty", _allowed(info), info.description]
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def _allowed(info: SettingInfo) -> str:
    return " ".join(_words(info))


def _words(info: SettingInfo) -> Iterator[str]:
    if info.choices:
        yield ", ".join(info.choices)
    elif info.minimum is not None or info.maximum is not None:
        low = "" if info.minimum is None else f"{info.minimum:g}"
        high = "" if info.maximum is None else f"{info.maximum:g}"
        yield f"{low} … {high}"
    else:
        yield {bool: "true, false", int: "integer", float: "number", str: "text"}[info.kind]
    if info.unit:
        yield info.unit


if __name__ == "__main__":
    for page, nodes in PAGES.items():
        path = ROOT / page
        path.write_text(with_tables(path.read_text(encoding="utf-8"), nodes), encoding="utf-8")
