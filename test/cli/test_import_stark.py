# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`stdtrack import-stark` writes checkpoints and ONNX models; what it reads, `test_official.py` shows."""

from pathlib import Path

import pytest

from stdtrack_ros.cli.import_stark import import_stark
from stdtrack_ros.errors import SettingError


def test_the_file_to_write_is_one_of_ours(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match=r"ends in \.pt or \.onnx"):
        import_stark(tmp_path / "a.pth.tar", tmp_path / "a.bin")
