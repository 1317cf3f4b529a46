# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""For all tests: the Fast DDS profile, which a process reads once, before its first participant; how SIGINT ends what a
test starts; and Hypothesis's settings, which a test takes when its module is read.
"""

from __future__ import annotations

import os
import signal
from pathlib import Path

from hypothesis import HealthCheck, settings

for variable in ("FASTRTPS_DEFAULT_PROFILES_FILE", "FASTDDS_DEFAULT_PROFILES_FILE"):  # the second from Kilted on
    os.environ[variable] = str(Path(__file__).parents[1] / "config" / "fastdds.xml")

# Ignored in a job that a shell runs in the background, and then also by all that a test starts and ends with it.
signal.signal(signal.SIGINT, signal.default_int_handler)

# A busy machine is no reason to fail, and the same tests see the same examples; `--hypothesis-profile default` draws
# new ones.
settings.register_profile("unhurried", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unhurried")
