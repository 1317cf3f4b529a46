#!/bin/sh
# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
#
# Print the path of a Python 3.10, 3.11 or 3.12 that can make a virtual environment and build the messages, or say what is
# missing and fail. PYTHON=/path/to/python chooses one.
set -u
fail() {
  echo "stdtrack: $*" >&2
  exit 1
}
for tool in cmake make; do
  command -v "$tool" >/dev/null || fail "$tool was not found; the message build needs it (Debian, Ubuntu: sudo apt install $tool)."
done
command -v "${CXX:-g++}" >/dev/null || command -v c++ >/dev/null ||
  fail "no C++ compiler was found; the message build needs one (Debian, Ubuntu: sudo apt install g++)."
cmake -P "$(dirname "$0")/check_cmake.cmake" || exit 1

found=""
for candidate in ${PYTHON:-python3 python3.12 python3.11 python3.10}; do
  version=$("$candidate" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null) || continue
  case $version in
    3.10 | 3.11 | 3.12) ;;
    *) found="$found $version" && continue ;;
  esac
  "$candidate" -c 'import ensurepip, venv' 2>/dev/null ||
    { found="$found $version(no-venv)" && continue; }
  "$candidate" -c 'import pathlib, sysconfig, sys; sys.exit(not pathlib.Path(sysconfig.get_path("include"), "Python.h").is_file())' ||
    { found="$found $version(no-headers)" && continue; }
  "$candidate" -c 'import sys; print(sys.executable)'
  exit 0
done
fail "Python 3.10, 3.11 or 3.12 with venv and its C headers is needed; found:${found:- none}." \
  "Install one (Debian, Ubuntu: sudo apt install python3 python3-venv python3-dev) or name it: make PYTHON=/path/to/python3.11"
