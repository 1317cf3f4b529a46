# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Messages of browsers: what fits is read, what does not is refused with a sentence."""

from __future__ import annotations

import json
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stdtrack_ros.errors import InputError
from stdtrack_ros.nodes.operator import protocol
from stdtrack_ros.nodes.operator.protocol import RateLimit, Start, picture_message, read_message

START = {
    "type": "start",
    "request": 3,
    "stamp": "1795772890124217462",
    "x": 0.25,
    "y": 0.5,
    "width": 0.1,
    "height": 0.2,
}


def test_a_start_keeps_every_nanosecond_of_its_stamp() -> None:
    message = read_message(json.dumps(START))
    assert isinstance(message, Start)
    assert int(message.stamp) == 1795772890124217462
    assert (message.x, message.y, message.width, message.height, message.target_id) == (0.25, 0.5, 0.1, 0.2, "")


@pytest.mark.parametrize(
    "change",
    [
        {"x": 1.01},
        {"x": -0.01},
        {"width": "wide"},
        {"width": float("nan")},
        {"height": float("inf")},
        {"stamp": "-5"},
        {"stamp": "1" * 20},
        {"stamp": "2147483648000000000"},  # does not fit into a message
        {"stamp": 5},
        {"target_id": "a" * 65},
        {"extra": 1},
        {"type": "shutdown"},
        {"type": None},
    ],
)
def test_what_does_not_fit_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(InputError, match="cannot be used"):
        read_message(json.dumps(START | change))


@given(
    st.text() | st.dictionaries(st.sampled_from([*START, "value"]), st.none() | st.floats() | st.text()).map(json.dumps)
)
def test_no_text_does_anything_else(text: str) -> None:
    with pytest.raises(InputError):
        read_message(text)


def test_a_picture_is_its_number_its_state_and_its_bytes() -> None:
    message = picture_message(7, {"stamp": "5"}, b"\xff\xd8jpeg")
    number, length = struct.unpack_from("<II", message)
    assert (number, json.loads(message[8 : 8 + length]), message[8 + length :]) == (7, {"stamp": "5"}, b"\xff\xd8jpeg")


def test_a_rate_is_bounded_and_comes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(protocol.time, "monotonic", lambda: now[0])
    limit = RateLimit(rate=2.0, burst=3.0)
    assert [limit.allows() for _ in range(4)] == [True, True, True, False]
    now[0] += 1.0
    assert [limit.allows() for _ in range(3)] == [True, True, False]
    now[0] += 1000.0
    assert [limit.allows() for _ in range(4)] == [True, True, True, False]
