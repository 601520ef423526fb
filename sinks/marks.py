"""What is noted about dead letters: that one is to be sent again, what became of that, or that one
is done with.

Values only. A `Redrive` travels with the digest that is sent again; the others stand on the topic
of the dead letters, behind the letter that they are about. What a delivery makes of a `Redrive` is
decided in `sinks.redrive`.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

import msgspec

from sinks.base import Step


class RedriveOutcome(StrEnum):
    """What became of a dead letter that was sent again. The word is the metric label."""

    TAKEN = "taken"
    """It waits for its turn, like any other digest."""
    SUPERSEDED = "superseded"
    """A newer revision of the same is known there: the older one is never told after it."""
    OVER = "over"
    """It would page for something whose end was told, or end what is not open."""
    REPEATED = "repeated"
    """It was told there already, or is on its way."""
    NO_PAGE = "no_page"
    """The destination is a pager, and this is no page."""
    UNKNOWN_DESTINATION = "unknown_destination"
    """The destination is not configured: it is a dead letter again."""
    OUTBOX_FULL = "outbox_full"
    """There is no room: it is a dead letter again."""


class Redrive(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Travels with a digest that is sent again: which dead letter it is."""

    letter: str
    """Its id."""
    partition: int = 0
    """Where it stands on the topic of the dead letters."""
    step: Step | None = None
    """The call that was given up, where there was one."""
    possible_repeat: bool = False
    """An earlier call may have arrived there."""


class Taken(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="taken"):
    """DELIVER has come to a dead letter that was sent again."""

    letter: str
    partition: int = 0
    destination: str
    outcome: RedriveOutcome
    at_ms: int


class SentAgain(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="sent_again"):
    """Somebody has it sent again; it stands on `deliveries` since the same transaction."""

    letter: str
    partition: int = 0
    destination: str
    """Where to."""
    by: str
    at_ms: int


class PutAside(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="put_aside"):
    """Somebody says that it is done with."""

    letter: str
    partition: int = 0
    by: str
    at_ms: int
    why: str = ""


Mark = Taken | SentAgain | PutAside
"""What stands about a dead letter on its topic."""

REDRIVE_HEADER: Final = "redrive"
"""Of a digest on `deliveries`: it is sent again."""
MARK_HEADER: Final = "mark"
"""Of a record on the topic of the dead letters: it is no letter, but says something about one."""

_mark: Final[msgspec.msgpack.Decoder[Mark]] = msgspec.msgpack.Decoder(Mark)
_redrive: Final = msgspec.msgpack.Decoder(Redrive)


def encode(value: Mark | Redrive) -> bytes:
    """Return its one byte form."""
    return msgspec.msgpack.encode(value)


def read_mark(raw: bytes) -> Mark:
    """Return the mark. Raises: msgspec.DecodeError."""
    return _mark.decode(raw)


def read_redrive(raw: bytes) -> Redrive:
    """Return what travels with the digest. Raises: msgspec.DecodeError."""
    return _redrive.decode(raw)
