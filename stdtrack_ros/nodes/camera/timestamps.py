# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Stamps that can be trusted: jumps of the camera's clock told from stalls and from single wrong stamps."""

from __future__ import annotations

from enum import Enum


class TimestampStatus(Enum):
    """What a new stamp means."""

    NEXT = "next"  # time went on
    WRONG = "wrong"  # this stamp does not fit; the frame is not to be used
    BACK = "back"  # the clock went back: a bag began again, or simulated time did
    AHEAD = "ahead"  # the clock was set forward


class TimestampMonitor:
    """Judges each stamp against the last good one and against the time that passed between the arrivals.

    One stamp that does not fit is taken for wrong. Where the next one agrees with it, the clock has jumped.
    """

    def __init__(self) -> None:
        self._good: tuple[float, float] | None = None  # stamp, arrival
        self._suspect: tuple[float, float] | None = None

    def check(self, stamp_s: float, arrived_s: float, jump_s: float) -> TimestampStatus:
        """The status on a stamp that arrived at `arrived_s` (monotonic); a jump is a misfit of over `jump_s`."""
        new = (stamp_s, arrived_s)
        if self._good is None or _fits(self._good, new, jump_s):
            if self._good is not None and stamp_s < self._good[0]:
                return TimestampStatus.WRONG  # late, or out of order: tracking goes forward only
            self._good, self._suspect = new, None
            return TimestampStatus.NEXT
        if self._suspect is None or not _fits(self._suspect, new, jump_s):
            self._suspect = new
            return TimestampStatus.WRONG
        status = TimestampStatus.BACK if stamp_s < self._good[0] else TimestampStatus.AHEAD
        self._good, self._suspect = new, None
        return status

    def reset(self) -> None:
        """Forget the past: the next stamp is good whatever it is."""
        self._good = self._suspect = None


def _fits(before: tuple[float, float], after: tuple[float, float], jump_s: float) -> bool:
    """Whether the stamps moved on by no more than the time that passed, give or take `jump_s`.

    A stamp that moved less than the clock on the wall is no jump: bags play slowly, and simulators do.
    """
    moved, passed = after[0] - before[0], after[1] - before[1]
    return -jump_s <= moved <= passed + jump_s
