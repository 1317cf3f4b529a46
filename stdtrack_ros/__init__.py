# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Single-object visual tracking for ROS 2: STDTrack and STARK behind one `Tracker`."""

# The generated messages (`stdtrack_ros.msg`) are installed beside, not into, a source checkout: join the two.
__path__ = __import__("pkgutil").extend_path(__path__, __name__)

__version__ = "0.1.0"
