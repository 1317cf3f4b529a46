# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""ROS for tests: each test run in a DDS domain of its own, on this machine alone."""

from __future__ import annotations

import os
import zlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

rclpy = pytest.importorskip("rclpy")
pytest.importorskip("stdtrack_ros.msg", reason="the messages are not built")

if TYPE_CHECKING:
    from node_bench import Bench


@pytest.fixture(scope="session", autouse=True)
def ros_environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Set a private domain, discovery on this machine only, and a folder for logs."""
    from domain_coordinator import domain_id

    with domain_id() as number:
        os.environ["ROS_DOMAIN_ID"] = str(number)
        os.environ["ROS_AUTOMATIC_DISCOVERY_RANGE"] = "LOCALHOST"
        os.environ["ROS_LOG_DIR"] = str(tmp_path_factory.mktemp("ros_log"))
        yield


@pytest.fixture(scope="module")
def ros(ros_environment: None) -> Iterator[None]:
    """rclpy, initialised for each file.

    A process that is killed keeps the buffers it was reading from the shared memory of those who sent to it; a bench
    that lives on after such tests has none left for large images.
    """
    rclpy.init()
    yield
    rclpy.shutdown()


@pytest.fixture
def bench(ros: None, request: pytest.FixtureRequest) -> Iterator[Bench]:
    """Camera and observer. Each test has its own namespace: a late message of another cannot disturb it."""
    from node_bench import Bench

    one = Bench(f"n{zlib.crc32(request.node.nodeid.encode())}")
    yield one
    one.close()
