# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Parameters are the settings: the same names, ranges and sentences, and a refusal says what is allowed."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import pytest
from parameter_node import ParameterNode
from rclpy.parameter import Parameter

from stdtrack_ros.errors import SettingError
from stdtrack_ros.nodes.parameters import TrackerNodeSettings, descriptor, files_of_other_nodes, unknown_names
from stdtrack_ros.settings import TrackerSettings, describe

pytestmark = pytest.mark.ros


@pytest.fixture
def node(ros: None) -> Iterator[ParameterNode]:
    one = ParameterNode()
    yield one
    one.destroy_node()


def test_every_setting_of_the_tracker_is_a_parameter_with_its_default(node: ParameterNode) -> None:
    for info in describe(TrackerSettings):
        assert node.get_parameter(info.name).value == info.default, info.name
        said = node.describe_parameter(info.name)
        assert info.description in said.description and said.read_only == info.read_only
        assert f"[{info.unit}]" in said.description or not info.unit


def test_ranges_reach_the_descriptor(node: ParameterNode) -> None:
    scale = node.describe_parameter("annotated.scale").floating_point_range[0]
    assert (scale.from_value, scale.to_value) == (0.05, 1.0)
    capacity = node.describe_parameter("memory.capacity").integer_range[0]
    assert (capacity.from_value, capacity.to_value) == (0, 16)


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("annotated.scale", 3.0, "a number from 0.05 to 1"),
        ("annotated.scale", math.nan, "a number from 0.05 to 1"),
        ("annotated.scale", "large", "'large'; allowed is a number from 0.05 to 1"),
        ("annotated.scale", True, "a number from 0.05 to 1"),
        ("max_targets", 2.5, "an integer from 1 to 64"),
        ("max_targets", "2", "an integer from 1 to 64"),
        ("redetection.enabled", 1, "true or false"),
        ("image_rectified", 1, "one of auto, true, false"),
        ("stale_after", -1, "a number from 0.05 to 60 (s)"),
        ("model.path", "other.onnx", "cannot change while the node runs"),
        ("annotated.scale", None, "cannot be deleted"),
        ("annotated.scale", [1.0, 2.0], "a number from 0.05 to 1"),
    ],
)
def test_a_wrong_value_is_refused_with_what_is_allowed(
    node: ParameterNode, name: str, value: object, words: str
) -> None:
    before = node.settings
    result = node.set_parameters_atomically([Parameter(name, value=value)])
    assert not result.successful
    assert name in result.reason and words in result.reason
    assert node.settings is before and node.changes == 0


def test_a_good_value_takes_effect(node: ParameterNode) -> None:
    assert node.set_parameters([Parameter("status.lost_after", value=0.7)])[0].successful
    assert node.settings.status.lost_after == 0.7 and node.changes == 1


def test_a_bool_may_stand_for_its_word_among_choices(node: ParameterNode) -> None:
    assert node.settings.image_rectified == "auto"
    assert node.set_parameters_atomically([Parameter("image_rectified", value=True)]).successful
    assert node.settings.image_rectified == "true" and node.get_parameter("image_rectified").value == "true"
    assert node.set_parameters_atomically([Parameter("image_rectified", value="auto")]).successful


def test_an_integer_may_stand_for_a_number(node: ParameterNode) -> None:
    assert node.set_parameters_atomically([Parameter("stale_after", value=2)]).successful
    assert node.settings.stale_after == 2.0
    assert node.get_parameter("stale_after").type_ == Parameter.Type.DOUBLE


def test_of_several_values_all_or_none_take_effect(node: ParameterNode) -> None:
    good, wrong = Parameter("status.lost_after", value=0.9), Parameter("annotated.scale", value=9.0)
    assert not node.set_parameters_atomically([good, wrong]).successful
    assert node.get_parameter("status.lost_after").value == TrackerSettings().status.lost_after


def test_parameters_of_ros_itself_pass(node: ParameterNode) -> None:
    assert node.set_parameters_atomically([Parameter("use_sim_time", value=False)]).successful


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"max_targets": "many"}, "max_targets cannot be 'many'; allowed is an integer from 1 to 64"),
        ({"image_transport": "smoke"}, "one of raw, compressed"),
        ({"memory__capacity": 99}, "memory.capacity.*an integer from 0 to 16"),
        ({"memory__policy": "random"}, "one of quality, fifo"),
    ],
)
def test_a_wrong_value_at_the_start_is_refused(ros: None, given: dict[str, object], words: str) -> None:
    with pytest.raises(SettingError, match=words):
        ParameterNode(**given)


def test_values_at_the_start_are_taken(ros: None) -> None:
    node = ParameterNode(memory__capacity=3, stale_after=1)
    assert node.settings.memory.capacity == 3 and node.get_parameter("stale_after").value == 1.0
    node.destroy_node()


def test_a_misspelt_name_is_met_with_the_likely_one() -> None:
    known = [info.name for info in describe(TrackerNodeSettings)]
    assert unknown_names(["memory.capasity"], known) == [
        "There is no parameter named memory.capasity; did you mean memory.capacity?"
    ]
    assert unknown_names(["use_sim_time", "qos_overrides./image.subscription.depth", "stale_after"], known) == []


def test_each_descriptor_says_what_is_allowed() -> None:
    for info in describe(TrackerNodeSettings):
        said = descriptor(info)
        assert said.additional_constraints.startswith("Allowed is ") and said.description


@pytest.mark.parametrize(
    ("key", "fits"),
    [
        ("/**:", True),
        ("tracker_node:", False),
        ("/front/tracker_node:", True),
        ("/*/tracker_node:", True),
        ("/*/*/tracker_node:", False),
        ("/**/tracker_node:", True),
        ("tracker:", False),
        ("front: {tracker_node:", True),
        ("back: {tracker_node:", False),
    ],
)
def test_a_file_for_another_node_is_told(tmp_path: Path, key: str, fits: bool) -> None:
    file = tmp_path / "tracker.yaml"
    file.write_text(f"{key} {{ros__parameters: {{stale_after: 0.5}}}}" + "}" * key.count("{"))
    arguments = ["node", "--ros-args", "--params-file", str(file), "-r", "__ns:=/front"]
    sentences = files_of_other_nodes(arguments, "/front/tracker_node")
    assert [("tracker.yaml" in one, "the node is /front/tracker_node" in one) for one in sentences] == (
        [] if fits else [(True, True)]
    )
