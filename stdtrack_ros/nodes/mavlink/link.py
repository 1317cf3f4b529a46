# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A MAVLink 2 connection by pymavlink that comes and goes: UDP, TCP or serial, opened again whenever it breaks."""

from __future__ import annotations

import os
import queue
import select
import socket
import threading
import time
from collections.abc import Callable
from typing import Any

from stdtrack_ros.errors import SettingError

os.environ.setdefault("MAVLINK20", "1")  # pymavlink reads it on import
try:
    from pymavlink import mavutil
    from pymavlink.dialects.v20 import common as common  # for the modules that speak MAVLink
except ImportError:
    mavutil = common = None

KINDS = ("udpin:", "udpout:", "tcp:", "tcpin:", "/dev/")
"""What a device may begin with, in pymavlink's own notation."""
WAIT_S = 0.05
RETRY_S = 1.0
MOST_WAITING = 1000
"""Messages that are kept for the node; a flood pushes the oldest out."""


def checked_device(device: str) -> str:
    """Check that the device can be opened by pymavlink, and return it.

    Raises:
        SettingError: pymavlink is not installed, or the device is of no kind that is known.
    """
    if mavutil is None:
        raise SettingError("pymavlink is not installed: pip install pymavlink pyserial (or apt: python3-pymavlink).")
    if not device.startswith(KINDS) or (":" in device and not device.rpartition(":")[2].isdigit()):
        raise SettingError(
            f"The link '{device}' is of no known kind; it may be udpin:ADDRESS:PORT, udpout:ADDRESS:PORT, "
            "tcp:ADDRESS:PORT, tcpin:ADDRESS:PORT or /dev/DEVICE."
        )
    return device


class MavlinkLink:
    """One component's end of a link. A thread opens it and reads; `messages` and `send` belong to the caller's thread.

    Args:
        device: as `checked_device` takes it.
        baud: of a serial device.
        system_id, component_id: of this component.
        say: takes a sentence when the link opens, breaks or cannot be opened.
    """

    def __init__(self, device: str, baud: int, system_id: int, component_id: int, say: Callable[[str], object]) -> None:
        self.device, self._baud = checked_device(device), baud
        self._address = system_id, component_id
        self._say = say
        self._connection: Any = None
        self._received: queue.Queue[Any] = queue.Queue(MOST_WAITING)
        self._stopping = threading.Event()
        self.bad_bytes = 0
        self._thread = threading.Thread(target=self._run, name="mavlink", daemon=True)
        self._thread.start()

    @property
    def open(self) -> bool:
        """Whether there is something to send to; a server counts as open before anybody has come."""
        return self._connection is not None

    def close(self) -> None:
        """End the thread and the connection."""
        self._stopping.set()
        self._thread.join(2.0)

    def messages(self) -> list[Any]:
        """Return the messages that have come since the last call, oldest first."""
        taken = []
        while True:
            try:
                taken.append(self._received.get_nowait())
            except queue.Empty:
                return taken

    def send(self, message: Any) -> bool:
        """Send a message; False if the link is down."""
        connection = self._connection
        if connection is None:
            return False
        try:
            connection.mav.send(message)
        except (OSError, ValueError):  # the reading thread sees it too, and opens the link again
            return False
        return True

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self._connection = self._opened()
                self._say(f"The link {self.device} is open.")
                self._read()
            except (OSError, ValueError) as error:  # ValueError: a socket that was closed under the reader
                self._say(f"The link {self.device} is down: {error}")
            finally:
                connection, self._connection = self._connection, None
                if connection is not None:
                    connection.close()
            self._stopping.wait(RETRY_S)

    def _opened(self) -> Any:
        system, component = self._address
        options = {"retries": 1} if self.device.startswith("tcp:") else {}
        return mavutil.mavlink_connection(
            self.device,
            baud=self._baud,
            source_system=system,
            source_component=component,
            dialect="common",
            autoreconnect=False,
            **options,
        )

    def _read(self) -> None:
        connection = self._connection
        while not self._stopping.is_set():
            readable, _, _ = select.select([connection.fd], [], [], WAIT_S)
            if not readable:
                continue
            if _ended(connection):
                raise ConnectionError("the other side has closed it")
            while (message := connection.recv_msg()) is not None:
                if message.get_type() == "BAD_DATA":
                    self.bad_bytes += len(message.data)
                else:
                    self._keep(message)

    def _keep(self, message: Any) -> None:
        while True:
            try:
                self._received.put_nowait(message)
                return
            except queue.Full:
                try:
                    self._received.get_nowait()
                except queue.Empty:
                    time.sleep(0)


def _ended(connection: Any) -> bool:
    """Return whether a TCP connection that is readable has nothing to read: pymavlink's own server does not notice."""
    port = connection.port
    if not isinstance(port, socket.socket) or port.type != socket.SOCK_STREAM or connection.fd != port.fileno():
        return False
    return not port.recv(1, socket.MSG_PEEK)
