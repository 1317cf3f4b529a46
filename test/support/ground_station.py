# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A ground station made of pymavlink's own connection and decoder, at the other end of a link on this machine."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from typing import Any

from stdtrack_ros.nodes.mavlink.link import common, mavutil

STATION = (255, 190)
CAMERA = (1, 100)


def free_port(kind: int = socket.SOCK_DGRAM) -> int:
    """Return a port of this machine that nobody listens on."""
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class GroundStation:
    """Sends heartbeats and commands, keeps all that comes.

    Args:
        device: in pymavlink's notation.
        spin: runs what has to go on while the station waits, for a while.
    """

    def __init__(self, device: str, spin: Callable[[float], object] = time.sleep, system_id: int = STATION[0]) -> None:
        self.link = mavutil.mavlink_connection(
            device, source_system=system_id, source_component=STATION[1], dialect="common"
        )
        self.link.first_byte = False
        self._spin = spin
        self.received: list[Any] = []
        self._beat_s = 0.0
        self.beating = True

    def close(self) -> None:
        """Leave."""
        self.link.close()

    def turn(self) -> None:
        """Send a heartbeat if it is time, and take what has come."""
        if self.beating and time.monotonic() - self._beat_s > 0.5:
            self._beat_s = time.monotonic()
            self.link.mav.heartbeat_send(common.MAV_TYPE_GCS, common.MAV_AUTOPILOT_INVALID, 0, 0, 0)
        while (message := self.link.recv_msg()) is not None:
            self.received.append(message)
        self._spin(0.01)

    def wait(self, kind: str, wait_s: float = 240.0, **fields: Any) -> Any:
        """Return the first message of a kind with these values that has come, or comes; it is taken out."""
        end = time.monotonic() + wait_s
        while time.monotonic() < end:
            for message in self.received:
                if message.get_type() == kind and all(getattr(message, name) == fields[name] for name in fields):
                    self.received.remove(message)
                    return message
            self.turn()
        raise AssertionError(f"No {kind} with {fields} came; there were {[m.get_type() for m in self.received][-20:]}.")

    def command(self, number: int, *values: float, confirmation: int = 0, to: tuple[int, int] = CAMERA) -> None:
        """Send a COMMAND_LONG."""
        parameters = [*values, *[0.0] * (7 - len(values))]
        self.link.mav.command_long_send(*to, number, confirmation, *parameters)

    def result(self, number: int, *values: float, **options: Any) -> int:
        """Send a command until its final answer has come (UDP may lose one); the result."""
        self.received = [m for m in self.received if m.get_type() != "COMMAND_ACK"]
        self.command(number, *values, **options)
        while True:
            answer = self.wait("COMMAND_ACK", command=number)
            if answer.result != common.MAV_RESULT_IN_PROGRESS:
                return int(answer.result)

    def texts(self) -> str:
        """Return the sentences that have come, put together from their pieces."""
        pieces = [m for m in self.received if m.get_type() == "STATUSTEXT"]
        return "".join(m.text for m in pieces)
