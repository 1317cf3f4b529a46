# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Where the models that come with this package lie."""

from __future__ import annotations

import os
from pathlib import Path

from stdtrack_ros.errors import ModelError

SHIPPED = {"stdtrack": "stdtrack_lite.onnx"}
_PACKAGE = "stdtrack_ros"


def shipped_model(tracker: str) -> Path:
    """The model file of a tracker: in the source tree, or where a ROS workspace installs it.

    Raises:
        ModelError: no model ships for this tracker, or the installation lacks it.
    """
    if tracker not in SHIPPED:
        raise ModelError(f"No model ships for {tracker}; set model.path to one (`stdtrack import-stark` makes them).")
    places = [Path(__file__).resolve().parents[2] / "model"]
    prefixes = os.environ.get("AMENT_PREFIX_PATH", "").split(os.pathsep)
    places += [Path(prefix) / "share" / _PACKAGE / "model" for prefix in prefixes if prefix]
    for place in places:
        if (place / SHIPPED[tracker]).is_file():
            return place / SHIPPED[tracker]
    raise ModelError(f"The shipped model {SHIPPED[tracker]} is not in {' or '.join(map(str, places))}.")
