# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What all verbs of the `stdtrack` command have in common."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

RUN_WITHOUT = """
import sys
sys.modules[sys.argv.pop(1)] = None  # importing it fails, as where it is not installed
from stdtrack_ros.cli.main import main
main()
"""


@pytest.mark.parametrize("arguments", [("train", "run"), ("export", "run/last.pt", "--out", "model.onnx")])
def test_a_verb_that_needs_what_is_not_installed_is_one_line_and_exit_code_2(
    arguments: tuple[str, ...], tmp_path: Path
) -> None:
    command = [sys.executable, "-c", RUN_WITHOUT, "torch", *arguments]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert "'torch'" in line and "make test-environment" in line
