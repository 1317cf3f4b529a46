# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Nodes as processes of a command: their environment, their parameters, their end."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from stdtrack_ros.errors import StdtrackError
from stdtrack_ros.shipped_files import shipped_file

STOP_S = 15.0
"""Time to leave after SIGINT."""
DOMAINS = range(50, 100)
"""People and other tools choose low numbers."""
PORT_BASE = 32768
"""Whoever holds TCP port PORT_BASE + N has DDS domain N for itself, as ROS's own domain_coordinator has it."""


def quoted(value: object) -> str:
    """Quote a text for a parameter: ROS reads YAML, to which a bare 20241121 is a number and ` #` begins a comment."""
    return json.dumps(str(value), ensure_ascii=False)


def parameter_options(parameters: Mapping[str, Any]) -> list[str]:
    """Return ROS options that set a node's parameters."""
    words: list[str] = []
    for name, value in parameters.items():
        words += ["-p", f"{name}:={quoted(value) if isinstance(value, str) else json.dumps(value)}"]
    return words


def environment(out: Path) -> dict[str, str]:
    """Return an environment with a domain of its own, kept to this machine, with room for large images.

    Raises:
        StdtrackError: other commands have taken all domains.
    """
    profile = str(shipped_file("config", "fastdds.xml"))
    humble = os.environ.get("ROS_DISTRO") == "humble"
    return os.environ | {
        "ROS_DOMAIN_ID": str(_domain()[0]),
        **({"ROS_LOCALHOST_ONLY": "1"} if humble else {"ROS_AUTOMATIC_DISCOVERY_RANGE": "LOCALHOST"}),
        "ROS_LOG_DIR": str((out / "ros_log").resolve()),
        "FASTRTPS_DEFAULT_PROFILES_FILE": profile,
        "FASTDDS_DEFAULT_PROFILES_FILE": profile,
    }


@cache
def _domain() -> tuple[int, socket.socket]:
    """Return a DDS domain and the socket that keeps it for this process as long as it lives.

    The first to be tried differs between processes: nodes that outlived a killed command may still be in its domain.
    """
    first = os.getpid() % len(DOMAINS)
    for number in (*DOMAINS[first:], *DOMAINS[:first]):
        holder = socket.socket()
        try:
            holder.bind(("", PORT_BASE + number))
        except OSError:
            holder.close()
        else:
            return number, holder
    raise StdtrackError(
        f"The DDS domains from {DOMAINS[0]} to {DOMAINS[-1]} are all in use on this machine; end other commands first."
    )


@contextmanager
def running(
    module: str, options: Sequence[str], variables: Mapping[str, str], log: Path
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a node of `stdtrack_ros.nodes` with ROS options, logging into a file; tell it to end when the `with` ends."""
    command = [sys.executable, "-m", f"stdtrack_ros.nodes.{module}", "--ros-args", *options]
    with log.open("wb") as file:
        process = subprocess.Popen(command, stdout=file, stderr=subprocess.STDOUT, env=variables)
        try:
            yield process
        finally:
            _end(process)


def failure(process: subprocess.Popen[bytes], log: Path) -> str:
    """Return a sentence on how a node ended too early: its exit code, its last words, a disk without room."""
    words = " | ".join(log.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-3:])
    sentence = f"{log.stem} ended with exit code {process.returncode}"
    try:
        with log.open("a", encoding="utf-8") as file:
            file.write(f"{sentence}\n")
        room = ""
    except OSError as error:  # its own words may not be there either
        room = f"; {log.parent} takes no more: {error.strerror}; make room, or name another --out"
    return f"{sentence}: {words or 'it said nothing'} (see {log}){room}."


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGINT)
    try:
        process.wait(STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
