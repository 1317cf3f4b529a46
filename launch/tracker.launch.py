# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""One tracker_node on one camera: what the launch files for a setup (uav, ground_robot, replay) include.

Several cameras: one launch each, with a `namespace` each.
"""

from __future__ import annotations

import os

from launch import LaunchContext, LaunchDescription
from launch.actions import DeclareLaunchArgument, OpaqueFunction, SetEnvironmentVariable
from launch.substitutions import LaunchConfiguration, PathJoinSubstitution
from launch_ros.actions import Node
from launch_ros.substitutions import FindPackageShare

DDS_PROFILE_VARIABLES = ("FASTRTPS_DEFAULT_PROFILES_FILE", "FASTDDS_DEFAULT_PROFILES_FILE")
TRANSPORTS = ("raw", "compressed", "ffmpeg", "foxglove")
OVERRIDES = {
    "model": ("model.path", str),
    "provider": ("model.provider", str),
    "threads": ("model.threads", int),
    "image_transport": ("image_transport", str),
}
"""Arguments that stand for a parameter: empty leaves what the params_file says."""


def arguments() -> list[DeclareLaunchArgument]:
    """Declare every argument of this launch file, with what it means."""
    share = FindPackageShare("stdtrack_ros")
    profile = PathJoinSubstitution([share, "config", "fastdds.xml"])
    levels = ["debug", "info", "warn", "error", "fatal"]
    table = [
        ("namespace", "", "Namespace of the node and its topics; one for each camera.", None),
        ("name", "tracker_node", "Name of the node.", None),
        ("params_file", "", "YAML file of parameters; empty: every parameter at its default.", None),
        ("image", "image", "Topic of the camera's image (its /compressed, ... if asked for).", None),
        ("camera_info", "", "Topic of the camera's calibration, for bearings; empty: beside the image's.", None),
        ("camera_rates", "camera_rates", "Topic of the camera's angular velocity (camera_rates.message).", None),
        ("target_init", "target_init", "Topic that starts a target.", None),
        ("tracked_box", "tracked_box", "Topic of the results.", None),
        ("image_transport", "", "Which image topic is read; empty: as in params_file.", ["", *TRANSPORTS]),
        ("model", "", "Model file (.onnx, .pt); empty: as in params_file, else the model of this package.", None),
        (
            "provider",
            "",
            "Device; empty: as in params_file, else the fastest.",
            ["", "auto", "cpu", "cuda", "tensorrt"],
        ),
        ("threads", "", "CPU threads of the network; 0: all; empty: as in params_file.", None),
        ("use_sim_time", "false", "Take the time from /clock.", ["true", "false"]),
        ("operator", "false", "Also serve the operator's page.", ["true", "false"]),
        ("operator_host", "127.0.0.1", "Address of that page; 0.0.0.0: every network, with a token.", None),
        ("operator_port", "8088", "TCP port of that page.", None),
        ("log_level", "info", "Least level of the node's log lines.", levels),
        ("dds_profile", profile, "Fast DDS profile with room for large images; empty: leave the transport.", None),
    ]
    return [
        DeclareLaunchArgument(name, default_value=default, description=sentence, choices=choices)
        for name, default, sentence, choices in table
    ]


def set_transport(context: LaunchContext) -> list[SetEnvironmentVariable]:
    """Name the Fast DDS profile to every process that is launched from here on, unless the user chose one."""
    profile = LaunchConfiguration("dds_profile").perform(context)
    if not profile or any(variable in os.environ for variable in DDS_PROFILE_VARIABLES):
        return []
    return [SetEnvironmentVariable(variable, profile) for variable in DDS_PROFILE_VARIABLES]


def start_node(context: LaunchContext) -> list[Node]:
    """Start the node, and the operator's page if it is asked for, once the arguments have their values."""

    def value(name: str) -> str:
        return LaunchConfiguration(name).perform(context)

    given = {parameter: kind(value(name)) for name, (parameter, kind) in OVERRIDES.items() if value(name)}
    given["use_sim_time"] = value("use_sim_time") == "true"
    image = value("image")
    names = {name: value(name) or name for name in ("camera_info", "camera_rates", "target_init", "tracked_box")}
    names |= {"image": image} | {f"image/{name}": f"{image}/{name}" for name in TRANSPORTS[1:]}
    common = {
        "package": "stdtrack_ros",
        "namespace": value("namespace"),
        "remappings": [(name, topic) for name, topic in names.items() if name != topic],
        "arguments": ["--ros-args", "--log-level", value("log_level")],
        "output": "screen",
    }
    parameters = [*filter(None, [value("params_file")]), given]
    nodes = [Node(executable="tracker_node", name=value("name"), parameters=parameters, **common)]
    if value("operator") == "true":
        page = {"tracker": value("name"), "host": value("operator_host"), "port": int(value("operator_port"))}
        page["use_sim_time"] = given["use_sim_time"]
        nodes.append(Node(executable="operator_page", name=f"{value('name')}_page", parameters=[page], **common))
    return nodes


def generate_launch_description() -> LaunchDescription:
    """Declare the arguments, set the transport, start the node."""
    return LaunchDescription(
        [*arguments(), OpaqueFunction(function=set_transport), OpaqueFunction(function=start_node)]
    )
