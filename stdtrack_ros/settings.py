# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Every setting of the tracker, once: name, type, default, range, unit, description.

ROS parameters, YAML files, command lines and the README's tables are all made from these classes. A nested setting is
named with dots (`memory.capacity`), as ROS names its parameters.
"""

from __future__ import annotations

import copyreg
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model, field_validator

from stdtrack_ros.errors import SettingError
from stdtrack_ros.families import plugged_in, tracker_names


class SettingGroup(BaseModel):
    """A group of settings: frozen, and closed to names that it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=False, validate_default=True)


Group = TypeVar("Group", bound=SettingGroup)


def setting(
    default: Any,
    description: str,
    *,
    unit: str = "",
    ge: float | None = None,
    le: float | None = None,
    read_only: bool = False,
    choices: Callable[[], Iterable[str]] | None = None,
) -> Any:
    """Make a pydantic field with the marks that ROS parameters need: range, unit, whether it may change at run time.

    Args:
        choices: gives the allowed strings, if they are known at run time only; the group validates them.
    """
    extra: dict[str, Any] = {"unit": unit, "read_only": read_only, "choices": choices}
    return Field(default, description=description, ge=ge, le=le, json_schema_extra=extra)


class ModelSettings(SettingGroup):
    """Which network runs, and on what."""

    path: str = setting(
        "", "Model file (.onnx, or .pt for PyTorch); empty: the model that ships with this package.", read_only=True
    )
    backend: Literal["auto", "onnx", "openvino", "torch"] = setting(
        "auto",
        "What runs the network; auto: ONNX Runtime for .onnx, PyTorch for .pt; openvino runs .onnx too.",
        read_only=True,
    )
    provider: Literal["auto", "cpu", "cuda", "tensorrt"] = setting(
        "auto", "Device of the network; auto takes the fastest one that starts here.", read_only=True
    )
    precision: Literal["auto", "fp32", "int8"] = setting(
        "auto",
        "Numbers of the network; auto: 8 bits if the model has a form for this processor's instructions, else 32.",
        read_only=True,
    )
    require_provider: bool = setting(
        False,
        "Refuse to start, instead of falling back to the CPU, if the provider asked for does not start.",
        read_only=True,
    )
    threads: int = setting(
        0, "CPU threads of the network, and of OpenCV; 0: all cores.", unit="threads", ge=0, le=256, read_only=True
    )


class IntensitySettings(SettingGroup):
    """How images of more than 8 bits, and of little contrast, are brought to 8 bits."""

    low: float = setting(0.0, "Number of the sensor that is shown as black.", unit="counts", ge=0.0, le=65535.0)
    high: float = setting(
        0.0,
        "Number that is shown as white; not above low: both are measured when a target starts.",
        unit="counts",
        ge=0.0,
        le=65535.0,
    )
    adaptation_time: float = setting(
        10.0,
        "Time constant with which a measured range follows the scene while the target is TRACKING.",
        unit="s",
        ge=0.1,
        le=3600.0,
    )


class SearchSettings(SettingGroup):
    """Where and how the search window is read."""

    window: Literal["auto", "small", "large"] = setting(
        "auto",
        "Search window; auto: small while the target is TRACKING, sure and slow, else large, as it is after "
        "dropped frames and under 8 frames/s.",
    )
    fast_motion: float = setting(
        0.35,
        "Motion expected from frame to frame from which on the window is large.",
        unit="target sizes",
        ge=0.0,
        le=10.0,
    )
    window_influence: float = setting(
        0.8, "Weight of the Hann window in the choice of the peak; 0 none, 1 the full product.", ge=0.0, le=1.0
    )
    size_time_constant: float = setting(
        0.06,
        "Time constant with which width and height follow what the network shows while TRACKING; 0: at once.",
        unit="s",
        ge=0.0,
        le=10.0,
    )
    extent_weight: float = setting(
        0.6,
        "How far boxes take over the extent of the box of the start, as far as the network would draw another one; "
        "0: not at all.",
        ge=0.0,
        le=1.0,
    )
    elsewhere_interval: float = setting(
        0.3,
        "Time between two looks elsewhere in the frame while the target is sure (the first come sooner): what the "
        "network finds there is something else, and is not taken for the target later. Each costs a run of the "
        "network, and is left out if the node has no time for it before the next frame; 0: none.",
        unit="s",
        ge=0.0,
        le=60.0,
    )
    clip_margin: float = setting(
        10.0, "The box keeps at least this much of itself inside the image.", unit="px", ge=0.0, le=200.0
    )


