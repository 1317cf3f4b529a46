# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Who may open the operator's page: loopback unless told otherwise, a token beyond it, and no page of another site."""

from __future__ import annotations

import hmac
import secrets
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import urlsplit

from stdtrack_ros.errors import SettingError

SHORTEST_TOKEN = 16
"""Characters; a token that is made here has 32."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a request is refused: HTTP status and a sentence for the person in front of the page."""

    status: int
    sentence: str


@dataclass(frozen=True, slots=True)
class Access:
    """The rules of one server.

    Attributes:
        token: what every viewer has to know; empty: no token, which only a loopback address may have.
    """

    token: str

    @classmethod
    def to(cls, host: str, token: str) -> Access:
        """Return the rules for a server that listens on `host`; without a token, make one if others can reach it.

        Raises:
            SettingError: a token that is too short to keep anybody out.
        """
        if token and len(token) < SHORTEST_TOKEN:
            raise SettingError(
                f"The token has {len(token)} characters; it needs at least {SHORTEST_TOKEN} (leave it empty to have "
                "one made)."
            )
        return cls(token or ("" if is_loopback(host) else secrets.token_urlsafe(24)))

    def refusal(self, host_header: str, origin: str | None, token: str) -> Refusal | None:
        """Return why a request is refused, or None.

        Args:
            host_header: the `Host` of the request.
            origin: its `Origin`; None if it has none, as a program's.
            token: what the request brought along.
        """
        if origin is not None and urlsplit(origin).netloc.lower() != host_header.lower():
            return Refusal(403, "A page of another site may not use this one; open this robot's own address.")
        if not self.token:
            # A name that somebody's DNS points at 127.0.0.1 would pass as its own origin.
            if is_loopback(urlsplit(f"//{host_header}").hostname or ""):
                return None
            return Refusal(403, "Without a token this page is for this machine alone: open it as 127.0.0.1.")
        if not hmac.compare_digest(token.encode(), self.token.encode()):
            return Refusal(401, "The token is missing or wrong; open the address that the robot's log shows.")
        return None


def is_loopback(host: str) -> bool:
    """Return whether a host name or address is this machine for itself alone."""
    if host.lower() == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
