# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""STARK as a family of networks."""

from stdtrack_ros.network.family import NetworkFamily
from stdtrack_ros.network.stark.config import StarkConfig
from stdtrack_ros.network.stark.graphs import graphs
from stdtrack_ros.network.stark.model import Stark

FAMILY = NetworkFamily(StarkConfig, Stark, graphs)
