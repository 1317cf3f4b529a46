# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Which source video a sequence was cut from, and which group of a data set it belongs to.

Clips of one video are not independent: errors of a mean are drawn over videos. Groups (a benchmark, a kind of scene)
may differ much in size: a mean is taken within each group first.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from stdtrack_ros.sequences.sequence import Sequence


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a sequence comes from.

    Attributes:
        video: the source video.
        group: clips that are averaged before the groups are.
        label: how the boxes were made (`human`, `mask`, `pseudo`, ...); empty if not known.
    """

    video: str
    group: str
    label: str = ""


def origin_of(sequence: Sequence) -> Origin:
    """Return what the source says of the sequence, or what its name suggests."""
    known = getattr(sequence, "origin", None)
    return known if isinstance(known, Origin) else origin_from_name(sequence.name)


def origin_from_name(name: str) -> Origin:
    """Guess the origin: `bear_0` and `bear_1` are parts of the video `bear`; the name's first word is the group."""
    return Origin(re.sub(r"_\d$", "", name), re.split(r"[_\d]", name)[0])
