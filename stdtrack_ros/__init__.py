# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Single-object visual tracking for ROS 2: STDTrack and STARK behind one `Tracker`."""

# The generated messages (`stdtrack_ros.msg`) are installed beside, not into, a source checkout: join the two.
__path__ = __import__("pkgutil").extend_path(__path__, __name__)


def __getattr__(name: str) -> str:
    """Return `__version__`, which stands in package.xml alone."""
    if name != "__version__":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from stdtrack_ros.shipped_files import version

    return version()
