# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A Dask cluster: what is said if there is none; that it gives the boxes of one process, `test_runner.py` shows."""

from __future__ import annotations

from pathlib import Path

import pytest
from painted_clips import (
    RedTracker,
    clip,
    spec,
)

from stdtrack_ros.errors import SettingError
from stdtrack_ros.evaluation.results import ResultsFolder
from stdtrack_ros.evaluation.runner import Plan, run_plan


def test_a_cluster_that_does_not_answer_is_said_in_one_sentence(tmp_path: Path) -> None:
    pytest.importorskip("distributed")
    plan = Plan((spec(RedTracker),), (clip("a"),), cluster="tcp://127.0.0.1:9")
    with pytest.raises(SettingError, match=r"No Dask scheduler answers at 'tcp://127.0.0.1:9'"):
        run_plan(plan, ResultsFolder(tmp_path))
