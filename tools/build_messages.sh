#!/bin/sh
# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
#
# Build messages with colcon into a virtual environment that holds the ROS 2 wheels: tools/build_messages.sh .venv PACKAGE...
# (folders; this package if none is named). Libraries go to its lib folder, where the wheels look for theirs; Python
# modules stand apart, so that a checkout installed with `pip install -e` comes first on Python's path and
# `stdtrack_ros.msg` joins it. Links instead of copies: what is changed in launch/, config/ and model/ counts at once.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
venv=$(cd "$1" && pwd)
shift
[ $# -gt 0 ] || set -- "$root"
modules=lib/stdtrack_ros_messages
site=$("$venv/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')

cat >"$site/stdtrack_ros_environment.pth" <<PTH
../../stdtrack_ros_messages
import os, sys; os.environ.setdefault("AMENT_PREFIX_PATH", sys.prefix)
PTH

cd "$root"
PATH="$venv/bin:$PATH" AMENT_PREFIX_PATH="$venv" CMAKE_PREFIX_PATH="$venv" COLCON_HOME="$venv/colcon" \
  "$venv/bin/colcon" --log-base "$venv/colcon/log" build \
  --paths "$@" \
  --build-base "$venv/colcon/linked" --symlink-install --merge-install --install-base "$venv" \
  --cmake-args -DBUILD_TESTING=OFF -DSTDTRACK_INSTALL_PYTHON=OFF -DPYTHON_INSTALL_DIR="$modules" \
  -DPython3_EXECUTABLE="$venv/bin/python" -Wno-dev --no-warn-unused-cli
# pip would take this for an older installation of the package, and remove the messages with it.
rm -rf "$venv/$modules"/*.egg-info
