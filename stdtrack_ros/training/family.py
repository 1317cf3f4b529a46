# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What the training module of a tracker family offers to `stdtrack train`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from stdtrack_ros.training.settings import TrainSettings


class TrainingFamily(NamedTuple):
    """The training of one family's networks.

    Attributes:
        settings: the group of settings of a run.
        train: runs the training of such settings in a folder; a folder that holds `last.pt` is gone on with.
    """

    settings: type[TrainSettings]
    train: Callable[[Any, Path], object]
