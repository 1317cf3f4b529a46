# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Where the models that come with this package lie."""

from __future__ import annotations

from pathlib import Path

from stdtrack_ros.errors import ModelError, SettingError
from stdtrack_ros.shipped_files import shipped_file

SHIPPED = {"stdtrack": "stdtrack_lite.onnx"}


def shipped_model(tracker: str) -> Path:
    """The model file of a tracker: in the source tree, or where a ROS workspace installs it.

    Raises:
        ModelError: no model ships for this tracker, or the installation lacks it.
    """
    if tracker not in SHIPPED:
        raise ModelError(f"No model ships for {tracker}; set model.path to one (`stdtrack import-stark` makes them).")
    try:
        return shipped_file("model", SHIPPED[tracker])
    except SettingError as error:
        raise ModelError(f"The shipped model is missing: {error}") from None
