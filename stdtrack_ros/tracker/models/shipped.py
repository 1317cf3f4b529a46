# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Where the models that come with this package lie."""

from __future__ import annotations

from pathlib import Path

from stdtrack_ros.errors import ModelError, SettingError
from stdtrack_ros.families import family_of_tracker
from stdtrack_ros.shipped_files import shipped_file


def shipped_model(tracker: str) -> Path:
    """Return the model file of a tracker: in the source tree, or where a ROS workspace installs it.

    Raises:
        ModelError: no model ships for this tracker, or the installation lacks it.
    """
    name = family_of_tracker(tracker).shipped
    if not name:
        raise ModelError(
            f"No model ships for {tracker}; set model.path to one that `stdtrack export` or `stdtrack import-stark` "
            "wrote."
        )
    try:
        return shipped_file("model", name)
    except SettingError as error:
        raise ModelError(f"The shipped model is missing: {error}") from None
