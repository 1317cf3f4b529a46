# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Who is let in."""

from __future__ import annotations

import pytest

from stdtrack_ros.errors import SettingError
from stdtrack_ros.nodes.operator.access import Access, is_loopback

TOKEN = "correct-horse-battery"


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.8.9.1", "::1", "LOCALHOST"])
def test_loopback_needs_no_token(host: str) -> None:
    assert is_loopback(host) and Access.to(host, "").token == ""


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.20", "robot.local", "", "localhost.evil.example"])
def test_any_other_address_has_a_token_that_nobody_can_guess(host: str) -> None:
    first, second = Access.to(host, ""), Access.to(host, "")
    assert not is_loopback(host)
    assert len(first.token) >= 32 and first.token != second.token


def test_a_short_token_is_refused() -> None:
    with pytest.raises(SettingError, match=r"5 characters.*at least 16"):
        Access.to("0.0.0.0", "12345")


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "http://127.0.0.1:9999", "null", "https://127.0.0.1.evil.example:8088"]
)
def test_a_page_of_another_site_is_refused(origin: str) -> None:
    refusal = Access.to("127.0.0.1", "").refusal("127.0.0.1:8088", origin, "")
    assert refusal is not None and refusal.status == 403


@pytest.mark.parametrize("host", ["127.0.0.1:8088", "localhost:8088", "[::1]:8088"])
def test_the_own_page_is_let_in(host: str) -> None:
    assert Access.to("127.0.0.1", "").refusal(host, f"http://{host}", "") is None


def test_a_name_that_points_at_this_machine_is_not_this_machine() -> None:
    refusal = Access.to("127.0.0.1", "").refusal("evil.example:8088", "http://evil.example:8088", "")
    assert refusal is not None and refusal.status == 403


@pytest.mark.parametrize("token", ["", "correct-horse-batter", TOKEN + "x", TOKEN.upper(), "ü" * 21])
def test_a_wrong_token_is_refused(token: str) -> None:
    refusal = Access.to("0.0.0.0", TOKEN).refusal("robot:8088", "http://robot:8088", token)
    assert refusal is not None and refusal.status == 401


def test_with_the_token_any_name_of_the_robot_will_do() -> None:
    assert Access.to("0.0.0.0", TOKEN).refusal("robot:8088", "http://robot:8088", TOKEN) is None
    assert Access.to("0.0.0.0", TOKEN).refusal("10.0.0.7:8088", None, TOKEN) is None
