# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What the page draws: lines thinned so that the worst frames stay."""

from __future__ import annotations

import numpy as np

from stdtrack_ros.evaluation.report.html_report import worst_of_each_stretch


def test_thinned_lines_keep_the_worst_frame_of_each_stretch() -> None:
    ious = np.ones(1000)
    ious[[137, 512]] = 0.0
    ious[900:] = np.nan
    kept = worst_of_each_stretch(ious, 50)
    assert len(kept) == 50 and {137, 512} <= set(kept.tolist())
    assert (np.diff(kept) > 0).all()
    assert worst_of_each_stretch(ious[:30], 50).tolist() == list(range(30))
