# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The time of a recording's frames: the one place that repairs stamps that are missing, stand still or go back.

All times are whole nanoseconds. Whatever is repaired or odd comes back as a sentence, for every verb to show.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stdtrack_ros.errors import SequenceError

Nanoseconds = NDArray[np.int64]

MISSING = np.iinfo(np.int64).min
"""Stands for a stamp that a frame does not have."""
JUMP_NS, JUMP_INTERVALS = 5_000_000_000, 20.0
"""A gap is named, and passed over in playing, if it is longer than both: 5 s, and 20 usual intervals."""
FIRST_GAP_NS = 60_000_000_000
"""The first gap of all, with nothing to compare it with, is a jump if it is longer."""
_MOST_ODD = 0.1
"""Fraction of frames whose stamps may stand still or go back before the stamps as a whole are not believed."""


@dataclass(frozen=True, slots=True)
class Timeline:
    """When the frames of a recording were taken.

    Attributes:
        stamps_ns: (N,) int64 in ns, not decreasing.
        kept: (N,) indices of the frames that are used, among all of the source.
        notes: sentences on what was repaired, left out or odd.
    """

    stamps_ns: Nanoseconds
    kept: NDArray[np.intp]
    notes: tuple[str, ...] = ()

    @property
    def stamps_s(self) -> NDArray[np.float64]:
        """(N,) seconds, rounded as the node rounds a stamp, so that both see the same intervals."""
        return seconds(self.stamps_ns)


def seconds(times_ns: Nanoseconds) -> NDArray[np.float64]:
    """Convert nanoseconds to seconds, rounded as the node rounds a stamp."""
    return times_ns // 10**9 + (times_ns % 10**9) * 1e-9


def usual_interval(stamps_ns: Nanoseconds) -> float:
    """Return the median of the intervals above zero in ns; 0 if there are none."""
    gaps = np.diff(stamps_ns)
    return float(np.median(gaps[gaps > 0])) if (gaps > 0).any() else 0.0


def is_jump(gap_ns: float, usual_ns: float) -> bool:
    """Tell whether a gap between two frames is a hole or a clock that was set, rather than a slow camera."""
    return gap_ns > max(JUMP_NS, JUMP_INTERVALS * usual_ns)


def repair_recorded(header_ns: Nanoseconds, arrival_ns: Nanoseconds, source: str) -> Timeline:
    """Bring order into the stamps of messages, whose times of recording stand in for stamps that say nothing.

    Args:
        header_ns: (M,) stamps; 0 or MISSING: none.
        arrival_ns: (M,) times of recording.
        source: what is read, for the sentences.

    Raises:
        SequenceError: so many stamps go back that the recording holds more than one run of a clock.
    """
    notes: list[str] = []
    stamps = np.where(header_ns == MISSING, 0, header_ns)
    missing = stamps == 0
    if missing.all():
        stamps = arrival_ns
        notes.append("The images carry no stamps: the times of recording are used.")
    elif _stands_still(stamps[~missing], arrival_ns[~missing]):
        stamps = arrival_ns
        notes.append("The stamps of the images stand still while time goes on: the times of recording are used.")
    elif missing.any():
        offset = round(float(np.median((stamps - arrival_ns)[~missing])))
        stamps = np.where(missing, arrival_ns + offset, stamps)
        notes.append(f"{int(missing.sum())} images carry no stamp: their times of recording are used.")
    latest = np.maximum.accumulate(stamps)
    kept = np.flatnonzero(stamps == latest)
    back = len(stamps) - len(kept)
    if back > _MOST_ODD * len(stamps):
        first = int(np.flatnonzero(stamps < latest)[0])
        raise SequenceError(
            f"The stamps of {source} go back at frame {first} and {back} of {len(stamps)} frames lie before one that "
            "was recorded earlier; the clock was set back while recording, so cut the bag there."
        )
    if back:
        notes.append(f"{back} frames are left out because their stamps go back behind an earlier frame's.")
    return Timeline(stamps[kept], kept, (*notes, *jump_notes(stamps[kept])))


def _stands_still(stamps: Nanoseconds, arrival_ns: Nanoseconds) -> bool:
    """Tell whether more than a tenth of the stamps repeat the one before although the images came one after another."""
    still = (np.diff(stamps) == 0) & (np.diff(arrival_ns) > 0)
    return len(still) > 1 and float(still.mean()) > _MOST_ODD


def repair_unrecorded(stamps_ns: Nanoseconds, rate: float) -> Timeline:
    """Bring order into the stamps of a video file, which has no other clock: no frame is left out.

    Args:
        stamps_ns: (M,) stamps; MISSING: none.
        rate: frames per second that the file declares.
    """
    count, interval = len(stamps_ns), round(1e9 / rate)
    everything = np.arange(count)
    known = stamps_ns != MISSING
    if count > 1 and known.sum() < 2:
        made_up = everything * interval
        return Timeline(made_up, everything, (f"The video carries no stamps: {rate:g} frames per second are assumed.",))
    stamps, notes = stamps_ns.copy(), []
    if not known.all():
        stamps = np.round(np.interp(everything, everything[known], stamps[known])).astype(np.int64)
        notes.append(f"{int((~known).sum())} frames carry no stamp: they are spread between their neighbours.")
    odd = np.flatnonzero(np.diff(stamps) <= 0) + 1
    if len(odd) > max(_MOST_ODD * count, 1):
        made_up = everything * interval
        return Timeline(
            made_up, everything, (f"The video's stamps do not grow: {rate:g} frames per second are assumed.",)
        )
    usual = round(usual_interval(stamps)) or interval
    for first in odd:  # two recordings in one file, or a single frame out of order
        stamps[first:] += stamps[first - 1] + usual - stamps[first]
        notes.append(f"The stamps begin again at frame {first}: from there on they are carried on from those before.")
    return Timeline(stamps, everything, (*notes, *jump_notes(stamps)))


def jump_notes(stamps_ns: Nanoseconds) -> tuple[str, ...]:
    """Return a sentence on the largest gap, if it is a jump."""
    gaps = np.diff(stamps_ns)
    if not len(gaps) or not is_jump(float(gaps.max()), float(np.median(gaps))):
        return ()
    return (f"The stamps jump by {gaps.max() * 1e-9:.1f} s after frame {int(gaps.argmax())}.",)


class Pace:
    """When the images of a recording are played: as they were recorded, but jumps are passed over."""

    def __init__(self) -> None:
        self._recent: deque[int] = deque(maxlen=50)
        self._last_ns: int | None = None
        self._played_ns = 0

    def next(self, recorded_ns: int) -> tuple[int, str]:
        """Return when an image is played, in ns since the first, and a sentence if a jump is passed over before it."""
        gap, note = recorded_ns - (recorded_ns if self._last_ns is None else self._last_ns), ""
        self._last_ns = recorded_ns
        usual = float(np.median(self._recent)) if self._recent else FIRST_GAP_NS / JUMP_INTERVALS
        if gap < 0 or is_jump(gap, usual):
            note = f"The recording jumps by {gap * 1e-9:.1f} s here: the gap is passed over."
            gap = round(usual) if self._recent else 0
        elif gap > 0:
            self._recent.append(gap)
        self._played_ns += gap
        return self._played_ns, note
