# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Files that ship beside the Python modules (config, model, package.xml): in a checkout, a wheel or a workspace."""

from __future__ import annotations

import os
from pathlib import Path
from xml.etree import ElementTree

from stdtrack_ros.errors import SettingError


def shipped_file(*parts: str) -> Path:
    """Return the path of a shipped file or folder, such as `shipped_file("config", "fastdds.xml")`.

    Raises:
        SettingError: it is neither in the checkout nor in an installed share folder, with the places looked at.
    """
    package = Path(__file__).resolve().parent
    prefixes = filter(None, os.environ.get("AMENT_PREFIX_PATH", "").split(os.pathsep))
    workspaces = [Path(prefix) / "share" / "stdtrack_ros" for prefix in prefixes]
    roots = [package.parent, package / "share", *workspaces]
    for root in roots:
        if root.joinpath(*parts).exists():
            return root.joinpath(*parts)
    raise SettingError(
        f"{Path(*parts)} is not in {' nor in '.join(map(str, roots))}; build and source the workspace, "
        "or run from a checkout or an installed wheel."
    )


def version() -> str:
    """Return the version of this package, as package.xml gives it."""
    return ElementTree.parse(shipped_file("package.xml")).getroot().findtext("version", "")
