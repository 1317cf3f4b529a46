# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Tables on the terminal, and in the files and pipes that stand in for one."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table

WIDTH = 220
"""Characters of a line where no terminal limits it: enough for every column of every table."""


def print_table(table: Table) -> None:
    """Print a table in the terminal's width, or in one that cuts nothing off if a file or a pipe takes it."""
    Console(width=None if Console().is_terminal else WIDTH).print(table)
