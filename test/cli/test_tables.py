# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Tables that are read in a file afterwards."""

from __future__ import annotations

import pytest
from rich.table import Table

from stdtrack_ros.cli.redetection import LOSS_COLUMNS
from stdtrack_ros.cli.tables import print_table


def test_a_table_that_goes_into_a_pipe_names_every_column(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(Table(*LOSS_COLUMNS))
    printed = capsys.readouterr().out
    assert "…" not in printed
    assert all(column in printed for column in LOSS_COLUMNS)
