# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Where the files that ship beside the Python modules are: config, launch and model, in a checkout or installed."""

from __future__ import annotations

import os
from pathlib import Path

from stdtrack_ros.errors import SettingError


def shipped_file(*parts: str) -> Path:
    """Path of a shipped file or folder, such as `shipped_file("config", "fastdds.xml")`.

    Raises:
        SettingError: it is neither in the checkout nor in an installed share folder, with the places looked at.
    """
    prefixes = filter(None, os.environ.get("AMENT_PREFIX_PATH", "").split(os.pathsep))
    roots = [Path(__file__).resolve().parents[1], *(Path(prefix) / "share" / "stdtrack_ros" for prefix in prefixes)]
    for root in roots:
        if root.joinpath(*parts).exists():
            return root.joinpath(*parts)
    raise SettingError(
        f"{Path(*parts)} is not in {' nor in '.join(map(str, roots))}; build and source the workspace, "
        "or run from a checkout."
    )
