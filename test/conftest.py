# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""For all tests: the Fast DDS profile, which a process reads once, before its first participant."""

from __future__ import annotations

import os
from pathlib import Path

os.environ["FASTRTPS_DEFAULT_PROFILES_FILE"] = str(Path(__file__).parents[1] / "config" / "fastdds.xml")
