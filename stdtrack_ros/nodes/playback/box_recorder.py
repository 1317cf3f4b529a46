# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Writes every TrackedBox into a CSV file, one row a message, complete up to the last one at any time."""

from __future__ import annotations

import contextlib
import csv
from collections.abc import Sequence
from pathlib import Path

from rclpy.node import Node

from stdtrack_ros.errors import SettingError
from stdtrack_ros.msg import TrackedBox
from stdtrack_ros.nodes.parameters import SettingsNode
from stdtrack_ros.nodes.process import run_node
from stdtrack_ros.settings import SettingGroup, setting

COLUMNS = (
    "stamp_ns",
    "target_id",
    "status",
    "x",
    "y",
    "width",
    "height",
    "quality",
    "token_quality",
    "velocity_x",
    "velocity_y",
    "time_since_seen_s",
    "latency_s",
    "frame_number",
    "dropped_frames",
    "image_width",
    "image_height",
)


class RecorderSettings(SettingGroup):
    """Parameters of `box_recorder`."""

    out: str = setting("boxes.csv", "File to write; one that exists is replaced.", read_only=True)


class BoxRecorder(SettingsNode[RecorderSettings], Node):
    """Subscribes tracked_box and writes it down."""

    def __init__(self) -> None:
        super().__init__("box_recorder")
        self.declare_settings(RecorderSettings)
        path = Path(self.settings.out)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = path.open("w", encoding="utf-8", newline="", buffering=1)
        except OSError as error:
            raise SettingError(f"The file {path} cannot be written: {error.strerror}; set another `out`.") from None
        self._writer = csv.writer(self._file)
        self._write(COLUMNS)
        self.rows = 0
        self.create_subscription(TrackedBox, "tracked_box", self._on_tracked_box, 100)

    def _on_tracked_box(self, message: TrackedBox) -> None:
        self._write(row(message))
        self.rows += 1

    def _write(self, values: Sequence[object]) -> None:
        try:
            self._writer.writerow(values)
        except OSError as error:
            raise SettingError(f"The file {self.settings.out} cannot be written: {error.strerror}.") from None

    def close(self) -> None:
        """Close the file."""
        with contextlib.suppress(OSError):  # a full disk, of which `_write` has told
            self._file.close()
        self.get_logger().info(f"wrote {self.rows} rows to {self.settings.out}")


def row(message: TrackedBox) -> list[object]:
    """Return the values of a message in the order of COLUMNS; durations in seconds, the stamp in nanoseconds."""
    special = {
        "stamp_ns": message.header.stamp.sec * 1_000_000_000 + message.header.stamp.nanosec,
        "time_since_seen_s": message.time_since_seen.sec + message.time_since_seen.nanosec / 1e9,
        "latency_s": message.latency.sec + message.latency.nanosec / 1e9,
    }
    return [special[name] if name in special else getattr(message, name) for name in COLUMNS]


def main() -> None:
    """Run the node `box_recorder`."""
    run_node(BoxRecorder, finish=BoxRecorder.close)


if __name__ == "__main__":
    main()
