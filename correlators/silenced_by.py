"""What a silence may ask of an incident to mute it."""

from __future__ import annotations

from typing import Final

import msgspec

from correlators.conditions import Asked, When

WHEN_BYTES: Final = 4_096
"""Largest condition of a silence, as it is stored."""

SILENCED_BY: Final = frozenset(
    {
        Asked.SERVICE,
        Asked.RELEASE,
        Asked.LEVEL,
        Asked.MIN_LEVEL,
        Asked.ERROR_TYPE,
        Asked.TEXT,
        Asked.OWNER,
    }
)
"""What a silence may ask of an incident: what it is, not how it goes. No tags: FINGERPRINT carries
only those that the configuration names."""


def check_when(when: When, environment: str) -> None:
    """Return if a silence may ask for this. Raises: ValueError: the text says what is wrong."""
    if not environment:
        raise ValueError("a condition needs its environment")
    if not when.given:
        raise ValueError("a silence says what it mutes")
    for asked in when.given:
        if asked not in SILENCED_BY:
            raise ValueError(f"a silence cannot ask for {asked}")
    if len(msgspec.msgpack.encode(when)) > WHEN_BYTES:
        raise ValueError(f"a silence's condition has at most {WHEN_BYTES} bytes")
