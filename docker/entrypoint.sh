#!/bin/bash
# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
#
# Arguments of tracker.launch.py, or any other command: `docker run stdtrack_ros ros2 topic list`.
set -e
source "/opt/ros/$ROS_DISTRO/setup.bash"
source /ws/install/setup.bash
case "${1:-}" in
  *:=* | --show-args | "") exec ros2 launch stdtrack_ros tracker.launch.py "$@" ;;
  *) exec "$@" ;;
esac
