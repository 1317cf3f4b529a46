# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What the package uses of rclpy, launch and launch_ros exists in every distribution that the README names."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]


def _load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("ros_interfaces", ROOT / "tools" / "ros_interfaces.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


interfaces = _load()
JAZZY = interfaces.load("jazzy")
HUMBLE = interfaces.load("humble")


@pytest.mark.parametrize("distro", ["humble", "jazzy", "kilted", "lyrical"])
@pytest.mark.parametrize(
    "path", interfaces.checked_files(), ids=lambda path: path.relative_to(ROOT).as_posix().removeprefix("stdtrack_ros/")
)
def test_every_ros_name_and_keyword_exists(distro: str, path: Path) -> None:
    assert interfaces.problems(path.read_text(encoding="utf-8"), interfaces.load(distro), JAZZY) == []


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        (
            "from rclpy.event_handler import SubscriptionEventCallbacks",
            "rclpy.event_handler.SubscriptionEventCallbacks",
        ),
        ("import rclpy.event_handler", "rclpy.event_handler does not exist"),
        ("import rclpy\nrclpy.spin_for(1)", "rclpy.spin_for does not exist"),
        ("import rclpy\nrclpy.init(argv=None)", "rclpy.init takes no argv"),
        ("from launch_ros.actions import Node\nNode(executabel='a')", "launch_ros.actions.Node takes no executabel"),
        ("from rclpy.clock import ClockType\nClockType.WALL_TIME", "rclpy.clock.ClockType.WALL_TIME does not exist"),
        ("def f(node):\n    node.create_timer(1.0, f, autostart=False)", "no method create_timer takes autostart"),
        ("def f(node):\n    node.wait_for_node('a', 1.0)", "no class has a member wait_for_node"),
    ],
)
def test_what_humble_lacks_is_found(source: str, problem: str) -> None:
    found = interfaces.problems(source, HUMBLE, JAZZY)
    assert len(found) == 1
    assert problem in found[0]


def test_keywords_reach_the_base_classes() -> None:
    source = "from launch_ros.actions import Node\nNode(executable='a', package='b', output='screen', condition=None)"
    assert interfaces.problems(source, HUMBLE, JAZZY) == []


def test_one_of_two_imports_is_enough() -> None:
    either = "try:\n    from rclpy.event_handler import A\nexcept ImportError:\n    from rclpy.qos_event import "
    assert interfaces.problems(f"{either}QoSEventHandler", HUMBLE, JAZZY) == []
    assert len(interfaces.problems(f"{either}Nothing", HUMBLE, JAZZY)) == 2


def test_the_record_agrees_with_the_rclpy_that_runs_here() -> None:
    """The recorder's reading of the sources against Python's own of the installed module."""
    node = importlib.import_module("rclpy.node").Node
    recorded = interfaces.load(_running_distribution()).modules["rclpy.node"]["Node"]
    assert list(inspect.signature(node.__init__).parameters)[1:] == recorded["call"]
    for name in ("create_subscription", "create_publisher", "declare_parameter"):
        parameters = list(inspect.signature(getattr(node, name)).parameters.values())[1:]
        names = ["**" if parameter.kind is parameter.VAR_KEYWORD else parameter.name for parameter in parameters]
        assert names == recorded["members"][name], name


def _running_distribution() -> str:
    from importlib.metadata import version

    return {"7": "jazzy", "9": "kilted"}[version("ros-rclpy").partition(".")[0]]