class MemorySettings(SettingGroup):
    """The Spatiotemporal Token Maintainer (STM)."""

    policy: Literal["quality", "fifo"] = setting(
        "quality",
        "Which frame a full memory gives up: the one of lowest quality (the paper), or the oldest.",
        read_only=True,
    )
    capacity: int = setting(
        0, "Number of stored frames; 0: as the model was trained.", unit="frames", ge=0, le=16, read_only=True
    )
    spacing: int = setting(5, "Frames between two stored ones.", unit="frames", ge=1, le=1000, read_only=True)
    store_quality: float = setting(0.6, "Quality that a frame must have to be stored.", ge=0.0, le=1.0, read_only=True)


class StatusSettings(SettingGroup):
    """When a target counts as uncertain or lost."""

    enabled: bool = setting(True, "Detect that the target is lost; off: always TRACKING, as the published trackers do.")
    uncertain_quality: float = setting(0.4, "Quality under which the target becomes UNCERTAIN.", ge=0.0, le=1.0)
    certain_quality: float = setting(0.5, "Quality from which an UNCERTAIN target is TRACKING again.", ge=0.0, le=1.0)
    lost_quality: float = setting(0.2, "Quality under which the time to LOST runs.", ge=0.0, le=1.0)
    uncertain_frames: int = setting(
        2, "Frames in a row under uncertain_quality that make a target UNCERTAIN.", unit="frames", ge=1, le=1000
    )
    lost_after: float = setting(
        0.3, "Time without a certain frame after which the target is LOST.", unit="s", ge=0.0, le=60.0
    )
    lost_frames: int = setting(
        8,
        "Frames without a certain one that it takes as well: few frames of a slow camera are little evidence.",
        unit="frames",
        ge=1,
        le=1000,
    )
    memory_similarity: float = setting(
        0.6,
        "Cosine similarity to a frame of the STM under which a frame has quality 0.",
        ge=-1.0,
        le=1.0,
    )
    sparse_similarity: float = setting(
        0.5,
        "The same if the frames are 0.09 s or more apart: looks change more from one to the next.",
        ge=-1.0,
        le=1.0,
    )
    elsewhere_similarity: float = setting(
        0.65,
        "The same if the box does not overlap the expected one.",
        ge=-1.0,
        le=1.0,
    )
    distractor_similarity: float = setting(
        0.85,
        "The same for a distractor that was rejected just before, as long as it stays where it was.",
        ge=-1.0,
        le=1.0,
    )
    follow_similarity: float = setting(
        0.6,
        "Cosine similarity to a frame of the STM from which what was found is followed however low its quality, and "
        "it takes 5 times `lost_after` until the target is LOST.",
        ge=-1.0,
        le=1.0,
    )


class MotionSettings(SettingGroup):
    """The motion model that carries the search window while the target is not seen.

    The six last were fitted to a model's errors (`tools/fit_motion.py`).
    """

    enabled: bool = setting(
        True, "Carry the search window on by the estimated velocity, and coast on it while UNCERTAIN or LOST."
    )
    velocity_decay_time: float = setting(
        0.5, "Time constant with which the velocity decays while the target is not seen.", unit="s", ge=0.001, le=60.0
    )
    center_noise: float = setting(
        0.048, "Standard deviation of a measured centre.", unit="target sizes", ge=0.001, le=10.0
    )
    size_noise: float = setting(
        0.128, "Standard deviation of a measured width or height.", unit="target sizes", ge=0.001, le=10.0
    )
    low_quality_noise_gain: float = setting(
        6.0, "Both deviations are multiplied by 1 + this * (1 - quality).", ge=0.0, le=100.0
    )
    acceleration_noise: float = setting(
        8.0, "Standard deviation of the velocity after one second.", unit="target sizes/s", ge=0.001, le=1000.0
    )
    growth_noise: float = setting(
        0.4, "Standard deviation of width or height after one second.", unit="target sizes", ge=0.001, le=100.0
    )
    doubt_noise: float = setting(
        2.2,
        "Standard deviation that is added to the published centre's while UNCERTAIN or LOST: the box may have left the "
        "target before that was noticed.",
        unit="target sizes",
        ge=0.0,
        le=100.0,
    )


