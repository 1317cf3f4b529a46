# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The parameter files against the parameters that the node declares, and the Fast DDS profile."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import yaml

pytest.importorskip("rclpy")

from stdtrack_ros.nodes.parameters import TrackerNodeSettings, checked_value
from stdtrack_ros.settings import build_settings, describe

CONFIG = Path(__file__).resolve().parents[2] / "config"
FILES = sorted(CONFIG.glob("*.yaml"))
pytestmark = pytest.mark.ros


def _flat(table: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in table.items():
        flat |= _flat(value, f"{prefix}{name}.") if isinstance(value, dict) else {f"{prefix}{name}": value}
    return flat


def _parameters(path: Path) -> dict[str, Any]:
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert list(content) == ["/**"]  # any node name, any namespace
    return _flat(content["/**"]["ros__parameters"])


def test_every_setup_has_its_file() -> None:
    assert [path.stem for path in FILES] == ["ground_robot", "replay", "stark", "uav"]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_parameter_is_declared_and_its_value_allowed(path: Path) -> None:
    declared = {info.name: info for info in describe(TrackerNodeSettings)}
    parameters = _parameters(path)
    assert set(parameters) <= set(declared)
    values = {name: checked_value(declared[name], value) for name, value in parameters.items()}
    assert build_settings(TrackerNodeSettings, values) != TrackerNodeSettings()


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_ros_reads_the_file_into_the_node(path: Path) -> None:
    import rclpy
    from domain_coordinator import domain_id
    from rclpy.node import Node

    from stdtrack_ros.nodes.parameters import SettingsNode

    class Declaring(SettingsNode[TrackerNodeSettings], Node):
        def __init__(self, context: rclpy.Context) -> None:
            super().__init__("any_name", namespace="front", context=context)
            self.declare_settings(TrackerNodeSettings)

    context = rclpy.Context()
    with domain_id() as number:
        rclpy.init(args=["--ros-args", "--params-file", str(path)], context=context, domain_id=number)
        try:
            node = Declaring(context)
            for name, value in _parameters(path).items():
                assert node.get_parameter(name).value == value
            node.destroy_node()
        finally:
            rclpy.shutdown(context=context)


def test_the_setups_differ_where_the_work_does() -> None:
    uav, robot = (_parameters(CONFIG / f"{name}.yaml") for name in ("uav", "ground_robot"))
    assert uav["status.lost_after"] < TrackerNodeSettings().status.lost_after < robot["status.lost_after"]
    assert robot["model.threads"] > 0


def test_the_profile_has_room_for_a_720p_image_and_names_what_it_uses() -> None:
    space = {"p": "http://www.eprosima.com/XMLSchemas/fastRTPS_Profiles"}
    tree = ElementTree.parse(CONFIG / "fastdds.xml").getroot()
    defined = {element.text for element in tree.findall(".//p:transport_descriptor/p:transport_id", space)}
    used = {element.text for element in tree.findall(".//p:userTransports/p:transport_id", space)}
    assert defined == used
    size = tree.find(".//p:segment_size", space)
    assert size is not None and int(size.text or 0) > 4 * 1280 * 720 * 3
    participant = tree.find("p:participant", space)
    assert participant is not None and participant.get("is_default_profile") == "true"
