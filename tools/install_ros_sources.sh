#!/bin/sh
# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
#
# Install what the wheels of ROS 2 lack from checkouts of its sources: tools/install_ros_sources.sh .venv FOLDER...
# The folders hold, at any depth, some of these packages of your distribution's branch:
#
#   cv_bridge                    ros-perception/vision_opencv; needs a C++ compiler, OpenCV 4 and Boost.Python
#                                (Debian, Ubuntu: libopencv-dev libboost-python-dev)
#   vision_msgs                  ros-perception/vision_msgs
#   launch, launch_ros           ros2/launch, ros2/launch_ros
#   composition_interfaces       ros2/rcl_interfaces; launch_ros imports it
#   tf2, tf2_msgs, tf2_py, tf2_ros_py    ros2/geometry2; need a C++ compiler
#
# Tests that were skipped for want of one of them then run. `pip uninstall` knows nothing of them: `make clean` does.
set -eu
venv=$(cd "$1" && pwd)
shift
tools=$(cd "$(dirname "$0")" && pwd)
python="$venv/bin/python"
site=$("$python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')

find_package() { # the folder of a package below those named, or nothing
  name=$1
  shift
  find "$@" -name package.xml -exec grep -l "<name>$name</name>" {} + 2>/dev/null | head -n 1 | xargs -r dirname
}

packages=
for name in vision_msgs composition_interfaces tf2 tf2_msgs tf2_py; do
  packages="$packages $(find_package $name "$@")"
done
if [ -n "$(echo $packages)" ]; then
  PATH="$venv/bin:$PATH" AMENT_PREFIX_PATH="$venv" CMAKE_PREFIX_PATH="$venv" COLCON_HOME="$venv/colcon" \
    "$venv/bin/colcon" --log-base "$venv/colcon/log" build --paths $packages \
    --build-base "$venv/colcon/sources" --merge-install --install-base "$venv" --cmake-args -DBUILD_TESTING=OFF \
    -DPython3_EXECUTABLE="$python" -DCMAKE_PROJECT_INCLUDE="$tools/wheels_fix.cmake" -Wno-dev
fi

for name in launch launch_ros tf2_ros_py; do
  found=$(find_package $name "$@")
  if [ -n "$found" ]; then
    echo "installing $name"
    "$python" -m pip install --quiet --disable-pip-version-check --no-build-isolation --no-deps "$found"
  fi
done
if [ -n "$(find_package launch "$@")" ]; then
  "$python" -m pip install --quiet --disable-pip-version-check osrf-pycommon lark PyYAML
fi

found=$(find_package cv_bridge "$@")
if [ -n "$found" ]; then
  echo "compiling cv_bridge"
  build="$venv/colcon/cv_bridge"
  mkdir -p "$build/cv_bridge" "$site/cv_bridge/boost"
  echo '#define CV_BRIDGE_EXPORT' >"$build/cv_bridge/cv_bridge_export.h" # CMake makes this file in a whole build
  set -- $("$python" - "$venv" <<'PYTHON'
import sys, sysconfig
from pathlib import Path
import numpy
ours = sorted(str(path) for path in Path(sys.argv[1], "include").iterdir() if path.is_dir())
print(*(f"-I{path}" for path in [*ours, numpy.get_include(), sysconfig.get_path("include"), "/usr/include/opencv4"]))
PYTHON
)
  version=$("$python" -c 'import sys; print("%d%d" % sys.version_info[:2])')
  c++ -O2 -fPIC -shared -std=c++17 -w -DPYTHON3 -DOPENCV_VERSION_4 -I"$build" -I"$found/include" "$@" \
    "$found/src/cv_bridge.cpp" "$found/src/rgb_colors.cpp" "$found/src/module.cpp" "$found/src/module_opencv4.cpp" \
    -o "$site/cv_bridge/boost/cv_bridge_boost.so" \
    -lboost_python"$version" -lopencv_imgcodecs -lopencv_imgproc -lopencv_core
  cp "$found"/python/cv_bridge/*.py "$site/cv_bridge/"
  "$python" -c 'from cv_bridge.boost import cv_bridge_boost'
fi
