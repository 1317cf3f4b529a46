#!/bin/sh
# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
#
# Install a build of OpenCV, or the same without windows if it does not start here: tools/install_opencv.sh .venv opencv-python
# Windows need libGL, which a machine without a screen seldom has, and which only root can install.
set -eu
venv=$1
build=$2
python="$venv/bin/python"
install() {
  "$python" -m pip install --quiet --disable-pip-version-check \
    --constraint "$(dirname "$0")/../requirements/constraints.txt" "$1"
}
if "$python" -m pip show --quiet "$build-headless" 2>/dev/null; then exit 0; fi
install "$build"
if "$python" -c 'import cv2' 2>/dev/null; then exit 0; fi
"$python" -m pip uninstall --quiet --yes "$build"
install "$build-headless"
"$python" -c 'import cv2'
