# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
if(CMAKE_VERSION VERSION_LESS 3.21)
  message(FATAL_ERROR "stdtrack: CMake 3.21 or newer is needed, found ${CMAKE_VERSION}; `pip install cmake` brings one.")
endif()
