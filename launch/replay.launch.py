# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A recording in, results out: plays a bag or a video in its own time, tracks, records the boxes, and ends with it.

ros2 launch stdtrack_ros replay.launch.py source:=/data/flight.mcap init:=512,300,48,36 out:=boxes.csv
"""

from __future__ import annotations

from launch import LaunchContext, LaunchDescription
from launch.actions import (
    DeclareLaunchArgument,
    IncludeLaunchDescription,
    OpaqueFunction,
    RegisterEventHandler,
    Shutdown,
    TimerAction,
)
from launch.event_handlers import OnProcessExit
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch.substitutions import LaunchConfiguration, PathJoinSubstitution
from launch_ros.actions import Node
from launch_ros.substitutions import FindPackageShare

LAST_FRAMES_S = 2.0
"""Time after the end of the recording in which the last results still arrive."""


def arguments() -> list[DeclareLaunchArgument]:
    """Declare what a replay takes beside the arguments of tracker.launch.py."""
    share = FindPackageShare("stdtrack_ros")
    params_file = PathJoinSubstitution([share, "config", "replay.yaml"])
    return [
        DeclareLaunchArgument("source", description="Bag (folder, .mcap or .db3) or video file to play."),
        DeclareLaunchArgument(
            "source_topic", default_value="", description="Image topic in the bag; empty: the only one."
        ),
        DeclareLaunchArgument("rate", default_value="1.0", description="Speed; 0.5 plays at half of it."),
        DeclareLaunchArgument("init", default_value="", description="Box x,y,width,height (px) in the first image."),
        DeclareLaunchArgument("out", default_value="boxes.csv", description="File for the boxes; one row per frame."),
        DeclareLaunchArgument("params_file", default_value=params_file, description="YAML file of parameters."),
        DeclareLaunchArgument("use_sim_time", default_value="true", description="Take the time from the recording."),
    ]


def start_replay(context: LaunchContext) -> list:
    """Start recorder and player; a little after the player ends, everything ends."""

    def value(name: str) -> str:
        return LaunchConfiguration(name).perform(context)

    namespace = value("namespace")
    topics = {name: value(name) or name for name in ("image", "camera_info", "target_init", "tracked_box")}
    topics["image/compressed"] = f"{value('image')}/compressed"
    player = Node(
        package="stdtrack_ros",
        executable="video_player",
        namespace=namespace,
        parameters=[
            {
                "source": value("source"),
                "source_topic": value("source_topic"),
                "rate": float(value("rate")),
                "init": value("init"),
                "clock": value("use_sim_time") == "true",
            }
        ],
        remappings=list(topics.items()),
        output="screen",
    )
    recorder = Node(
        package="stdtrack_ros",
        executable="box_recorder",
        namespace=namespace,
        parameters=[{"out": value("out")}],
        remappings=[("tracked_box", value("tracked_box"))],
        output="screen",
    )
    end = TimerAction(period=LAST_FRAMES_S, actions=[Shutdown(reason="the recording has ended")])
    return [recorder, player, RegisterEventHandler(OnProcessExit(target_action=player, on_exit=[end]))]


def generate_launch_description() -> LaunchDescription:
    """Start tracker, player and recorder."""
    share = FindPackageShare("stdtrack_ros")
    tracker = PathJoinSubstitution([share, "launch", "tracker.launch.py"])
    return LaunchDescription(
        [
            *arguments(),
            IncludeLaunchDescription(PythonLaunchDescriptionSource(tracker)),
            OpaqueFunction(function=start_replay),  # after the tracker, whose launch file sets the transport
        ]
    )
