# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What a browser may send, and what it is sent: checked messages, bounded in size and rate."""

from __future__ import annotations

import json
import struct
import time
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from stdtrack_ros.errors import InputError

LARGEST_MESSAGE = 2048
"""Bytes of the largest message that a browser may send."""
LONGEST_ID = 64
"""Characters of the longest target_id."""

Fraction = Annotated[float, Field(ge=0.0, le=1.0, allow_inf_nan=False)]


def _of_a_message(stamp: str) -> str:
    if int(stamp) >= 2**31 * 10**9:
        raise ValueError("no message carries a stamp as late as that")
    return stamp


Stamp = Annotated[str, Field(pattern=r"^\d{1,19}$"), AfterValidator(_of_a_message)]
"""Nanoseconds; as text, since a number in JavaScript does not hold them all."""
TargetId = Annotated[str, Field(max_length=LONGEST_ID)]


class _Message(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Shown(_Message):
    """A picture has been shown: the next one may come."""

    type: Literal["shown"]
    number: int


class Look(_Message):
    """Whether anybody sees the page; a hidden tab gets no pictures."""

    type: Literal["look"]
    value: bool


class Hold(_Message):
    """Keep the image with that stamp for a start on it, in place of one held before; 0: let it go."""

    type: Literal["hold"]
    stamp: Stamp


class Control(_Message):
    """Ask for control; from somebody who has it, it is taken only if `confirmed`."""

    type: Literal["control"]
    request: int
    confirmed: bool = False


class Start(_Message):
    """Start a target on a box or, without a size, on a point; fractions of the picture with that stamp."""

    type: Literal["start"]
    request: int
    stamp: Stamp
    x: Fraction
    y: Fraction
    width: Fraction = 0.0
    height: Fraction = 0.0
    target_id: TargetId = ""


class Stop(_Message):
    """Forget one target."""

    type: Literal["stop"]
    request: int
    target_id: TargetId


class StopAll(_Message):
    """Forget all targets."""

    type: Literal["stop_all"]
    request: int


class Enable(_Message):
    """Pause or resume tracking; targets are kept."""

    type: Literal["enable"]
    request: int
    value: bool


Command = Start | Stop | StopAll | Enable
ClientMessage = Shown | Look | Hold | Control | Command
_ADAPTER: TypeAdapter[ClientMessage] = TypeAdapter(Annotated[ClientMessage, Field(discriminator="type")])


def read_message(text: str) -> ClientMessage:
    """Parse the message in a browser's text.

    Raises:
        InputError: it is none, with the first thing that is wrong.
    """
    try:
        return _ADAPTER.validate_json(text)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise InputError(f"The page sent a message that cannot be used: {place or 'JSON'}: {first['msg']}.") from None


def picture_message(number: int, state: dict[str, Any], picture: bytes) -> bytes:
    """Pack for the browser: the picture's number and the state's length (uint32, little endian), state, picture."""
    text = json.dumps(state, separators=(",", ":")).encode()
    return struct.pack("<II", number, len(text)) + text + picture


class RateLimit:
    """A token bucket: `rate` a second on average, `burst` at once."""

    def __init__(self, rate: float, burst: float) -> None:
        self._rate, self._burst = rate, burst
        self._left, self._looked_s = burst, time.monotonic()

    def allows(self) -> bool:
        """Count one more; False if it is one too many."""
        now = time.monotonic()
        self._left = min(self._left + self._rate * (now - self._looked_s), self._burst)
        self._looked_s = now
        if self._left < 1.0:
            return False
        self._left -= 1.0
        return True
