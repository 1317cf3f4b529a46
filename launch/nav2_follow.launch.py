# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A target for Nav2's FollowObject: the tracker, and target_pose with an aligned depth image, in a fixed frame.

ros2 launch stdtrack_ros nav2_follow.launch.py image:=/camera/color/image_raw camera_info:=/camera/color/camera_info \
    depth:=/camera/aligned_depth_to_color/image_raw
"""

from __future__ import annotations

from launch import LaunchContext, LaunchDescription
from launch.actions import DeclareLaunchArgument, IncludeLaunchDescription, OpaqueFunction
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch.substitutions import LaunchConfiguration, PathJoinSubstitution
from launch_ros.actions import Node
from launch_ros.substitutions import FindPackageShare


def arguments() -> list[DeclareLaunchArgument]:
    """Return what is taken beside the arguments of tracker.launch.py."""
    share = FindPackageShare("stdtrack_ros")
    params_file = PathJoinSubstitution([share, "config", "ground_robot.yaml"])
    return [
        DeclareLaunchArgument("params_file", default_value=params_file, description="YAML file of parameters."),
        DeclareLaunchArgument("depth", default_value="depth", description="Depth image aligned to the image."),
        DeclareLaunchArgument("fixed_frame", default_value="odom", description="Frame of the poses, over TF."),
        DeclareLaunchArgument(
            "pose_topic", default_value="detected_dynamic_pose", description="Topic of the poses, for FollowObject."
        ),
    ]


def start_target_pose(context: LaunchContext) -> list[Node]:
    """Return the node, once the arguments have their values."""

    def value(name: str) -> str:
        return LaunchConfiguration(name).perform(context)

    names = {name: value(name) for name in ("camera_info", "depth", "tracked_box")}
    names["target_pose"] = value("pose_topic")
    return [
        Node(
            package="stdtrack_ros",
            executable="target_pose",
            namespace=value("namespace"),
            parameters=[{"fixed_frame": value("fixed_frame"), "use_sim_time": value("use_sim_time") == "true"}],
            remappings=list(names.items()),
            output="screen",
        )
    ]


def generate_launch_description() -> LaunchDescription:
    """Return tracker and target_pose."""
    tracker = PathJoinSubstitution([FindPackageShare("stdtrack_ros"), "launch", "tracker.launch.py"])
    return LaunchDescription(
        [
            *arguments(),
            IncludeLaunchDescription(PythonLaunchDescriptionSource(tracker)),
            OpaqueFunction(function=start_target_pose),
        ]
    )
