# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Time to trust: stamps that jump, stand still, run at a wrong rate or are missing give way to times of arrival."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from enum import Enum

import numpy as np

FAULT_FRAMES = 2
"""Frames in a row with the stamp of the one before, or without any, that make a fault."""
SOUND_FRAMES = 15
"""Frames in a row with a new stamp after which stamps are believed again."""
RATE_FRAMES = 60
"""Frames over which the rate of the stamps is compared with that of the arrivals."""
RATE_S = 1.0
"""Least time that those frames must span: the pace of a burst says nothing."""
RATE_LIMIT = 1.3
"""Ratio of the two rates, either way, from which the stamps run at a wrong rate."""
STEADY = 0.25
"""Largest variation of the intervals between arrivals, relative to their mean, that is a camera's own pace."""
JUMP_INTERVALS = 3.0
"""A stamp may move on by this many of the stream's own intervals without being a jump."""


class TimestampStatus(Enum):
    """What a new stamp means."""

    NEXT = "next"  # time went on
    WRONG = "wrong"  # this stamp does not fit; the frame is not to be used
    BACK = "back"  # the clock went back: a bag began again, or simulated time did
    AHEAD = "ahead"  # the clock was set forward


@dataclass(frozen=True, slots=True)
class _Seen:
    stamp_s: float
    arrived_s: float


class TimestampMonitor:
    """Checks each stamp against the last good one and against the time that passed between the arrivals.

    One stamp that does not fit is taken to be wrong. If the next one agrees with it, the clock has jumped; if it is as
    far from it as that was from the last good one, the stream is simply slow.

    Attributes:
        time_s: when the last accepted frame was taken: its stamp, or, while `fault` says why, the time before plus what
            passed between the arrivals. It never goes back but at `BACK`.
        fault: why arrival times stand in for the stamps, as a clause; empty while the stamps are used.
    """

    def __init__(self) -> None:
        self.time_s = 0.0
        self.fault = ""
        self._good: _Seen | None = None
        self._suspect: _Seen | None = None
        self._interval_s = 0.0  # between the stamps of the stream, once known
        self._offset_s = 0.0  # of time_s from the stamps, left behind by a fault
        self._arrived_s: float | None = None  # of the last accepted frame
        self._missing = self._standing = self._moving = 0  # frames in a row
        self._recent: deque[_Seen] = deque(maxlen=RATE_FRAMES)

    def check(self, stamp_s: float, arrived_s: float, jump_s: float) -> TimestampStatus:
        """Check a stamp (0: missing) that arrived at `arrived_s`; a jump is a misfit of over `jump_s`."""
        if stamp_s == 0.0:
            self._missing, self._moving = self._missing + 1, 0
            if self._missing >= FAULT_FRAMES:
                self.fault = "the images carry no stamps"
            self._go_by_arrival(arrived_s)
            return TimestampStatus.NEXT
        new = _Seen(stamp_s, arrived_s)
        status = self._classify(new, jump_s)
        if status is not TimestampStatus.WRONG:
            self._take(new, status)
        return status

    def _classify(self, new: _Seen, jump_s: float) -> TimestampStatus:
        good, suspect = self._good, self._suspect
        if good is None:
            self._good = new
            return TimestampStatus.NEXT
        if self._fits(good, new, jump_s):
            if new.stamp_s < good.stamp_s:
                return TimestampStatus.WRONG  # late, or out of order: tracking goes forward only
            self._interval_s = new.stamp_s - good.stamp_s or self._interval_s
            status = TimestampStatus.NEXT
        elif suspect is None:
            status = TimestampStatus.WRONG
        elif _evenly_spaced(good, suspect, new):
            self._interval_s = new.stamp_s - suspect.stamp_s
            status = TimestampStatus.NEXT
        elif self._fits(suspect, new, jump_s):
            status = TimestampStatus.BACK if new.stamp_s < good.stamp_s else TimestampStatus.AHEAD
        else:
            status = TimestampStatus.WRONG
        if status is TimestampStatus.WRONG:
            self._suspect = new
        else:
            self._good, self._suspect = new, None
        return status

    def _fits(self, before: _Seen, after: _Seen, jump_s: float) -> bool:
        """Return whether the stamps moved on by no more than the time that passed, give or take a jump.

        A stamp that moved less than the clock on the wall is no jump: bags play slowly, and simulators do.
        """
        moved, passed = after.stamp_s - before.stamp_s, after.arrived_s - before.arrived_s
        return -jump_s <= moved <= passed + max(jump_s, JUMP_INTERVALS * self._interval_s)

    def _take(self, new: _Seen, status: TimestampStatus) -> None:
        """Set the time of an accepted frame."""
        self._missing = 0
        if status is not TimestampStatus.NEXT:
            self._recent.clear()
        stands = bool(self._recent) and new.stamp_s <= self._recent[-1].stamp_s
        self._standing, self._moving = (self._standing + 1, 0) if stands else (0, self._moving + 1)
        self._recent.append(new)
        if status is TimestampStatus.BACK:
            self.fault, self._offset_s = "", 0.0
        else:
            before, self.fault = self.fault, self._find_fault()
            if self.fault or before or status is TimestampStatus.AHEAD:
                self._go_by_arrival(new.arrived_s)
                self._offset_s = self.time_s - new.stamp_s
                return
        self.time_s, self._arrived_s = new.stamp_s + self._offset_s, new.arrived_s

    def _go_by_arrival(self, arrived_s: float) -> None:
        self.time_s += arrived_s if self._arrived_s is None else max(arrived_s - self._arrived_s, 0.0)
        self._arrived_s = arrived_s

    def _find_fault(self) -> str:
        if self._standing >= FAULT_FRAMES:
            return "the stamps of the images stand still"
        if rate := self._wrong_rate():
            return f"the stamps of the images run {rate:.2g} times as fast as time does"
        return self.fault if self._moving < SOUND_FRAMES else ""

    def _wrong_rate(self) -> float:
        """Return the rate of the stamps relative to the arrivals if it is wrong and the pace is a camera's, else 0."""
        first, last = self._recent[0], self._recent[-1]
        moved, passed = last.stamp_s - first.stamp_s, last.arrived_s - first.arrived_s
        if len(self._recent) < RATE_FRAMES or passed < RATE_S or 1 / RATE_LIMIT <= moved / passed <= RATE_LIMIT:
            return 0.0
        gaps = np.diff([seen.arrived_s for seen in self._recent])
        return moved / passed if gaps.std() <= STEADY * gaps.mean() else 0.0


def _evenly_spaced(first: _Seen, second: _Seen, third: _Seen) -> bool:
    before, after = second.stamp_s - first.stamp_s, third.stamp_s - second.stamp_s
    return before > 0 and 0.5 * before <= after <= 2.0 * before
