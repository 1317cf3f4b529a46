# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A drone: small, fast targets, tight limits for loss, compressed images if asked for (image_transport:=compressed).

ros2 launch stdtrack_ros uav.launch.py image:=/camera/image_raw image_transport:=compressed
"""

from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument, IncludeLaunchDescription
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch.substitutions import PathJoinSubstitution
from launch_ros.substitutions import FindPackageShare


def generate_launch_description() -> LaunchDescription:
    """Declare the arguments whose defaults differ here, then include the launch file that all setups share."""
    share = FindPackageShare("stdtrack_ros")
    return LaunchDescription(
        [
            DeclareLaunchArgument(
                "params_file",
                default_value=PathJoinSubstitution([share, "config", "uav.yaml"]),
                description="YAML file of parameters.",
            ),
            IncludeLaunchDescription(
                PythonLaunchDescriptionSource(PathJoinSubstitution([share, "launch", "tracker.launch.py"]))
            ),
        ]
    )
