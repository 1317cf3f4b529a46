# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`stdtrack train`: settings from a file and from the command line, then the run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
import yaml

from stdtrack_ros.cli import options
from stdtrack_ros.errors import SettingError
from stdtrack_ros.families import family_of_kind

if TYPE_CHECKING:
    from stdtrack_ros.training.family import TrainingFamily
    from stdtrack_ros.training.settings import TrainSettings


def train(
    folder: Annotated[Path, typer.Argument(help="Folder of the run; one that holds a checkpoint is continued.")],
    settings: options.SettingsFile = None,
    overrides: Annotated[
        list[str] | None, typer.Option("--set", help="A setting as name=value, for example --set data.max_stride=10.")
    ] = None,
    minutes: Annotated[float | None, typer.Option(help="Time budget in minutes, over all resumptions.")] = None,
) -> None:
    """Train a network of the family that the settings name (stdtrack unless told otherwise); resumable at any step."""
    chosen = read_settings(settings, overrides or [], minutes)
    family_of_kind(chosen.family, "The setting family").part("training").train(chosen, folder)


def read_settings(file: Path | None, overrides: list[str], minutes: float | None = None) -> TrainSettings:
    """Return a run's settings, of the group of its family, from a file and from `name=value` overrides.

    Raises:
        SettingError: a name that does not exist, or a value that is not allowed.
        ModelError: a tracker family that is not installed.
    """
    from stdtrack_ros.settings import build_settings

    values: dict[str, Any] = _dotted_file(file) if file else {}
    values |= options.read_overrides(overrides)
    if minutes is not None:
        values["minutes"] = minutes
    training: TrainingFamily = family_of_kind(values.get("family", "stdtrack"), "The setting family").part("training")
    return build_settings(training.settings, values)


def _dotted_file(path: Path) -> dict[str, Any]:
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError, UnicodeDecodeError) as error:
        raise SettingError(f"The settings file {path} cannot be read: {error}") from None
    if not isinstance(content, dict):
        raise SettingError(f"The settings file {path} holds no table of names and values.")
    flat: dict[str, Any] = {}
    for name, value in content.items():
        if isinstance(value, dict) and name != "switches":
            flat.update({f"{name}.{inner}": item for inner, item in value.items()})
        else:
            flat[name] = value
    return flat
