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
KEYS = json.loads(Path(__file__).with_name("viewer_keys.json").read_text())
"""What each viewer's sources read of its file; a misspelt key would be passed over in silence."""
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


def unknown(given: Any, known: list[str], where: str) -> list[str]:
    """Name the keys that a viewer does not read."""
    return [f"{where}: {key}" for key in given if key not in known]


def of_mosaic(node: Any) -> Iterator[str]:
    """Yield the panels of a layout, whose splits have two sides each."""
    if isinstance(node, str):
        yield node
        return
    assert node.keys() == {"direction", "first", "second", "splitPercentage"} and node["direction"] in ("row", "column")
    yield from of_mosaic(node["first"])
    yield from of_mosaic(node["second"])


def test_foxglove_reads_every_key() -> None:
    keys, layout = KEYS["foxglove"], json.loads((VIEWERS / "foxglove.json").read_text())
    wrong = unknown(layout, keys["layout"], "layout")
    for name, config in layout["configById"].items():
        panel = name.partition("!")[0]
        titles = [key for key in config if key in keys["titles"]]
        assert not titles or sorted(titles) == keys["titles"], "each app has a key of its own for a panel's title"
        wrong += unknown(config.keys() - set(titles), keys["panels"][panel], name)
        wrong += unknown(config.get("imageMode", {}), keys["imageMode"], name)
        for path in config.get("paths", []):
            wrong += unknown(path, keys["path"], name)
            assert path["timestampMethod"] in keys["timestampMethod"]
        assert all(config[key] in keys[key] for key in ("legendDisplay", "xAxisVal") if key in config)
    assert not wrong
    tabs = layout["configById"][layout["layout"]]["tabs"]
    shown = [panel for tab in tabs for panel in of_mosaic(tab["layout"])]
    assert sorted([*shown, layout["layout"]]) == sorted(layout["configById"])


def test_rviz_reads_every_key() -> None:
    keys, file = KEYS["rviz"], yaml.safe_load((VIEWERS / "stdtrack.rviz").read_text())
    manager, always = file["Visualization Manager"], ["Class", "Enabled", "Name", "Value"]
    wrong = unknown(file, keys["file"], "file") + unknown(manager, keys["manager"], "manager")
    wrong += unknown([panel["Class"] for panel in file["Panels"]], keys["panels"], "panels")
    wrong += unknown(manager["Global Options"], keys["options"], "options")
    for display in manager["Displays"]:
        kind, topic = display["Class"], display.get("Topic", {})
        wrong += unknown(display, [*keys["displays"][kind], *always], kind)
        wrong += unknown(topic, keys["topic"].get(kind, []), f"{kind} Topic")
        assert all(topic[name] in choices for name, choices in keys["policies"].items() if topic)
    for tool in manager["Tools"]:
        wrong += unknown(tool, [*keys["tools"][tool["Class"]], "Class"], tool["Class"])
    view = manager["Views"]["Current"]
    wrong += unknown(view, [*keys["views"][view["Class"]], "Class"], "view")
    assert not wrong


def test_plotjuggler_reads_every_element_and_attribute() -> None:
    keys, root = KEYS["plotjuggler"], ElementTree.parse(VIEWERS / "plotjuggler.xml").getroot()
    wrong = []
    for element in root.iter():
        wrong += unknown([child.tag for child in element], keys["children"].get(element.tag, []), element.tag)
        wrong += unknown(element.keys(), keys["attributes"].get(element.tag, []), element.tag)
        for name, value in element.items():
            assert value in keys["choices"].get(name, [value]), f"{name}={value}"
    assert not wrong
    for splitter in root.iter("DockSplitter"):
        sizes = splitter.get("sizes", "").split(";")
        assert len(splitter) == len(sizes) == int(splitter.get("count", 0))
        assert sum(map(float, sizes)) == pytest.approx(1.0)


def test_a_field_that_is_not_there_is_found_out() -> None:
    kind = "stdtrack_ros/msg/TrackedBox"
    assert has_field(kind, "latency/nanosec") and has_field(kind, "bearing.x")
    assert not has_field(kind, "latency/millisec") and not has_field(kind, "qualities")