class RedetectionSettings(SettingGroup):
    """The search for a LOST target."""

    enabled: bool = setting(True, "Search for a LOST target; off: it stays LOST until it is started again.")
    crops_per_frame: int = setting(
        1,
        "Windows tried in one frame while LOST; each costs one run of the network, as a frame costs while TRACKING.",
        unit="windows",
        ge=1,
        le=64,
    )
    crops_per_second: float = setting(
        60.0,
        "Windows tried in a second while LOST: those beyond `crops_per_frame` after the frame's result is out, as far "
        "as there is time before the next frame.",
        unit="windows/s",
        ge=0.0,
        le=1000.0,
    )
    changed_looks: bool = setting(
        True,
        "Look at what may be a LOST target as if it had turned, or were in another light, too; as far as there is time "
        "before the next frame.",
    )
    accept_quality: float = setting(0.6, "Quality that a candidate must reach.", ge=0.0, le=1.0)
    accept_frames: int = setting(3, "Frames that must agree on a candidate (k of n).", unit="frames", ge=1, le=100)
    window_frames: int = setting(5, "Frames among which they must lie (n).", unit="frames", ge=1, le=100)
    memory_similarity: float = setting(
        0.74, "Cosine similarity to a frame of the STM that a candidate must reach.", ge=-1.0, le=1.0
    )


class StarkSettings(SettingGroup):
    """What only the STARK trackers read."""

    update_interval: int = setting(
        200,
        "Frames between two replacements of the dynamic template.",
        unit="frames",
        ge=1,
        le=100000,
        read_only=True,
    )
    update_score: float = setting(
        0.5, "Score above which a frame may become the dynamic template.", ge=0.0, le=1.0, read_only=True
    )


class TrackerSettings(SettingGroup):
    """All settings of one tracker."""

    tracker: str = setting("stdtrack", "The tracker to run.", read_only=True, choices=tracker_names)
    model: ModelSettings = ModelSettings()
    intensity: IntensitySettings = IntensitySettings()
    search: SearchSettings = SearchSettings()
    memory: MemorySettings = MemorySettings()
    status: StatusSettings = StatusSettings()
    motion: MotionSettings = MotionSettings()
    redetection: RedetectionSettings = RedetectionSettings()
    stark: StarkSettings = StarkSettings()

    @field_validator("tracker")
    @classmethod
    def _installed(cls, tracker: str) -> str:
        if tracker not in tracker_names():
            raise ValueError("no installed family has it")
        return tracker


@cache
def _with_plugged_in(group: Any) -> Any:
    added: dict[str, Any] = {
        family.kind: (family.part("settings"), family.part("settings")()) for family in plugged_in() if family.settings
    }
    if not added:
        return group
    return _pickled_by_values(create_model(group.__name__, __base__=group, **added))


def _pickled_by_values(group: Any) -> Any:
    """Let other processes make a group again: made at run time, its class can be found by no name."""
    copyreg.pickle(group, _by_values)
    return group


def with_plugged_in(group: type[Group]) -> type[Group]:
    """Return a group of tracker settings with the groups of the tracker families that installed packages add."""
    extended: type[Group] = _with_plugged_in(group)
    return extended


def _by_values(settings: SettingGroup) -> tuple[Any, ...]:
    return _remake, (type(settings).__base__, flatten(settings))


def _remake(group: type[Group], values: Mapping[str, Any]) -> Group:
    return build_settings(with_plugged_in(group), values)


@dataclass(frozen=True, slots=True)
class SettingInfo:
    """What is known of one setting.

    Attributes:
        name: dotted name.
        kind: bool, int, float or str.
        minimum, maximum: inclusive range of a number, None if open.
        choices: the allowed strings, empty if any is.
    """

    name: str
    kind: type
    default: bool | int | float | str
    description: str
    unit: str
    minimum: float | None
    maximum: float | None
    choices: tuple[str, ...]
    read_only: bool


