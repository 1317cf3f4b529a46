# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What a stored look of the target counts in recall (ours), for training and tracking alike.

A look that the target has lost says little of where it is now, and what has such a look is something else. So each
look k, and the template's (0), has an agreement a_k: the mean cosine of its cells with those of the target, averaged
over the trusted frames since (1 when it is stored). Beside the template's look, which counts 1, it counts
w_k = exp(t clip(a_k - a_0 - margin, 0, limit)): all count the same until the target has changed.
"""

RATE = 0.1
"""Weight of a new frame in the average."""
SHARPNESS = 16.0
"""t."""
MARGIN = 0.1
"""By so much more than the template's must a look agree before it counts more: small changes are no other look."""
LIMIT = 0.5
"""Differences beyond this make no further difference."""
