# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
