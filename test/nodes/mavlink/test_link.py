# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Links that come and go: UDP, TCP both ways round, a serial line, and bytes that are no MAVLink."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("pymavlink")

from ground_station import GroundStation, free_port

from stdtrack_ros.errors import SettingError
from stdtrack_ros.nodes.mavlink.link import MavlinkLink, checked_device, common

Open = Callable[[str], MavlinkLink]
WAIT_S = 240.0


@pytest.fixture
def open_link() -> Iterator[Open]:
    """Return a function that opens links, which are closed at the end of the test."""
    links: list[MavlinkLink] = []

    def opened(device: str) -> MavlinkLink:
        links.append(MavlinkLink(device, 57600, 1, 100, said.append))
        return links[-1]

    said: list[str] = []
    opened.said = said  # type: ignore[attr-defined]
    yield opened
    for link in links:
        link.close()


def heartbeat() -> Any:
    return common.MAVLink_heartbeat_message(common.MAV_TYPE_CAMERA, 8, 0, 0, 4, 3)


def exchange(link: MavlinkLink, station: GroundStation, wait_s: float = WAIT_S) -> None:
    """Wait until both have heard each other."""
    end, heard = time.monotonic() + wait_s, False
    while time.monotonic() < end:
        station.turn()
        link.send(heartbeat())
        heard = heard or any(message.get_srcSystem() == 255 for message in link.messages())
        if heard and any(message.get_srcComponent() == 100 for message in station.received):
            return
    raise AssertionError("they do not hear each other")


@pytest.mark.parametrize(("here", "there"), [("udpin", "udpout"), ("udpout", "udpin")])
def test_udp_both_ways_round(open_link: Open, here: str, there: str) -> None:
    port = free_port()
    link = open_link(f"{here}:127.0.0.1:{port}")
    station = GroundStation(f"{there}:127.0.0.1:{port}")
    exchange(link, station)
    station.close()


def test_a_tcp_server_that_starts_late_and_starts_again(open_link: Open) -> None:
    port = free_port(socket.SOCK_STREAM)
    link = open_link(f"tcp:127.0.0.1:{port}")
    for _ in range(2):
        station = GroundStation(f"tcpin:127.0.0.1:{port}")
        exchange(link, station)
        station.close()
        end = time.monotonic() + WAIT_S
        while link.open and time.monotonic() < end:
            time.sleep(0.02)
        assert not link.open and not link.send(heartbeat())
    assert any("is down" in sentence for sentence in open_link.said)  # type: ignore[attr-defined]


def test_a_tcp_client_that_leaves_and_another_that_comes(open_link: Open) -> None:
    port = free_port(socket.SOCK_STREAM)
    link = open_link(f"tcpin:127.0.0.1:{port}")
    for _ in range(2):
        end = time.monotonic() + WAIT_S
        while not link.open and time.monotonic() < end:
            time.sleep(0.02)
        while True:  # until the link has seen that the last one left, a new one is turned away and comes again
            station = GroundStation(f"tcp:127.0.0.1:{port}")
            try:
                exchange(link, station, wait_s=3.0)
                break
            except (ConnectionError, AssertionError):  # whoever is turned away hears nothing, or the end of the stream
                assert time.monotonic() < end
                time.sleep(0.1)
            finally:
                station.close()


def test_a_serial_line(open_link: Open, tmp_path: Path) -> None:
    import tty

    pytest.importorskip("serial")
    far, near = os.openpty()
    for end in (far, near):
        tty.setraw(end)
    name = os.ttyname(near)
    os.set_blocking(far, False)
    link = open_link(name)
    end_s, decoder, heard = time.monotonic() + WAIT_S, common.MAVLink(None), []
    message = common.MAVLink_heartbeat_message(common.MAV_TYPE_GCS, 8, 0, 0, 4, 3)
    came: list[Any] = []
    while time.monotonic() < end_s and not (heard and came):
        os.write(far, message.pack(common.MAVLink(None, srcSystem=255, srcComponent=190)))
        link.send(heartbeat())
        came += link.messages()
        try:
            heard += decoder.parse_buffer(os.read(far, 4096)) or []
        except BlockingIOError:
            time.sleep(0.02)
    assert heard[0].get_srcComponent() == 100 and came[0].get_srcSystem() == 255
    os.close(far)
    while link.open and time.monotonic() < end_s:
        time.sleep(0.02)
    assert not link.open, "a line that is pulled is a link that is down"
    os.close(near)


def test_garbage_is_counted_and_what_comes_after_it_is_read(open_link: Open) -> None:
    port = free_port()
    link = open_link(f"udpin:127.0.0.1:{port}")
    garbage = bytes(range(256)) * 4
    sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    station = GroundStation(f"udpout:127.0.0.1:{port}")
    end = time.monotonic() + WAIT_S
    while not link.bad_bytes and time.monotonic() < end:
        sender.sendto(garbage, ("127.0.0.1", port))
        cut = heartbeat().pack(common.MAVLink(None))[:-3]
        sender.sendto(cut, ("127.0.0.1", port))
        time.sleep(0.02)
    exchange(link, station)
    assert link.bad_bytes > 0
    station.close()
    sender.close()


def test_sequence_numbers_wrap(open_link: Open) -> None:
    port = free_port()
    link = open_link(f"udpin:127.0.0.1:{port}")
    station = GroundStation(f"udpout:127.0.0.1:{port}")
    exchange(link, station)
    numbers: list[int] = []
    for _ in range(600):
        station.link.mav.heartbeat_send(common.MAV_TYPE_GCS, 8, 0, 0, 4)
        time.sleep(0.0005)
        numbers += [message.get_seq() for message in link.messages()]
    time.sleep(0.2)
    numbers += [message.get_seq() for message in link.messages()]
    assert len(numbers) > 500 and max(numbers) == 255 and numbers.count(0) >= 2
    station.close()


@pytest.mark.parametrize("device", ["", "udp", "udpin:127.0.0.1", "http://127.0.0.1:80", "udpin:127.0.0.1:x", "ttyS0"])
def test_a_device_of_no_known_kind_is_refused(device: str) -> None:
    with pytest.raises(SettingError, match="udpin:ADDRESS:PORT"):
        checked_device(device)
