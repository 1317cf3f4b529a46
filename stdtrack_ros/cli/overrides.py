# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`--set name=value`, as verbs take it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import yaml

from stdtrack_ros.errors import SettingError


def read_assignments(texts: Iterable[str]) -> dict[str, Any]:
    """Values by name out of `name=value` texts; a value is read as YAML, so that numbers and lists are such.

    Raises:
        SettingError: a text without `=`, or with a value that is no YAML.
    """
    values = {}
    for text in texts:
        name, separator, value = text.partition("=")
        if not separator:
            raise SettingError(f"--set takes name=value, found '{text}'.")
        try:
            values[name] = yaml.safe_load(value)
        except (yaml.YAMLError, ValueError):  # the latter of a day that no month has
            raise SettingError(f"--set takes name=value with a value in YAML, found '{text}'.") from None
    return values
