# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""STDTrack as a family of networks."""

from stdtrack_ros.network.family import NetworkFamily
from stdtrack_ros.network.stdtrack.config import NetworkConfig
from stdtrack_ros.network.stdtrack.graphs import graphs
from stdtrack_ros.network.stdtrack.model import STDTrack

FAMILY = NetworkFamily(
    NetworkConfig,
    STDTrack,
    graphs,
    # Stem and first block lose most accuracy in 8 bits, and what makes the maps would be cut off where no clip of the
    # calibration reached; the others work on one token, too little to gain anything.
    full_precision=(
        "embedding.cells.cnn.stem",
        "embedding.cells.cnn.blocks.0",
        "embedding.prior",
        "fusion",
        "mask",
        "recall",
        "head.score.2",
        "head.size.2",
        "head.offset.2",
        "peak",
        "confidence",
    ),
)
