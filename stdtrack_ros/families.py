# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The families of trackers, one row each: every difference between them lies behind a row's references.

A reference is a text `module:attribute` that is imported when it is first needed, so that the robot loads no PyTorch
and one family loads nothing of another. An installed package adds a family through an entry point in the group
`stdtrack_ros.families` that names a `Family`.
"""

from __future__ import annotations

import logging
import pkgutil
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

from stdtrack_ros.errors import ModelError

ENTRY_POINT_GROUP = "stdtrack_ros.families"
METADATA_KEY = "stdtrack"
"""Key of the JSON text in an exported model's ONNX metadata: `kind`, `network`, `graphs`, `calibration`."""


def graph_path(path: Path, graph: str) -> Path:
    """Return where a graph of a model lies: `step` is `NAME.onnx` itself, `start` is `NAME.start.onnx` beside it."""
    return path if graph == "step" else path.with_suffix(f".{graph}.onnx")


@dataclass(frozen=True, slots=True)
class Family:
    """One family of trackers.

    Attributes:
        kind: what its checkpoints and exported models carry as their `kind`.
        trackers: the values of the setting `tracker` that mean this family. With several, the network's configuration
            has a field `name` that says which of them it is.
        model: reference to what makes a `tracker.models.model.Model` from `(backend, settings)`.
        network: reference to a `network.family.NetworkFamily`; empty: no PyTorch part, models come as ONNX files.
        training: reference to a `training.family.TrainingFamily`; empty: nothing here trains it.
        shipped: name of the model file that comes with this package; empty: none does.
        settings: reference to a `SettingGroup` that joins the tracker's settings under the name of the kind. (The
            groups of the families in this package are fields of `TrackerSettings`.)
    """

    kind: str
    trackers: tuple[str, ...]
    model: str
    network: str = ""
    training: str = ""
    shipped: str = ""
    settings: str = ""

    def part(self, name: str) -> Any:
        """Import what the row's reference `name` names.

        Raises:
            ModelError: the family has no such part.
        """
        reference = getattr(self, name)
        if not reference:
            raise ModelError(f"The tracker family '{self.kind}' has no {name} part.")
        return pkgutil.resolve_name(reference)


BUILT_IN = (
    Family(
        kind="stdtrack",
        trackers=("stdtrack",),
        model="stdtrack_ros.tracker.models.stdtrack:StdtrackModel",
        network="stdtrack_ros.network.stdtrack.family:FAMILY",
        training="stdtrack_ros.training.stdtrack:TRAINING",
        shipped="stdtrack_lite.onnx",
    ),
    Family(
        kind="stark",
        trackers=("stark_s50", "stark_st50", "stark_st101"),
        model="stdtrack_ros.tracker.models.stark:StarkModel",
        network="stdtrack_ros.network.stark.family:FAMILY",
        training="stdtrack_ros.training.stark:TRAINING",
    ),
)
"""The families of this package."""


@cache
def plugged_in() -> tuple[Family, ...]:
    """Return the families that installed packages add; one that cannot be loaded is logged and left out."""
    found = []
    for point in metadata.entry_points(group=ENTRY_POINT_GROUP):
        try:
            family = point.load()
            if not isinstance(family, Family):
                raise TypeError(f"it names a {type(family).__name__}, not a Family")
        except Exception as error:  # foreign code: whatever it raises must not end a run that does not need it
            logging.getLogger(__name__).warning("The tracker family '%s' cannot be loaded: %s", point.name, error)
            continue
        found.append(family)
    return tuple(found)


def families() -> tuple[Family, ...]:
    """Return every family, those of this package first."""
    return (*BUILT_IN, *plugged_in())


def tracker_names() -> tuple[str, ...]:
    """Return every value that the setting `tracker` takes."""
    return tuple(name for family in families() for name in family.trackers)


def family_of_tracker(tracker: str) -> Family:
    """Return the family of a value of the setting `tracker`.

    Raises:
        ModelError: no family has a tracker of that name.
    """
    for family in families():
        if tracker in family.trackers:
            return family
    raise ModelError(f"There is no tracker named '{tracker}'; allowed is one of {', '.join(tracker_names())}.")


def family_of_kind(kind: Any, source: str) -> Family:
    """Return the family whose models carry this `kind`.

    Args:
        source: the file or setting that names the kind, for the error message.

    Raises:
        ModelError: no family has that kind.
    """
    for family in families():
        if family.kind == kind:
            return family
    known = ", ".join(family.kind for family in families())
    raise ModelError(f"{source} names the kind '{kind}', which no installed tracker family has; known are {known}.")


def tracker_in(description: Mapping[str, Any]) -> str:
    """Return the tracker that a model's description names: its network's `name` if it has one, else its kind."""
    return str(description.get("network", {}).get("name", description.get("kind")))
