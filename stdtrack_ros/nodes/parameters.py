# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""ROS parameters made from settings: one table of names, ranges, units and sentences serves both."""

from __future__ import annotations

import difflib
import math
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, Generic, Literal, TypeVar

import yaml
from rcl_interfaces.msg import FloatingPointRange, IntegerRange, ParameterDescriptor, SetParametersResult
from rclpy.parameter import Parameter

from stdtrack_ros.errors import SettingError
from stdtrack_ros.nodes.camera.bearing import Rectified
from stdtrack_ros.settings import (
    SettingGroup,
    SettingInfo,
    TrackerSettings,
    allowed,
    build_settings,
    describe,
    flatten,
    setting,
)

Settings = TypeVar("Settings", bound=SettingGroup)
Value = bool | int | float | str


class AnnotatedSettings(SettingGroup):
    """The picture for people, drawn only while someone subscribes to it."""

    scale: float = setting(0.5, "Size of the annotated image, as a fraction of the camera's.", ge=0.05, le=1.0)
    jpeg_quality: int = setting(80, "JPEG quality of image_annotated/compressed.", ge=1, le=100)


class RingSettings(SettingGroup):
    """The last frames, kept so that a target can be started on the frame that the operator saw."""

    frames: int = setting(150, "Most frames that are kept.", unit="frames", ge=1, le=10000, read_only=True)
    megabytes: int = setting(256, "Most memory for them.", unit="MB", ge=1, le=65536, read_only=True)


class RatesSettings(SettingGroup):
    """The camera's own rotation, by which tracked_box_predicted is corrected."""

    message: Literal["none", "imu", "vector3", "twist"] = setting(
        "none",
        "Message on camera_rates, the camera's angular velocity: sensor_msgs/Imu, geometry_msgs/Vector3Stamped or "
        "TwistStamped; none: predictions take the camera to turn on as before.",
        read_only=True,
    )
    max_age: float = setting(
        0.2,
        "Age of the newest rate, when a box is published, from which predictions do without; also the longest gap.",
        unit="s",
        ge=0.005,
        le=10.0,
    )


class TrackerNodeSettings(TrackerSettings):
    """All parameters of `tracker_node`: the tracker's own and those below."""

    autostart: bool = setting(
        True, "Configure and activate at once; off: wait for a lifecycle manager.", read_only=True
    )
    image_transport: Literal["raw", "compressed", "ffmpeg", "foxglove"] = setting(
        "raw",
        "Which topic is read: image (raw), image/compressed, or the video packets of image/ffmpeg or image/foxglove.",
        read_only=True,
    )
    image_reliability: Literal["best_effort", "reliable"] = setting(
        "best_effort",
        "Reliability asked of the camera; best_effort matches every camera, reliable only reliable ones.",
        read_only=True,
    )
    image_rectified: Rectified = setting(
        "auto",
        "The image is rectified (image_rect): bearings take CameraInfo's P and R, else K and D; auto: as the topic's "
        "name says, and the one matrix that is filled.",
    )
    prediction_horizon: float = setting(
        0.0,
        "How far beyond the time of publication tracked_box_predicted looks; cameras and actuators add their delays.",
        unit="s",
        ge=0.0,
        le=2.0,
    )
    stale_after: float = setting(
        0.5, "Time without a processed image after which targets are published as LOST.", unit="s", ge=0.05, le=60.0
    )
    no_image_after: float = setting(
        5.0, "Time without an image after which the log says why that may be.", unit="s", ge=0.1, le=3600.0
    )
    clock_jump: float = setting(
        1.0,
        "A stamp that moves by more, against the time that passed, is a jump of the clock.",
        unit="s",
        ge=0.05,
        le=3600.0,
    )
    max_targets: int = setting(4, "Most targets at a time.", unit="targets", ge=1, le=64)
    catch_up_frames: int = setting(
        30,
        "Most frames that a target started in the past runs through until it is live; more are skipped evenly.",
        unit="frames",
        ge=1,
        le=1000,
    )
    diagnostics_period: float = setting(1.0, "Time between two messages on /diagnostics.", unit="s", ge=0.1, le=60.0)
    annotated: AnnotatedSettings = AnnotatedSettings()
    camera_rates: RatesSettings = RatesSettings()
    ring: RingSettings = RingSettings()


def descriptor(info: SettingInfo) -> ParameterDescriptor:
    """Return what `ros2 param describe` shows of a setting."""
    unit = f" [{info.unit}]" if info.unit else ""
    result = ParameterDescriptor(
        name=info.name,
        description=f"{info.description}{unit}",
        additional_constraints=f"Allowed is {allowed(info)}.",
        read_only=info.read_only,
    )
    if info.minimum is None and info.maximum is None:
        return result
    low = -math.inf if info.minimum is None else info.minimum
    high = math.inf if info.maximum is None else info.maximum
    if info.kind is int:
        result.integer_range = [IntegerRange(from_value=int(low), to_value=int(high))]
    else:
        result.floating_point_range = [FloatingPointRange(from_value=float(low), to_value=float(high))]
    return result


