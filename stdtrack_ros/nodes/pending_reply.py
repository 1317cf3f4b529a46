# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A service's reply that another thread makes, without holding up the executor."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator
from typing import Generic, TypeVar

T = TypeVar("T")
POLL_S = 0.001
"""An executor may ask a waiting coroutine again and again; this keeps it from spinning."""


class PendingReply(Generic[T]):
    """Await it in a service callback; the first `set` counts, from any thread.

    Args:
        wake: makes the executor look again, so that the reply does not wait for the next event.
        late: the value if none has been set after `timeout_s`.
    """

    def __init__(self, wake: Callable[[], object], late: T, timeout_s: float) -> None:
        self._wake, self._value = wake, late
        self._deadline_s = time.monotonic() + timeout_s
        self._lock = threading.Lock()
        self._done = threading.Event()

    def set(self, value: T) -> None:
        """Give the reply."""
        with self._lock:
            if self._done.is_set():
                return
            self._value = value
            self._done.set()
        self._wake()

    def __await__(self) -> Generator[None, None, T]:
        while not self._done.wait(POLL_S) and time.monotonic() < self._deadline_s:
            yield
        with self._lock:
            self._done.set()
            return self._value
