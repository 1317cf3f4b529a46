# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""STDTrack as a family of networks."""

from stdtrack_ros.network.family import NetworkFamily
from stdtrack_ros.network.stdtrack.config import NetworkConfig
from stdtrack_ros.network.stdtrack.graphs import graphs
from stdtrack_ros.network.stdtrack.model import STDTrack

FAMILY = NetworkFamily(NetworkConfig, STDTrack, graphs)