def checked_value(info: SettingInfo, value: Any) -> Value:
    """Return the value in the setting's own type (an integer may stand for a number), or raise `SettingError`."""
    if info.kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if isinstance(value, bool) and str(value).lower() in info.choices:  # YAML reads true as a bool
        return str(value).lower()
    # A bool is an int to Python, and text that looks like a number is one to pydantic: neither is meant here.
    kind = type(value)
    if kind is not info.kind:
        raise SettingError(f"The parameter {info.name} cannot be {value!r}; allowed is {allowed(info)}.")
    result: Value = value
    return result


def unknown_names(names: Iterable[str], known: Iterable[str]) -> list[str]:
    """Return a sentence for each parameter given from outside that nobody declares, with the likely meaning."""
    table = list(known)
    sentences = []
    for name in names:
        if name in table or name == "use_sim_time" or name.startswith(("qos_overrides.", "start_type_description")):
            continue
        near = difflib.get_close_matches(name, table, n=1)
        hint = f"; did you mean {near[0]}?" if near else "."
        sentences.append(f"There is no parameter named {name}{hint}")
    return sentences


def files_of_other_nodes(arguments: Sequence[str], node: str) -> list[str]:
    """Return a sentence for each `--params-file` among a process's arguments in which nothing is for a node.

    Args:
        node: its full name, such as /front/tracker_node.
    """
    sentences = []
    for option, path in pairwise(arguments):
        if option != "--params-file":
            continue
        try:
            named = _node_names(yaml.safe_load(Path(path).read_text(encoding="utf-8")))
        except (OSError, ValueError, yaml.YAMLError):  # rcl itself refuses such a file
            continue
        if named and not any(_names(pattern, node) for pattern in named):
            sentences.append(
                f"Nothing in the parameter file {path} is for this node: it names {', '.join(named)}, and the node is "
                f"{node}; write that, or /** for any."
            )
    return sentences


def _node_names(content: Any, within: str = "") -> list[str]:
    """Return the names of nodes, with wildcards, that a parameter file gives parameters to."""
    if not isinstance(content, dict):
        return []
    if "ros__parameters" in content:
        return [within or "/"]
    return [name for key, part in content.items() for name in _node_names(part, f"{within}/{str(key).strip('/')}")]


def _names(pattern: str, node: str) -> bool:
    """Tell whether a name with wildcards (`*`: one part, `**`: any number of them) is that of a node."""
    parts = [{"**": r"(/[^/]+)*", "*": r"/[^/]+"}.get(part, f"/{re.escape(part)}") for part in pattern.split("/")[1:]]
    return re.fullmatch("".join(parts), node) is not None


class SettingsNode(Generic[Settings]):
    """Mixin before an rclpy node class: its parameters are one group of settings, always valid as a whole."""

    settings: Settings

    def declare_settings(self, group: type[Settings]) -> None:
        """Declare every setting of the group as a parameter, with the values given from outside.

        Raises:
            SettingError: a value from outside that is not allowed, with what is.
        """
        self._infos = {info.name: info for info in describe(group)}
        # rclpy checks values only while it declares them, one by one and in its own words.
        given = self._parameter_overrides  # type: ignore[attr-defined]
        others = files_of_other_nodes(sys.argv, self.get_fully_qualified_name())  # type: ignore[attr-defined]
        for sentence in [*others, *unknown_names(given, self._infos)]:
            self.get_logger().warning(sentence)  # type: ignore[attr-defined]
        self.settings = self._build(group, {name: given[name].value for name in given if name in self._infos})
        for name, value in flatten(self.settings).items():
            self.declare_parameter(name, value, descriptor(self._infos[name]), ignore_override=True)  # type: ignore[attr-defined]

    def set_parameters(self, parameter_list: list[Parameter]) -> list[SetParametersResult]:
        """Set parameters one by one, as in rclpy, each checked."""
        return [self.set_parameters_atomically([parameter]) for parameter in parameter_list]

    def set_parameters_atomically(self, parameter_list: list[Parameter]) -> SetParametersResult:
        """Set all parameters or none; a refusal says what is allowed."""
        ours = {parameter.name: parameter.value for parameter in parameter_list if parameter.name in self._infos}
        try:
            self._check_writable(ours)
            settings = self._build(type(self.settings), flatten(self.settings) | ours)
        except SettingError as error:
            self.settings_refused(str(error))
            return SetParametersResult(successful=False, reason=str(error))
        plain = flatten(settings)
        converted = [Parameter(p.name, value=plain[p.name]) if p.name in ours else p for p in parameter_list]
        result: SetParametersResult = super().set_parameters_atomically(converted)  # type: ignore[misc]
        if result.successful and ours:
            self.settings = settings
            self.settings_changed()
        return result

    def settings_changed(self) -> None:
        """React to a change of `settings` at run time."""

    def settings_refused(self, sentence: str) -> None:
        """React to a refused change; `sentence` is the reason."""

    def _build(self, group: type[Settings], values: Mapping[str, Any]) -> Settings:
        return build_settings(group, {name: checked_value(self._infos[name], value) for name, value in values.items()})

    def _check_writable(self, values: Mapping[str, Any]) -> None:
        for name, value in values.items():
            if value is None:
                raise SettingError(f"The parameter {name} cannot be deleted.")
            if self._infos[name].read_only:
                raise SettingError(f"The parameter {name} cannot change while the node runs; set it at the start.")
