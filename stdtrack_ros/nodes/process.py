# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A node's process: from its arguments to its exit code."""

from __future__ import annotations

import contextlib
import ctypes
import signal
import sys
import threading
import traceback
from collections.abc import Callable
from typing import TypeVar

import rclpy
from rclpy.exceptions import ParameterException
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.impl.implementation_singleton import rclpy_implementation
from rclpy.node import Node
from rclpy.signals import SignalHandlerOptions

from stdtrack_ros.errors import StdtrackError

N = TypeVar("N", bound=Node)
USER_ERRORS = (
    StdtrackError,
    ParameterException,
    rclpy_implementation.RCLError,
    rclpy_implementation.RCLInvalidROSArgsError,
    rclpy_implementation.UnknownROSArgsError,
)
WAKE_S = 0.1
"""Longest time after which a signal is seen."""
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
"""Numbers of glibc's <malloc.h>."""
KEPT_BYTES, LARGEST_BYTES = 2**28, 2**25
"""Freed memory that a process keeps, and the largest piece of it (glibc allows no more): one 4K image."""


def run_node(make: Callable[[], N], finish: Callable[[N], object], args: list[str] | None = None) -> None:
    """Run a node until SIGINT or SIGTERM, then leave with exit code 0; with 2 and a sentence if it cannot work.

    Args:
        make: makes the node once ROS is up.
        finish: called with the node before it is destroyed, while ROS is still up.
    """
    keep_freed_memory()
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    try:
        # With rclpy's own handlers the context would be gone before the worker has stopped.
        rclpy.init(args=args, signal_handler_options=SignalHandlerOptions.NO)
        node = make()
    except USER_ERRORS as error:
        rclpy.try_shutdown()
        _tell(error)
        sys.exit(2)
    try:
        _spin(node, stop)
    except StdtrackError as error:
        _tell(error)
        sys.exit(2)
    finally:
        finish(node)
        node.destroy_node()
        rclpy.try_shutdown()


def _tell(error: Exception) -> None:
    with contextlib.suppress(OSError):  # stderr may be a file on the full disk that ends the node
        print(f"stdtrack_ros: {error}", file=sys.stderr)


def keep_freed_memory() -> None:
    """Let malloc keep the memory of freed images for the next ones: to map it anew costs more than to fill it."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:  # glibc
        mallopt(M_MMAP_THRESHOLD, LARGEST_BYTES)
        mallopt(M_TRIM_THRESHOLD, KEPT_BYTES)


def _spin(node: Node, stop: threading.Event) -> None:
    """Run callbacks until told to stop; only an error that is the user's to cure ends the node before."""
    # EventsExecutor would take a seventh less time, but Jazzy's awaits no coroutines, which our services are.
    executor = SingleThreadedExecutor()
    executor.add_node(node)
    while not stop.is_set():
        try:
            executor.spin_once(timeout_sec=WAKE_S)
        except ExternalShutdownException:
            return
        except StdtrackError:
            raise
        except Exception:
            node.get_logger().error(traceback.format_exc())
    executor.shutdown(timeout_sec=1.0)
