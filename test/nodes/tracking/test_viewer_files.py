# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The files for Foxglove, RViz and PlotJuggler: their topics and fields are those of a running node or a bag."""

from __future__ import annotations

import json
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import yaml
from node_bench import Bench, running

from stdtrack_ros.evaluation.annotated_bag import Topics

pytestmark = pytest.mark.ros
VIEWERS = Path(__file__).resolve().parents[3] / "config" / "viewers"
IN_A_BAG = Topics("/camera/image_raw").added()
IMAGES = {"sensor_msgs/msg/Image", "sensor_msgs/msg/CompressedImage"}


def published(bench: Bench, tmp_path: Path) -> dict[str, str]:
    """Return the types of the topics that a running node publishes, as their names are without a namespace."""
    namespace = bench.get_namespace()

    def known() -> dict[str, str]:
        if ("tracker_node", namespace) not in bench.get_node_names_and_namespaces():
            return {}
        found = bench.get_publisher_names_and_types_by_node("tracker_node", namespace)
        return {name.removeprefix(namespace): types[0] for name, types in found}

    with running(tmp_path / "log", bench, warm=False):
        return bench.wait(lambda: "/bearing_marker" in known() and known(), "the last of the node's publishers")


def has_field(kind: str, path: str) -> bool:
    """Tell whether a message has a field, named with dots or slashes."""
    package, folder, name = kind.split("/")
    fields = getattr(import_module(f"{package}.{folder}"), name).get_fields_and_field_types()
    first, _, rest = path.replace("/", ".").partition(".")
    if first not in fields:
        return False
    return not rest or has_field(fields[first].replace("/", "/msg/"), rest)


def of_foxglove(node: Any) -> Iterator[tuple[str, str]]:
    """Yield what a layout names, and what it is there: a path, an image, annotations, diagnostics."""
    for key, value in node.items() if isinstance(node, dict) else enumerate(node):
        if key in ("value", "imageTopic", "topicToRender"):
            yield key, value
        elif key == "annotations":
            yield from ((key, topic) for topic in value)
        elif isinstance(value, (dict, list)):
            yield from of_foxglove(value)


def test_foxglove(bench: Bench, tmp_path: Path) -> None:
    pytest.importorskip("foxglove_msgs.msg", reason="`make test-environment` builds it")
    topics = published(bench, tmp_path) | IN_A_BAG
    layout = json.loads((VIEWERS / "foxglove.json").read_text())
    named = list(of_foxglove(layout["configById"]))
    for kind, text in named:
        topic, _, field = text.partition(".")
        assert topic in topics, text
        if kind == "imageTopic":
            assert topics[topic] in IMAGES
        elif kind == "annotations":
            assert topics[topic] == "foxglove_msgs/msg/ImageAnnotations"
        elif kind == "topicToRender":
            assert topics[topic] == "diagnostic_msgs/msg/DiagnosticArray"
        else:
            assert has_field(topics[topic], field), text
    fields = {text.rpartition(".")[2] for kind, text in named if kind == "value"}
    assert fields == {"status", "quality", "latency"}
    shown = json.dumps([layout["layout"], layout["configById"]["Tab!root"]])
    assert all(f'"{panel}"' in shown for panel in layout["configById"]), "a panel that no tab shows"


def test_plotjuggler(bench: Bench, tmp_path: Path) -> None:
    topics = published(bench, tmp_path) | IN_A_BAG
    curves = [one.get("name", "") for one in ElementTree.parse(VIEWERS / "plotjuggler.xml").iter("curve")]
    assert len(curves) >= 4
    for curve in curves:
        (topic,) = [name for name in topics if curve.startswith(f"{name}/")]
        assert has_field(topics[topic], curve.removeprefix(f"{topic}/")), curve


def test_rviz(bench: Bench, tmp_path: Path) -> None:
    topics = published(bench, tmp_path)
    displays = yaml.safe_load((VIEWERS / "stdtrack.rviz").read_text())["Visualization Manager"]["Displays"]
    wanted = {one["Class"].rpartition("/")[2]: one["Topic"]["Value"] for one in displays if "Topic" in one}
    assert {kind: topics[topic] for kind, topic in wanted.items()} == {
        "Image": "sensor_msgs/msg/Image",
        "Marker": "visualization_msgs/msg/Marker",
    }


def test_a_field_that_is_not_there_is_found_out() -> None:
    kind = "stdtrack_ros/msg/TrackedBox"
    assert has_field(kind, "latency/nanosec") and has_field(kind, "bearing.x")
    assert not has_field(kind, "latency/millisec") and not has_field(kind, "qualities")
