# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Log lines that repeat are written once in a while."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable


class ThrottledLogger:
    """Passes a sentence on at most once in `repeat_s`, and at most `burst` different ones a second."""

    def __init__(self, write: Callable[[str], object], repeat_s: float = 5.0, burst: int = 5) -> None:
        self._write, self._repeat_s, self._burst = write, repeat_s, burst
        self._written: dict[str, float] = {}
        self._lock = threading.Lock()

    def __call__(self, sentence: str) -> None:
        now = time.monotonic()
        with self._lock:
            self._written = {text: when for text, when in self._written.items() if now - when < self._repeat_s}
            lately = sum(now - when < 1.0 for when in self._written.values())
            if sentence in self._written or lately >= self._burst:
                return
            self._written[sentence] = now
        self._write(sentence)
