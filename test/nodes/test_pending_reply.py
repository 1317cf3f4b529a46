# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A reply that another thread makes: the first one counts, and a late one is replaced."""

from __future__ import annotations

import threading

from stdtrack_ros.nodes.pending_reply import PendingReply


def awaited(reply: PendingReply[str]) -> str:
    """Drive the coroutine as an executor does, until it has a value."""
    steps = reply.__await__()
    while True:
        try:
            next(steps)
        except StopIteration as end:
            value: str = end.value
            return value


def test_the_first_of_several_replies_counts_and_wakes_the_executor_once() -> None:
    woken: list[int] = []
    reply = PendingReply(lambda: woken.append(1), "late", 60.0)
    assert next(reply.__await__()) is None, "nothing has been set: the executor goes on with other work"
    for value in ("first", "second"):
        reply.set(value)
    assert awaited(reply) == "first"
    assert woken == [1]


def test_a_reply_from_another_thread() -> None:
    reply = PendingReply(lambda: None, "late", 60.0)
    thread = threading.Timer(0.05, reply.set, ["answer"])
    thread.start()
    assert awaited(reply) == "answer"
    thread.join()


def test_after_the_timeout_the_late_value_stands_whatever_comes_then() -> None:
    woken: list[int] = []
    reply = PendingReply(lambda: woken.append(1), "late", 0.0)
    assert awaited(reply) == "late"
    reply.set("too late")
    assert awaited(reply) == "late" and woken == []
