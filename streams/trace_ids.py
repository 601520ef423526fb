"""Which events are traced, and under which ids: all of it follows from the event's own id.

So nothing has to be carried from stage to stage, every stage chooses the same events, and no record
and no decision is another one for being traced. Pure.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Final

import msgspec
import xxhash

EVENT_ID_CHARS: Final = 36


class Hop(StrEnum):
    """A stretch of an event's way, which has a span."""

    INTAKE = "intake"
    FINGERPRINT = "fingerprint"
    CORRELATE = "correlate"
    DELIVER = "deliver"


BEFORE: Final = {
    Hop.FINGERPRINT: Hop.INTAKE,
    Hop.CORRELATE: Hop.FINGERPRINT,
    Hop.DELIVER: Hop.CORRELATE,
}
"""Whose span is the parent."""


class _Named(msgspec.Struct, frozen=True):
    event_id: str = ""


class _Data(msgspec.Struct, frozen=True):
    error: _Named | None = None
    event: _Named | None = None


class _Body(msgspec.Struct, frozen=True):
    data: _Data = _Data()
    event: _Named | None = None
    """Of the legacy plugin."""
    event_id: str = ""
    """Of a bare event."""


_UUID: Final = re.compile(r"[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}")
_body: Final = msgspec.json.Decoder(_Body)


def event_id_of(body: bytes) -> str:
    """Return the id of the event in a webhook's body; empty where there is none to be read."""
    try:
        read = _body.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return ""
    found = read.data.error or read.data.event or read.event or read
    return named(found.event_id)


def named(event_id: str) -> str:
    """Return an event id in the spelling that `correlators.events` gives it; empty for none, and
    for one that is no id: those are not traced."""
    given = event_id.strip()
    if len(given) > EVENT_ID_CHARS or not given.isprintable():
        return ""
    plain = given.lower()
    return plain.replace("-", "") if _UUID.fullmatch(plain) else given


def is_traced(event_id: str, one_in: int) -> bool:
    """Return whether an event is one of those that are traced.

    Args:
        event_id: as `named` gives it; an empty one is not.
        one_in: of so many events one is, roughly, >= 1; it is for fewer, too.
    """
    return bool(event_id) and _hash("sampled", event_id) < 2**64 // one_in


def trace_id(event_id: str) -> int:
    """Return the id of an event's trace, 128 bits, never 0."""
    return xxhash.xxh3_128_intdigest(f"trace\0{event_id}".encode()) or 1


def span_id(event_id: str, hop: Hop, which: str = "") -> int:
    """Return the id of a span of an event's trace, 64 bits, never 0.

    Args:
        event_id: whose trace.
        hop: which stretch of its way.
        which: tells apart what happens there more than once: a destination and a revision.
    """
    return _hash(f"span\0{hop.value}\0{which}", event_id) or 1


def _hash(what: str, event_id: str) -> int:
    return xxhash.xxh3_64_intdigest(f"{what}\0{event_id}".encode())
