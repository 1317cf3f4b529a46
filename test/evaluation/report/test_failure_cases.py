# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Which frame of a sequence is shown as its failure."""

from __future__ import annotations

import numpy as np

from stdtrack_ros.evaluation.report.failure_cases import worst_frame


def test_the_worst_frame_is_where_the_longest_loss_begins() -> None:
    ious = np.array([1, 0, 0, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0, 0, 0, 1.0])
    assert worst_frame(ious, np.full(16, np.nan)) == 8
    assert worst_frame(np.array([1, 0.4, 0.3, 0.3]), np.array([np.nan, 0.9, 0.2, 0.8])) == 3
