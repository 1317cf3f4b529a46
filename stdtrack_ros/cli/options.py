# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Options that several verbs share: each is declared here once, and means the same wherever it appears."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
import yaml

from stdtrack_ros.errors import SettingError

if TYPE_CHECKING:
    from stdtrack_ros.settings import TrackerSettings

Init = Annotated[str, typer.Option("--init", help="Box x,y,width,height (px) in the first image.")]
Rate = Annotated[float, typer.Option("--rate", min=0.01, max=100.0, help="Speed; 0.5 plays at half of it.")]
SettingsFile = Annotated[
    Path | None, typer.Option("--settings", help="YAML file of settings: a ROS parameter file, or a plain table.")
]
Overrides = Annotated[
    list[str] | None, typer.Option("--set", help="A setting as name=value, such as model.threads=2; may be repeated.")
]
Model = Annotated[str, typer.Option("--model", help="Model file; default: the one that comes with the package.")]
Topic = Annotated[str, typer.Option("--topic", help="Image topic of a bag; default: the only one.")]
GroundTruthTopic = Annotated[
    str, typer.Option("--ground-truth-topic", help="Topic of a bag with the ground-truth boxes.")
]
GroundTruthFile = Annotated[
    Path | None,
    typer.Option("--ground-truth", help="CSV file with the ground-truth boxes, or a folder of such files."),
]


def need(*modules: str) -> None:
    """Check for modules that a verb needs at its end only, before its work.

    Raises:
        ModuleNotFoundError: one of them is not installed; `main` says what brings it.
    """
    for module in modules:
        if find_spec(module) is None:
            raise ModuleNotFoundError(name=module)


def tracker_settings(file: Path | None, overrides: Iterable[str] | None, model: str) -> TrackerSettings:
    """Combine the settings of `--settings`, `--set` and `--model`; the later of these wins.

    Raises:
        SettingError: a file that cannot be read, a setting that does not exist, or a value that is not allowed.
    """
    from stdtrack_ros.settings import flatten, load_settings, make_settings

    values = flatten(load_settings(file)) if file else {}
    return make_settings(values | overridden(overrides, model))


def overridden(overrides: Iterable[str] | None, model: str) -> dict[str, Any]:
    """Return the values of `--set` and `--model`, by name."""
    return read_overrides(overrides or ()) | ({"model.path": model} if model else {})


def read_overrides(texts: Iterable[str]) -> dict[str, Any]:
    """Parse `name=value` texts; a value is read as YAML, so that numbers and lists are such.

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