def describe(group: type[SettingGroup], prefix: str = "") -> Iterator[SettingInfo]:
    """Return every setting of a group and of the groups in it, in the order of declaration."""
    for name, field in group.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, SettingGroup):
            yield from describe(kind, f"{prefix}{name}.")
            continue
        marks: dict[str, Any] = field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}
        choices = tuple(marks["choices"]() if marks.get("choices") else getattr(kind, "__args__", ()))
        limits = {key: getattr(mark, key) for mark in field.metadata for key in ("ge", "le") if hasattr(mark, key)}
        yield SettingInfo(
            name=f"{prefix}{name}",
            kind=str if choices else kind,  # type: ignore[arg-type]
            default=field.default,
            description=field.description or "",
            unit=str(marks.get("unit", "")),
            minimum=limits.get("ge"),
            maximum=limits.get("le"),
            choices=choices,
            read_only=bool(marks.get("read_only", False)),
        )


def make_settings(values: Mapping[str, Any]) -> TrackerSettings:
    """Build tracker settings from dotted names (`{"memory.capacity": 4}`); what is not named keeps its default.

    Raises:
        SettingError: a name that does not exist, or a value that is not allowed, with what is.
    """
    return build_settings(with_plugged_in(TrackerSettings), values)


def build_settings(group: type[Group], values: Mapping[str, Any]) -> Group:
    """Build any group of settings from dotted names, as `make_settings` does."""
    nested: dict[str, Any] = {}
    for name, value in values.items():
        *groups, leaf = name.split(".")
        place = nested
        for part in groups:
            place = place.setdefault(part, {})
        place[leaf] = value
    try:
        return group.model_validate(nested)
    except ValidationError as error:
        raise SettingError(_sentences(group, error)) from None


def flatten(settings: SettingGroup) -> dict[str, bool | int | float | str]:
    """Return settings as dotted names and plain values; `build_settings(type(s), flatten(s)) == s`."""
    values: dict[str, bool | int | float | str] = {}
    for info in describe(type(settings)):
        value: Any = settings
        for part in info.name.split("."):
            value = getattr(value, part)
        values[info.name] = value
    return values


def load_settings(path: Path) -> TrackerSettings:
    """Load the tracker's settings from a file; parameters of the node beside them in a ROS parameter file are no error.

    Raises:
        SettingError: see `read_settings_file`; a setting that does not exist, or a value that is not allowed.
    """
    values, of_node = read_settings_file(path)
    groups = {info.name.split(".")[0] for info in describe(with_plugged_in(TrackerSettings))}
    return make_settings({name: value for name, value in values.items() if not of_node or name.split(".")[0] in groups})


def read_settings_file(path: Path) -> tuple[dict[str, Any], bool]:
    """Read values by dotted name from a ROS parameter file (`/**: {ros__parameters: {...}}`) or a plain nested table.

    Returns:
        The values, and whether it is a ROS parameter file.

    Raises:
        SettingError: the file cannot be read, or holds no table.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError, UnicodeDecodeError) as error:
        raise SettingError(f"The settings file {path} cannot be read: {error}") from None
    if not isinstance(content, dict):
        raise SettingError(f"The settings file {path} holds {type(content).__name__}, not a table of names and values.")
    for node in content.values():
        if isinstance(node, dict) and "ros__parameters" in node:
            return dict(_dotted(node["ros__parameters"] or {})), True
    return dict(_dotted(content)), False


def _dotted(table: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in table.items():
        if isinstance(value, Mapping):
            yield from _dotted(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def _sentences(group: type[SettingGroup], error: ValidationError) -> str:
    infos = {info.name: info for info in describe(group)}
    parts = []
    for item in error.errors():
        name = ".".join(str(part) for part in item["loc"])
        info = infos.get(name)
        if info is None:
            parts.append(f"There is no setting named '{name}'.")
        else:
            parts.append(f"The setting {name} cannot be {item['input']!r}; allowed is {allowed(info)}.")
    return " ".join(parts)


def allowed(info: SettingInfo) -> str:
    """Describe in words what a setting takes: `a number of type float from 0 to 1`."""
    if info.choices:
        return "one of " + ", ".join(info.choices)
    words = {bool: "true or false", int: "an integer", float: "a number", str: "a text"}[info.kind]
    if info.minimum is not None:
        words += f" from {info.minimum:g}"
    if info.maximum is not None:
        words += f" to {info.maximum:g}"
    return f"{words} ({info.unit})" if info.unit else words
